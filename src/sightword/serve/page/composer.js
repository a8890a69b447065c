// The form: pictures, words, what must not show, filters. It shows a question and reports changes of it.

import { $, h, baseName, thumb } from "./dom.js";
import { filterCount, keep, uploaded } from "./state.js";

const FIELDS = { "f-folder": "folder", "f-from": "from", "f-until": "until", "f-width": "width", "f-format": "format" };
const MOST = 8;
const LARGEST = 32 * 2 ** 20;

const shown = (item, size) => (item.upload ? uploaded(item).url : thumb(item, size));
const named = (item) => item.name ?? baseName(item.path ?? "picture");

export class Composer {
  /** `changed(how)` is called with "step" for a new step, "tune" for a change of this one; `say` shows an error. */
  constructor(changed, say) {
    this.changed = changed;
    this.say = say;
    this.q = null;
    $("composer").addEventListener("submit", (event) => { event.preventDefault(); this.commitWords(true); });
    $("pick").addEventListener("click", () => $("file").click());
    $("file").addEventListener("change", () => { this.take([...$("file").files], true); $("file").value = ""; });
    $("without-text").addEventListener("keydown", (event) => this.negativeKey(event));
    $("without-text").addEventListener("blur", () => this.addNegative());
    $("balance").addEventListener("input", () => { this.q.balance = Number($("balance").value); this.later(); });
    $("balance").addEventListener("dblclick", () => { $("balance").value = 50; this.q.balance = 50; this.later(); });
    $("f-score").addEventListener("input", () => { this.q.score = Number($("f-score").value); this.later(); });
    $("f-k").addEventListener("change", () => { this.q.k = Number($("f-k").value); this.changed("tune"); });
    for (const [id, field] of Object.entries(FIELDS)) {
      $(id).addEventListener("change", () => { this.q[field] = $(id).value.trim(); this.changed("tune"); });
    }
    $("f-clear").addEventListener("click", () => {
      for (const field of Object.values(FIELDS)) this.q[field] = "";
      this.q.score = 0;
      this.changed("tune");
    });
    document.addEventListener("click", (event) => {
      if ($("more").open && !$("more").contains(event.target) && innerWidth > 720) $("more").open = false;
    });
    this.listenForDrops();
  }

  /** Show a question. */
  show(q) {
    this.q = q;
    if (document.activeElement !== $("text") || $("text").value.trim() !== q.text) $("text").value = q.text;
    $("references").replaceChildren(...q.refs.map((item, place) => this.reference(item, place)));
    $("without").replaceChildren(
      ...q.without.map((word, place) => this.chip(word, null, () => q.without.splice(place, 1))),
      ...q.not.map((item, place) => this.chip(named(item), shown(item, 128), () => q.not.splice(place, 1))),
    );
    $("balance").value = q.balance;
    $("balance").disabled = !(q.refs.length && q.text.trim()) || q.methods.length > 0;
    $("f-score").value = q.score;
    $("f-k").value = q.k;
    for (const [id, field] of Object.entries(FIELDS)) $(id).value = q[field];
    this.figures();
  }

  folders(names) {
    $("folders").replaceChildren(...names.map((name) => h("option", { value: name })));
  }

  /** Take the words as they stand in the field; `always` searches even when they are the same. */
  commitWords(always) {
    const text = $("text").value.trim();
    if (text !== this.q.text) { this.q.text = text; this.changed("step"); } else if (always) this.changed("tune");
  }

  /** Pictures that were dropped or pasted become the references; chosen ones join those that are there. */
  take(files, join = false) {
    const pictures = files.filter((file) => file.type.startsWith("image/") || /\.(hei[cf]|avif|tiff?)$/i.test(file.name));
    if (!pictures.length) { if (files.length) this.say("That is not a picture."); return; }
    const large = pictures.find((file) => file.size > LARGEST);
    if (large) { this.say(`${large.name} is larger than 32 MB.`); return; }
    this.q.refs = [...(join ? this.q.refs : []), ...pictures.map(keep)].slice(-MOST);
    this.q.text = $("text").value.trim();
    this.changed("step");
    $("text").focus();
  }

  use(picture) { this.q.refs = [picture]; this.changed("step"); }

  add(picture) {
    if (this.q.refs.some((item) => item.id === picture.id)) return;
    this.q.refs = [...this.q.refs, picture].slice(-MOST);
    this.changed("step");
  }

  refuse(picture) {
    if (this.q.not.some((item) => item.id === picture.id)) return;
    this.q.not = [...this.q.not, picture].slice(-MOST);
    this.changed("step");
  }

  figures() {
    $("f-score-out").textContent = this.q.score ? `${(this.q.score / 10).toFixed(1)} σ above average` : "any";
    const count = filterCount(this.q);
    $("filter-count").hidden = !count;
    $("filter-count").textContent = count;
  }

  later() {
    this.figures();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.changed("tune"), 180);
  }

  reference(item, place) {
    const name = named(item);
    const image = h("img", { src: shown(item, 256), alt: name, title: name });
    image.addEventListener("error", () => image.replaceWith(h("span", { class: "unseen" }, name))); // such as HEIC
    return h("li", {}, image,
      h("button", { type: "button", "aria-label": `Remove ${name}`, onclick: () => { this.q.refs.splice(place, 1); this.changed("step"); } }, "×"));
  }

  chip(text, image, remove) {
    return h("li", {}, image && h("img", { src: image, alt: "" }), text,
      h("button", { type: "button", "aria-label": `No longer without ${text}`, onclick: () => { remove(); this.changed("step"); } }, "×"));
  }

  negativeKey(event) {
    if (event.key === "Enter" || event.key === ",") { event.preventDefault(); this.addNegative(); }
    if (event.key === "Backspace" && !event.target.value && this.q.without.length) { this.q.without.pop(); this.changed("step"); }
  }

  addNegative() {
    const word = $("without-text").value.trim();
    $("without-text").value = "";
    if (!word || this.q.without.includes(word)) return;
    this.q.without = [...this.q.without, word].slice(-MOST);
    this.changed("step");
  }

  listenForDrops() {
    let depth = 0;
    const over = (on) => { $("drop").hidden = !on; };
    const files = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    addEventListener("dragenter", (event) => { if (files(event)) { depth += 1; over(true); } });
    addEventListener("dragleave", (event) => { if (files(event)) { depth = Math.max(0, depth - 1); over(depth > 0); } });
    addEventListener("dragover", (event) => { if (files(event)) event.preventDefault(); });
    addEventListener("drop", (event) => {
      if (!files(event)) return;
      event.preventDefault();
      depth = 0;
      over(false);
      this.take([...event.dataTransfer.files]);
    });
    addEventListener("paste", (event) => {
      const pasted = [...(event.clipboardData?.files ?? [])];
      if (pasted.length) { event.preventDefault(); this.take(pasted); }
    });
  }
}
