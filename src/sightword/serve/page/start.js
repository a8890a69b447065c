// The empty start: questions about pictures of this very folder.

import { $, h, thumb } from "./dom.js";
import { sample } from "./api.js";

const CHANGES = ["as a line drawing", "at night", "as a painting", "in winter", "with people", "but in blue", "as a cartoon", "from far away"];

let drawn = "";

/** Show the start; `use(picture, text)` asks an example. */
export async function start(index, use) {
  const box = $("start");
  box.hidden = false;
  if (!index) return;
  const reading = Boolean(index.job && ["queued", "running"].includes(index.job.state));
  const state = index.pictures ? `${index.id} full` : `${index.id} ${reading} ${index.watched}`;
  if (drawn === state) return;
  drawn = state;
  const head = [h("h2", {}, "Like this picture, but …")];
  if (!index.pictures) {
    box.replaceChildren(...head, h("p", {}, reading ? "Your pictures are being read; the first ones can be searched in a moment." : `There are no pictures in ${index.name} yet. ${index.watched ? "They appear here as you add them." : "Add some and press “Look for new pictures” above."}`));
    return;
  }
  box.replaceChildren(...head, h("p", {}, "Drop, paste or pick a picture and say what should be different. Words alone work too. Or try one of these:"));
  try {
    const { pictures } = await sample(index.id, 8, 11);
    box.append(h("ul", { class: "examples" }, ...pictures.map((picture, place) => {
      const change = CHANGES[place % CHANGES.length];
      return h("li", {}, h("button", { type: "button", onclick: () => use(picture, change) },
        h("img", { src: thumb(picture, 512), alt: `Picture ${picture.path}`, loading: "lazy" }), h("span", {}, change)));
    })));
  } catch { drawn = ""; }
}
