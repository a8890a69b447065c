// Small helpers. Text is always set as text: names of files are a stranger's words.

export const $ = (id) => document.getElementById(id);

/** An element: h("li", {class: "hit", onclick: f, data: {id: 1}, style: {"--ratio": 1.5}}, "text", child). */
export function h(tag, given = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name === "style") for (const [key, each] of Object.entries(value)) node.style.setProperty(key, each);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== undefined && child !== null && child !== false));
  return node;
}

export const baseName = (path) => path.slice(path.lastIndexOf("/") + 1);
export const plural = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

export function bytes(count) {
  const units = ["bytes", "kB", "MB", "GB"];
  let size = count, unit = 0;
  while (size >= 1000 && unit < 3) { size /= 1000; unit += 1; }
  return `${unit ? size.toFixed(1) : size} ${units[unit]}`;
}

/** Figures are cut, not rounded: what is shown can be used as a limit, and the picture still passes. */
export const cut = (value, digits) => (Math.floor(value * 10 ** digits + 1e-9) / 10 ** digits).toFixed(digits);

/** The address of a picture to show; the server has no small copies of what is kept elsewhere. */
export const thumb = (picture, size) => picture.url ?? `/v1/images/${picture.id}/thumb?size=${size}&v=${picture.version ?? ""}`;
