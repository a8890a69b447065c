// What was found: a justified grid, or one column for each method; and moving in it by keyboard.

import { $, h, baseName, cut, plural, thumb } from "./dom.js";

const ratioOf = (hit) => Math.min(2.6, Math.max(0.5, hit.width / hit.height || 1));
const PLAIN = {
  image: "the picture alone", text: "the words alone", average: "picture and words in equal parts",
  weighted: "more words than picture", slerp: "on the way from picture to words", direction: "from the picture, the way the words say",
  tuned: "the picture as a word, moved as words moved others",
};
const SIZE = devicePixelRatio > 1.3 ? 512 : 256;

export class Results {
  /** `actions` has open(hits, place), use(hit) and refuse(hit). */
  constructor(actions) {
    this.actions = actions;
    this.root = $("results");
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.root.addEventListener("pointerover", (event) => this.mark(event.target.closest(".hit")?.dataset.id));
    this.root.addEventListener("pointerleave", () => this.mark(null));
  }

  clear() { this.root.replaceChildren(); }

  /** One method's hits as a grid. */
  grid(result) {
    this.root.replaceChildren(this.list(result.hits, true));
  }

  /** Several methods' hits, side by side; pictures that only one of them found are framed. */
  columns(results, summaries) {
    const found = new Map();
    for (const { hits } of results) for (const hit of hits) found.set(hit.id, (found.get(hit.id) ?? 0) + 1);
    const columns = results.map((result) => {
      const alone = result.hits.filter((hit) => found.get(hit.id) === 1).length;
      const list = this.list(result.hits, false);
      for (const item of list.children) item.classList.toggle("alone", results.length > 1 && found.get(item.dataset.id) === 1);
      return h("article", { class: "column", "aria-label": result.method },
        h("h2", {}, result.method),
        h("p", {}, this.short(result.method, summaries.get(result.method.split(":")[0])), h("br"), results.length > 1 && !result.error ? `${plural(alone, "picture")} only here` : ""),
        result.hits.length ? list : h("p", {}, result.error ? [result.error.detail, result.error.hint].filter(Boolean).join(" ") : "Nothing passes the filters."));
    });
    this.root.replaceChildren(h("div", { class: "columns" }, ...columns));
  }

  /** What a method does, without its equation. */
  short(name, summary = "") { return PLAIN[name] ?? /^(.+?)[.,;]? ?q = /.exec(summary)?.[1] ?? summary; }

  nothing(title, text) {
    this.root.replaceChildren(h("div", { class: "nothing" }, h("strong", {}, title), text));
  }

  list(hits, actions) {
    return h("ul", { class: "grid" }, ...hits.map((hit, place) => this.card(hits, place, actions)));
  }

  card(hits, place, actions) {
    const hit = hits[place], name = baseName(hit.path), alike = hit.duplicates.length;
    const label = `${hit.rank}: ${name}, score ${cut(hit.score, 3)}${alike ? `, and ${alike} alike` : ""}`;
    const button = (text, title, act) => h("button", { type: "button", tabindex: -1, title, "aria-label": `${title}: ${name}`, onclick: act }, text);
    const image = h("img", { src: thumb(hit, SIZE), alt: "", loading: place < 12 ? "eager" : "lazy", decoding: "async" });
    image.addEventListener("error", () => image.replaceWith(h("span", {}, "cannot be shown")));
    return h("li", { class: "hit", data: { id: hit.id, place }, style: { "--ratio": ratioOf(hit), "animation-delay": `${Math.min(place, 14) * 14}ms` } },
      h("button", { type: "button", class: "open", "aria-label": label, title: hit.path, tabindex: place ? -1 : 0, onclick: () => this.actions.open(hits, place) }, image),
      h("div", { class: "bar" },
        h("span", { class: "score", title: `cosine ${hit.score}, ${hit.z} standard deviations above average` }, `${cut(hit.score, 3)} · ${cut(hit.z, 1)}σ`,
          alike ? h("span", { class: "more-alike", title: hit.duplicates.join("\n") }, `+${alike}`) : ""),
        actions && button("−", "Not like this (n)", () => this.actions.refuse(hit)),
        actions && button("↻", "Use as reference (r)", () => this.actions.use(hit))));
  }

  /** Show where else a picture is. */
  mark(id) {
    if (!this.root.querySelector(".columns")) return;
    for (const item of this.root.querySelectorAll(".hit")) item.classList.toggle("same", id !== null && item.dataset.id === id);
  }

  focusFirst() { this.root.querySelector(".open")?.focus(); }

  focusOn(id) { [...this.root.querySelectorAll(".hit")].find((item) => item.dataset.id === id)?.querySelector(".open").focus(); }

  /** The picture that has the focus. */
  current() { return document.activeElement?.closest?.("#results .hit") ?? null; }

  key(event) {
    const here = this.current();
    if (!here || event.ctrlKey || event.metaKey || event.altKey) return;
    const all = [...this.root.querySelectorAll(".hit")], at = all.indexOf(here);
    const to = { ArrowRight: all[at + 1], ArrowLeft: all[at - 1], Home: all[0], End: all.at(-1), ArrowDown: this.beyond(all, here, 1), ArrowUp: this.beyond(all, here, -1) }[event.key];
    if (event.key === "ArrowUp" && !to) { event.preventDefault(); $("text").focus(); return; }
    if (!to) return;
    event.preventDefault();
    for (const item of all) item.querySelector(".open").tabIndex = item === to ? 0 : -1;
    to.querySelector(".open").focus();
    to.scrollIntoView({ block: "nearest" });
  }

  /** The nearest picture in the row above or below. */
  beyond(all, here, way) {
    const box = here.getBoundingClientRect(), middle = box.left + box.width / 2;
    const others = all.map((item) => ({ item, box: item.getBoundingClientRect() }))
      .filter((each) => (way > 0 ? each.box.top >= box.bottom - 4 : each.box.bottom <= box.top + 4));
    const distance = ({ box: other }) => Math.abs(other.top - box.top) * 4 + Math.abs(other.left + other.width / 2 - middle);
    return others.sort((one, two) => distance(one) - distance(two))[0]?.item;
  }
}
