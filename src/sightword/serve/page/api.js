// The server, asked over HTTP. Errors are sentences.

export class Problem extends Error {
  constructor(status, detail, hint) { super(detail); this.status = status; this.hint = hint; }
}

export const OFFLINE = 0;

async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(OFFLINE, "The server does not answer.", "Is it still running?");
  }
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  let told = {};
  try { told = await answer.json(); } catch { /* not one of ours */ }
  throw new Problem(answer.status, told.detail ?? `The server answered ${answer.status}.`, told.hint);
}

const post = (path, body, options) =>
  ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body), ...options });

export const indexes = () => ask("/v1/indexes");
export const methods = () => ask("/v1/methods");
export const meta = (id) => ask(`/v1/images/${id}/meta`);
export const sample = (index, k, seed) => ask(`/v1/indexes/${index}/sample?k=${k}&seed=${seed}`);
export const refresh = (index) => post(`/v1/indexes/${index}/refresh`, {});
export const session = (key) => post("/v1/session", { key });

/** Search; `files` are uploads as {images: [Blob], without: [Blob]}. */
export function search(query, files, signal) {
  if (!files.images.length && !files.without.length) return post("/v1/search", query, { signal });
  const form = new FormData();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined) continue;
    for (const each of Array.isArray(value) ? value : [value]) form.append(name, String(each));
  }
  for (const file of files.images) form.append("image", file, "upload");
  for (const file of files.without) form.append("without_image", file, "upload");
  return ask("/v1/search", { method: "POST", body: form, signal });
}
