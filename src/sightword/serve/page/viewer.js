// One picture, large, with what is known of it.

import { $, h, baseName, bytes, cut, thumb } from "./dom.js";

const day = (value) => new Date(value).toLocaleString(undefined, { dateStyle: "long", timeStyle: "short" });

export class Viewer {
  /** `actions` has use, add and refuse of a hit, folder(), closed(hit) and say(text). */
  constructor(actions) {
    this.actions = actions;
    this.box = $("viewer");
    this.hits = [];
    this.place = 0;
    this.box.addEventListener("click", (event) => this.click(event));
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.box.addEventListener("close", () => actions.closed(this.hits[this.place]));
  }

  get hit() { return this.hits[this.place]; }

  open(hits, place) {
    this.hits = hits;
    this.show(place);
    if (!this.box.open) this.box.showModal();
  }

  show(place) {
    this.place = (place + this.hits.length) % this.hits.length;
    const hit = this.hit, name = baseName(hit.path), image = $("viewer-image");
    $("viewer-name").textContent = name;
    image.alt = name;
    image.src = thumb(hit, 512); // at hand already, most of the time
    const large = new Image();
    large.onload = () => { if (this.hit === hit) image.src = large.src; };
    large.src = thumb(hit, 2048);
    const facts = {
      Score: `${cut(hit.score, 4)} (${cut(hit.z, 2)} σ above average), rank ${hit.rank}`,
      Folder: hit.path.includes("/") ? hit.path.slice(0, hit.path.lastIndexOf("/")) : "(top)",
      Size: `${hit.width.toLocaleString("en")} × ${hit.height.toLocaleString("en")}, ${bytes(hit.size)}`,
      Kind: hit.format.toUpperCase(),
      Taken: hit.taken ? day(hit.taken) : null,
      Changed: day(hit.modified * 1000),
      Alike: hit.duplicates.length ? hit.duplicates.join(", ") : null,
    };
    $("viewer-facts").replaceChildren(...Object.entries(facts).filter(([, value]) => value).flatMap(([key, value]) => [h("dt", {}, key), h("dd", {}, value)]));
    const download = $("viewer-download");
    download.href = hit.url ?? `/v1/images/${hit.id}?download=true`;
    download.textContent = hit.url ? "Open where it is kept" : "Download";
    download.target = hit.url ? "_blank" : "";
    download.rel = hit.url ? "noopener noreferrer" : "";
    download.download = name;
    // Where the pictures lie is told to people on the same machine only.
    $("viewer-hint").textContent = this.actions.folder(hit.index) ? `To open the folder, copy the path and paste it into your file manager: ${this.path()}` : `It lies on the server, in the folder ${hit.index}: ${hit.path}`;
    for (const button of this.box.querySelectorAll(".prev, .next")) button.hidden = this.hits.length < 2;
  }

  path() {
    const folder = this.actions.folder(this.hit.index);
    return folder ? `${folder}/${this.hit.path}` : this.hit.path;
  }

  async act(what) {
    const hit = this.hit;
    if (what === "prev") return this.show(this.place - 1);
    if (what === "next") return this.show(this.place + 1);
    if (what === "path") {
      try { await navigator.clipboard.writeText(this.path()); this.actions.say("The path is copied."); } catch { this.actions.say(this.path()); }
      return undefined;
    }
    this.box.close();
    return { use: this.actions.use, add: this.actions.add, not: this.actions.refuse }[what]?.(hit);
  }

  click(event) {
    const what = event.target.closest("[data-do]")?.dataset.do;
    if (what) this.act(what);
    else if (event.target === this.box || event.target.tagName === "FIGURE") this.box.close();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const what = { ArrowLeft: "prev", ArrowRight: "next", r: "use", a: "add", n: "not" }[event.key];
    if (what) { event.preventDefault(); event.stopPropagation(); this.act(what); }
  }
}
