// The page: a question, its answer, and the way from one to the next.

import * as api from "./api.js";
import { $, h, plural, thumb } from "./dom.js";
import { Trail, blobs, fresh, fromHash, isEmpty, request, toHash, uploaded } from "./state.js";
import { Composer } from "./composer.js";
import { Results } from "./results.js";
import { Viewer } from "./viewer.js";
import { Folders } from "./folders.js";
import { explain, waiting } from "./explain.js";
import { start } from "./start.js";

const COMPARED = ["image", "text", "average"];
const trail = new Trail();
let q = fresh(), known = [], running = null, explaining = false, asked = "";

const composer = new Composer(changed, (text) => say(text));
const results = new Results({ open: (hits, place) => viewer.open(hits, place), use: (hit) => composer.use(plain(hit)), refuse: (hit) => composer.refuse(plain(hit)) });
const viewer = new Viewer({
  use: (hit) => composer.use(plain(hit)), add: (hit) => composer.add(plain(hit)), refuse: (hit) => composer.refuse(plain(hit)),
  folder: (id) => folders.all.find((index) => index.id === id && !index.folder?.includes("://"))?.folder, closed: (hit) => hit && results.focusOn(hit.id), say,
});
const folders = new Folders({
  changed: (index, before) => { composer.folders(index.folders); if (isEmpty(q)) show(); else if (before && index.pictures !== before.pictures) run(); },
  chosen: (id) => { q = { ...fresh(id), text: q.text, without: q.without, k: q.k }; changed("step"); composer.folders(folders.current.folders); },
  same: (index) => say(`Nothing is new in ${index.name}.`), lost: trouble, found: () => { if ($("banner").dataset.about === "offline") $("banner").hidden = true; },
});

const plain = ({ id, index, path, version, width, height }) => ({ id, index, path, version, width, height });

function say(text) { $("status").textContent = text; }

/** A question that was changed: a new step, or this one tuned. */
function changed(how) {
  if (q.refs.length) q.index = q.refs.find((item) => item.index)?.index ?? q.index;
  if (how === "step" && trail.at >= 0 && toHash(q) !== toHash(trail.steps[trail.at])) trail.push(q);
  else trail.replace(q);
  show();
}

/** Show the question, and ask it. */
function show() {
  composer.show(q);
  drawTrail();
  drawMethods();
  const empty = isEmpty(q);
  for (const id of ["explain-toggle", "share"]) $(id).hidden = empty;
  $("compare-toggle").setAttribute("aria-pressed", String(q.methods.length > 0));
  document.title = empty ? "Sightword" : `${q.text || "pictures like this"} · Sightword`;
  if (!empty) { $("start").hidden = true; run(); return; }
  running?.abort();
  results.clear();
  $("explain").hidden = true;
  say(q.without.length || q.not.length ? "Give a picture or words to go on." : "");
  start(folders.current, (picture, text) => { q.refs = [plain(picture)]; q.text = text; changed("step"); });
}

async function run() {
  running?.abort();
  const mine = (running = new AbortController());
  const query = { ...request(q), explain: explaining && !q.methods.length };
  document.body.classList.add("busy");
  if (query.explain && !$("explain").children.length) waiting();
  try {
    const answer = await api.search(query, blobs(q), mine.signal);
    if (mine !== running) return;
    adopt(answer.references);
    render(answer, query);
    $("banner").hidden = true;
  } catch (error) {
    if (error.name !== "AbortError" && mine === running) trouble(error);
  } finally {
    if (mine === running) document.body.classList.remove("busy");
  }
}

/** An upload that the folder has too becomes the indexed picture: then a link can name it. */
function adopt(references) {
  const uploads = q.refs.filter((item) => item.upload), found = references.slice(q.refs.length - uploads.length);
  if (!found.some((item) => item.id)) return;
  q.refs = [...q.refs.filter((item) => item.id), ...uploads.map((item, place) => (found[place]?.id ? { id: found[place].id, index: q.index, name: item.name } : item))];
  trail.replace(q);
  composer.show(q);
}

