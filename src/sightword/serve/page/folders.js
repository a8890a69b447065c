// Which folders there are, and how far they are read; looked at again while that changes.

import { $, h, plural } from "./dom.js";
import { indexes, refresh } from "./api.js";

const reading = (index) => index.job && ["queued", "running"].includes(index.job.state);

export class Folders {
  /** `changed(index)` when the chosen one has other pictures, `lost(error)` and `found()` about the server, `same(index)` when nothing was new. */
  constructor({ changed, chosen, lost, found, same }) {
    this.all = [];
    this.report = { changed, lost, found, same };
    this.id = null;
    this.asked = null;
    $("look").addEventListener("click", () => this.again());
    $("index").addEventListener("change", () => { this.id = $("index").value; chosen(this.id); this.show(); });
  }

  get current() { return this.all.find((index) => index.id === this.id) ?? this.all[0]; }

  choose(id) { if (id && this.all.some((index) => index.id === id)) this.id = id; this.show(); }

  /** Have the server look for changes in the folder. */
  async again() {
    const index = this.current;
    if (!index) return;
    this.asked = { id: index.id, pictures: index.pictures };
    try { await refresh(index.id); } catch (error) { this.asked = null; this.report.lost(error); return; }
    await this.look();
  }

  async look() {
    clearTimeout(this.timer);
    const before = this.current;
    try {
      this.all = await indexes();
      this.report.found();
    } catch (error) {
      this.report.lost(error);
      if (error.status !== 401) this.timer = setTimeout(() => this.look(), 4000);
      return;
    }
    this.id ??= this.all[0]?.id;
    this.show();
    const now = this.current;
    if (!before || before.pictures !== now.pictures || reading(before) !== reading(now)) this.report.changed(now, before);
    if (this.asked && !reading(now)) {
      if (this.asked.id === now.id && this.asked.pictures === now.pictures && now.job?.state === "finished") this.report.same(now);
      this.asked = null;
    }
    this.timer = setTimeout(() => this.look(), this.all.some(reading) ? (this.asked ? 400 : 1200) : this.current.pictures && !this.current.watched ? 12000 : 2500);
  }

  show() {
    const names = this.all.map((index) => `${index.id} ${index.name}`).join();
    if (this.names !== names) {
      this.names = names;
      $("index").replaceChildren(...this.all.map((index) => h("option", { value: index.id }, index.name)));
    }
    const index = this.current;
    if (!index) return;
    $("index").value = index.id;
    $("index").disabled = this.all.length < 2;
    $("index").title = index.folder ?? index.name;
    $("count").textContent = plural(index.pictures, "picture") + (index.failed ? `, ${index.failed} not readable` : "");
    const job = index.job;
    $("look").hidden = index.watched;
    $("progress").hidden = !(reading(index) || job?.state === "failed" || index.error);
    const bar = $("progress-bar");
    bar.hidden = !reading(index);
    if (!reading(index)) { $("progress-text").textContent = index.error ?? job?.error ?? ""; return; }
    if (job.total) { bar.max = job.total; bar.value = job.done; } else bar.removeAttribute("value");
    $("progress-text").textContent = job.total ? `Reading pictures: ${job.done.toLocaleString("en")} of ${job.total.toLocaleString("en")}. You can search what is there.` : `Looking for changes${job.found ? `: ${plural(job.found, "file")} seen` : ""} …`;
  }
}
