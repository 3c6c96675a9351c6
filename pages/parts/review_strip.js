// The next images of the queue in a row, the current one among them.

import { element } from "./gallery_dom.js";
import { inWords } from "./gallery_labels.js";
import { smallPicture } from "./review_pictures.js";

const BEFORE = 2;
const SHOWN = 14;

export class Strip {
  constructor(review) {
    this.review = review;
    this.place = element("span", "place", { role: "status" });
    this.list = element("div", "strip-list", { role: "listbox", "aria-label": "Next images" });
    this.root = element("div", "strip");
    this.root.append(this.place, this.list);
    this.list.addEventListener("click", (event) => {
      const chosen = event.target.closest(".small");
      if (chosen) review.goTo(Number(chosen.dataset.id));
    });
  }

  paint() {
    const { state, data } = this.review;
    const { left } = state;
    const at = left.indexOf(state.current);
    const from = Math.max(0, Math.min(at - BEFORE, left.length - SHOWN));
    const shown = left.slice(from, from + SHOWN);
    const open = state.total - (state.order.length - left.length);
    this.root.hidden = !shown.length;
    const [number, all] = [state.start + at + 1, open].map((one) => one.toLocaleString("en"));
    this.place.textContent = at < 0 ? "" : `${number} of ${all}`;
    const drawn = JSON.stringify([shown.map((id) => state.picture(id)), data.multi]);
    if (drawn !== this.drawn) {
      this.drawn = drawn;
      this.list.replaceChildren(...shown.map((id) => this.one(id)));
    }
    for (const made of this.list.children) {
      const isCurrent = Number(made.dataset.id) === state.current;
      made.classList.toggle("current", isCurrent);
      made.setAttribute("aria-selected", String(isCurrent));
    }
  }

  one(id) {
    const { state, data } = this.review;
    const picture = state.picture(id);
    const made = smallPicture(id, picture, inWords(picture.label, data.multi), "");
    made.setAttribute("role", "option");
    return made;
  }
}