function render(answer, query) {
  const first = answer.results[0];
  if (q.methods.length) results.columns(answer.results, new Map(known.map((method) => [method.name, method.summary])));
  else if (first.hits.length) results.grid(first);
  else nothing(answer);
  const key = JSON.stringify([q.refs.map((item) => item.id ?? item.upload), q.text]);
  if (first.explanation) explain(first.explanation); else if (key !== asked || !explaining) $("explain").hidden = true;
  asked = key;
  const shown = Math.max(...answer.results.map((result) => result.hits.length));
  const seconds = answer.results.reduce((sum, result) => sum + result.seconds, 0);
  const notes = [...answer.notes.filter((note) => !q.methods.length || !note.startsWith("The method")), ...(answer.complete ? [] : ["Pictures are still being read, so there may be better ones soon."])];
  $("status").replaceChildren(h("strong", {}, `${plural(shown, "picture")}`), ` of ${answer.pictures.toLocaleString("en")} · ${Math.max(1, Math.round(seconds * 1000))} ms`,
    q.methods.length ? "" : ` · ${first.method}`, notes.length ? ` · ${notes.join(" ")}` : "");
}

function nothing(answer) {
  if (!answer.pictures) results.nothing("No picture has been read yet", answer.complete ? "This folder has no pictures." : "They are being read now; results appear by themselves.");
  else if (query_is_limited()) results.nothing("Nothing passes the filters", "Try a lower smallest score, or clear the filters.");
  else results.nothing("Nothing else is here", "The folder has no picture besides the reference.");
}

const query_is_limited = () => Boolean(request(q).where || q.score);

/** Say what went wrong, in words a person can act on. */
function trouble(error) {
  if (error.status === 401) { if (!$("key").open) $("key").showModal(); return; }
  const offline = error.status === api.OFFLINE;
  $("banner").dataset.about = offline ? "offline" : "error";
  $("banner-text").textContent = [error.message, error.hint].filter(Boolean).join(" ");
  $("banner").hidden = false;
  if (!offline) results.nothing("This could not be answered", error.message);
  say("");
}

