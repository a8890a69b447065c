// The question as it stands, in the address and in the steps that led here.
//
// All of it is behind "#", which browsers do not send: neither servers nor proxies log what was asked.
// Uploaded pictures live in this tab only; a link cannot carry them, unless the folder has the same file.

export const DEFAULTS = { index: null, refs: [], text: "", without: [], not: [], folder: "", from: "", until: "", width: "", format: "", score: 0, k: 30, balance: 50, methods: [] };

const uploads = new Map();
let counter = 0;

export const fresh = (index = null) => ({ ...structuredClone(DEFAULTS), index });

export function keep(file) {
  const key = `u${(counter += 1)}`;
  uploads.set(key, { file, url: URL.createObjectURL(file) });
  return { upload: key, name: file.name || "pasted picture" };
}

export const uploaded = (item) => uploads.get(item.upload);

const SIMPLE = { text: "t", folder: "d", from: "a", until: "b", width: "w", format: "f" };

export function toHash(q) {
  const out = new URLSearchParams();
  if (q.index) out.set("i", q.index);
  const pictures = (items) => items.map((item) => (item.upload ? `~${item.upload}` : item.id)).join(",");
  if (q.refs.length) out.set("r", pictures(q.refs));
  if (q.not.length) out.set("x", pictures(q.not));
  for (const word of q.without) out.append("n", word);
  for (const [name, short] of Object.entries(SIMPLE)) if (q[name]) out.set(short, q[name]);
  if (q.score) out.set("z", q.score / 10);
  if (q.k !== 30) out.set("k", q.k);
  if (q.balance !== 50) out.set("s", q.balance);
  if (q.methods.length) out.set("m", q.methods.join(","));
  return `#${out}`;
}

/** The question of an address, and how many uploads of it are not here. */
export function fromHash(hash) {
  const given = new URLSearchParams(hash.slice(1));
  const q = fresh(given.get("i"));
  let lost = 0;
  const pictures = (text) => (text ?? "").split(",").filter(Boolean).flatMap((id) => {
    if (!id.startsWith("~")) return [{ id }];
    if (uploads.has(id.slice(1))) return [{ upload: id.slice(1), name: uploads.get(id.slice(1)).file.name }];
    lost += 1;
    return [];
  });
  q.refs = pictures(given.get("r")).slice(0, 8);
  q.not = pictures(given.get("x")).slice(0, 8);
  q.without = given.getAll("n").slice(0, 8);
  for (const [name, short] of Object.entries(SIMPLE)) q[name] = given.get(short) ?? "";
  const number = (name, least, most, otherwise) => {
    const value = Number(given.get(name) ?? NaN);
    return value >= least && value <= most ? value : otherwise;
  };
  q.score = Math.round(number("z", 0, 5, 0) * 10);
  q.k = Math.round(number("k", 1, 1000, 30));
  q.balance = number("s", 0, 100, 50);
  q.methods = (given.get("m") ?? "").split(",").filter(Boolean).slice(0, 6);
  return { q, lost };
}

export const isEmpty = (q) => !q.refs.length && !q.text.trim();

const quote = (text) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

/** The filter that the fields say. */
export function where(q) {
  const parts = [];
  if (q.folder) parts.push(`path ~ ${quote(/[*?]/.test(q.folder) ? q.folder : `${q.folder.replace(/\/+$/, "")}/*`)}`);
  if (q.from) parts.push(`taken >= ${q.from}`);
  if (q.until) parts.push(`taken <= ${q.until}`);
  if (q.width) parts.push(`width >= ${q.width}`);
  if (q.format) parts.push(`format = ${q.format}`);
  return parts.length ? parts.join(" and ") : null;
}

export const filterCount = (q) => [q.folder, q.from, q.until, q.width, q.format, q.score].filter(Boolean).length;

/** What the API takes. */
export function request(q) {
  const ids = (items) => items.filter((item) => item.id).map((item) => item.id);
  const both = q.refs.length && q.text.trim();
  return {
    index: q.index, images: ids(q.refs), text: q.text.trim(), without: q.without, without_images: ids(q.not),
    where: where(q), k: q.k, min_score: q.score ? `${q.score / 10}z` : null,
    methods: q.methods.length ? q.methods : ["default"],
    balance: both && q.balance !== 50 && !q.methods.length ? q.balance / 100 : null,
  };
}

export const blobs = (q) => {
  const files = (items) => items.filter((item) => item.upload).map((item) => uploaded(item).file);
  return { images: files(q.refs), without: files(q.not) };
};

/** The steps: what was asked in this tab, and where in them we are. */
export class Trail {
  steps = [];
  at = -1;

  push(q) {
    this.steps = [...this.steps.slice(0, this.at + 1), structuredClone(q)];
    this.at = this.steps.length - 1;
    history.pushState({ step: this.at }, "", toHash(q));
  }

  replace(q) {
    if (this.at < 0) this.at = 0;
    this.steps[this.at] = structuredClone(q);
    history.replaceState({ step: this.at }, "", toHash(q));
  }

  /** After the browser went back or forward. */
  arrive(event) {
    const step = event.state?.step;
    const known = Number.isInteger(step) && this.steps[step] && toHash(this.steps[step]) === location.hash;
    if (known) { this.at = step; return { q: structuredClone(this.steps[step]), lost: 0 }; }
    const found = fromHash(location.hash);
    this.steps = [found.q];
    this.at = 0;
    history.replaceState({ step: 0 }, "", location.hash || "#");
    return found;
  }
}
