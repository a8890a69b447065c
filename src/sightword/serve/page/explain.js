// Why these pictures: the words a picture became, and what pulled how far.

import { $, h, cut } from "./dom.js";

export function explain(told) {
  const box = $("explain");
  const share = (row, cosine) => {
    const [most, least] = [row[0].cosine, row[Math.min(row.length, 14) - 1].cosine];
    return most > least ? (cosine - least) / (most - least) : 1;
  };
  const words = told.words.map((row, place) => h("div", {},
    h("h2", {}, told.words.length > 1 ? `Picture ${place + 1} reads as` : "The picture reads as"),
    h("ul", { class: "wordlist" }, ...row.slice(0, 14).map(({ word, cosine }) =>
      h("li", { title: `cosine ${cosine}`, style: { "--share": `${Math.round(share(row, cosine) * 45)}%` } }, word)))));
  const pull = (name, part) => (part ? [h("span", {}, name),
    h("meter", { min: 0, max: 1, value: Math.max(0, part.cosine), "aria-label": `${name}: cosine ${part.cosine}` }), h("span", {}, cut(part.cosine, 3))] : []);
  const sides = h("div", {}, h("h2", {}, "What pulled how far"),
    h("div", { class: "pulls" }, ...pull("Picture", told.picture), ...pull("Words", told.text)),
    ...[["picture", told.picture], ["words", told.text]].filter(([, part]) => part && told.picture && told.text)
      .map(([name, part]) => h("p", {}, `Without the ${name}, ${part.replaced} of ${told.hits} would be others.`)),
    h("p", {}, `Method ${told.method}${told.prompts.length ? `, asked as “${told.prompts.join("”, “")}”` : ""}. This folder's pictures have a cosine of ${cut(told.background.mean, 3)} on average (σ ${cut(told.background.std, 3)}).`));
  box.replaceChildren(...words, sides);
  box.hidden = false;
}

export function waiting() {
  $("explain").replaceChildren(h("p", {}, "Reading the picture; the first time takes some seconds …"));
  $("explain").hidden = false;
}