function drawTrail() {
  const steps = trail.steps.map((step, place) => ({ step, place })).filter(({ step }) => !isEmpty(step));
  $("trail").hidden = steps.length < 2;
  $("trail").firstElementChild.replaceChildren(...steps.map(({ step, place }) => {
    const words = step.text || (step.refs.length ? "like this" : ""), minus = [...step.without, ...step.not.map(() => "▢")].map((word) => ` − ${word}`).join("");
    const image = step.refs[0] && h("img", { src: step.refs[0].upload ? uploaded(step.refs[0]).url : thumb(step.refs[0], 128), alt: "" });
    return h("li", {}, h("button", { type: "button", class: place > trail.at ? "ahead" : "", "aria-current": place === trail.at ? "step" : null, onclick: () => history.go(place - trail.at) },
      image, h("span", {}, words + minus)));
  }));
  $("trail").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function drawMethods() {
  $("methods").hidden = !q.methods.length;
  if (!q.methods.length || !known.length) return;
  const boxes = known.map((method) => h("label", { title: method.summary },
    h("input", { type: "checkbox", value: method.name, checked: q.methods.includes(method.name), onchange: pickMethods }), method.default ? `${method.name} (default)` : method.name));
  $("methods").replaceChildren(h("legend", {}, "Methods side by side"), ...boxes);
}

function pickMethods() {
  const chosen = [...$("methods").querySelectorAll("input:checked")].map((box) => box.value).slice(0, 6);
  q.methods = chosen.length ? chosen : [known.find((method) => method.default)?.name ?? "default"];
  changed("tune");
}

function toggleCompare() {
  const best = known.find((method) => method.default)?.name ?? "direction";
  q.methods = q.methods.length ? [] : [...new Set([best, ...COMPARED])];
  changed("tune");
}

function toggleExplain() {
  explaining = !explaining;
  $("explain-toggle").setAttribute("aria-expanded", String(explaining));
  if (explaining) { $("explain").replaceChildren(); if (q.methods.length) { q.methods = []; changed("tune"); } else run(); } else $("explain").hidden = true;
}

async function share() {
  const lost = [...q.refs, ...q.not].some((item) => item.upload);
  try { await navigator.clipboard.writeText(location.href); } catch { say("The address bar has the link."); return; }
  say(lost ? "The link is copied, without the picture you uploaded: it stays here." : "The link is copied.");
}

function arrived({ q: next, lost }) {
  q = next;
  folders.choose(q.index);
  show();
  tellLost(lost);
  for (const item of [...q.refs, ...q.not]) if (item.id && !item.path) api.meta(item.id).then((meta) => { Object.assign(item, plain(meta)); composer.show(q); drawTrail(); }, () => {});
}

function tellLost(lost) {
  if (lost) say("The picture that was uploaded for this link is not here any more; give it again.");
}

function shortcut(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.closest("input:not([type=range]):not([type=checkbox]), select, textarea")) {
    if (event.key === "Escape") event.target.blur();
    if (event.key === "ArrowDown" && event.target.id === "text") { event.preventDefault(); results.focusFirst(); }
    return;
  }
  const here = results.current();
  const act = {
    "/": () => { $("text").focus(); $("text").select(); }, "?": () => $("help").showModal(), c: toggleCompare, e: () => !isEmpty(q) && toggleExplain(),
    ...(here && { r: () => press(here, "use"), a: () => press(here, "add"), n: () => press(here, "refuse") }),
  }[event.key];
  if (act) { event.preventDefault(); act(); }
}

/** A key on the picture that has the focus. */
function press(item, what) {
  const image = item.dataset.id;
  api.meta(image).then((meta) => composer[what](plain(meta)), trouble);
}

function theme() {
  const dark = document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  document.documentElement.dataset.theme = dark === "dark" ? "light" : "dark";
  try { localStorage.setItem("theme", document.documentElement.dataset.theme); } catch { /* only for now, then */ }
}

async function enter(key) {
  await api.session(key);
  if ($("key").open) $("key").close();
  await begin();
}

async function begin(lost = 0) {
  await folders.look();
  if (!folders.all.length) return;
  try { known = await api.methods(); } catch (error) { trouble(error); }
  folders.choose(q.index);
  composer.folders(folders.current.folders);
  show();
  tellLost(lost);
}

try { const kept = localStorage.getItem("theme"); if (kept) document.documentElement.dataset.theme = kept; } catch { /* none kept */ }
$("compare-toggle").addEventListener("click", toggleCompare);
$("explain-toggle").addEventListener("click", toggleExplain);
$("share").addEventListener("click", share);
$("theme").addEventListener("click", theme);
$("help-open").addEventListener("click", () => $("help").showModal());
$("home").addEventListener("click", (event) => { event.preventDefault(); q = fresh(folders.current?.id); $("text").value = ""; changed("step"); });
$("banner-retry").addEventListener("click", () => { $("banner").hidden = true; if (isEmpty(q)) begin(); else { folders.look(); run(); } });
$("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  enter($("key-text").value).catch((error) => { $("key-error").textContent = error.message; });
});
addEventListener("keydown", shortcut);
addEventListener("popstate", (event) => arrived(trail.arrive(event)));

const given = /^#key=(.+)$/.exec(location.hash);
if (given) history.replaceState(null, "", "/"); // the key must not stay in the address
const first = fromHash(location.hash);
trail.replace(first.q);
if (given) enter(decodeURIComponent(given[1])).catch(trouble).then(() => arrived(first));
else { arrived(first); begin(first.lost); }
