// The bar above a gallery: what is selected, a button for every decision, and the numbered classes.

import { button, element } from "./gallery_dom.js";

export class Bar {
  constructor(gallery) {
    this.gallery = gallery;
    this.buttons = {};
    this.info = element("span", "info", { role: "status" });
    this.saved = element("span", "saved", { role: "status" });
    this.legend = element("div", "legend", { role: "group", "aria-label": "Relabel to" });
    this.root = element("div", "bar", { role: "toolbar", "aria-label": "Decide about images" });
    this.root.append(this.info, ...this.makeGroups(), gallery.menu.root, this.saved);
  }

  makeGroups() {
    const { gallery } = this;
    return [
      this.group(
        ["exclude", "Exclude", "D", "Leave the images out (D or Delete)", () => gallery.exclude()],
        ["relabel", "Relabel", "R", "Choose another class (R)", () => gallery.openMenu()],
        [
          "accept",
          "Accept suggestion",
          "S",
          "Relabel to the suggested class (S or Enter)",
          () => gallery.accept(),
        ],
        ["keep", "Keep", "K", "Say that the label is right (K)", () => gallery.keep()],
      ),
      this.group(
        ["undo", "Undo", "Z", "Take the last decision back (Z)", () => gallery.undo()],
        ["redo", "Redo", "Y", "Bring back what was undone (Y or Shift+Z)", () => gallery.redo()],
        ["open", "Open", "O", "Show large (O or double click)", () => gallery.openLarge()],
      ),
      this.group(
        ["apply", "Apply", "", "Carry the decisions out", () => gallery.applyMarks()],
        ["clear", "Clear", "", "Forget the decisions", () => gallery.clearMarks()],
      ),
    ];
  }

  group(...entries) {
    const made = element("span", "group");
    for (const [name, label, key, title, act] of entries) {
      this.buttons[name] = button(label, key, title, () => {
        act();
        this.gallery.refocus();
      });
      made.append(this.buttons[name]);
    }
    return made;
  }

  drawLegend(classes, multi) {
    const names = classes.slice(0, 9);
    const hasMore = classes.length > names.length;
    const drawn = JSON.stringify([names, hasMore, multi]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.legend.replaceChildren(...names.map((name, index) => this.chip(name, index + 1, multi)));
    if (hasMore) this.legend.append(this.moreChip());
    this.legend.hidden = names.length < 2;
    this.legend.setAttribute("aria-label", multi ? "Add or remove a class" : "Relabel to");
    const { relabel } = this.buttons;
    relabel.querySelector(".action-label").textContent = multi ? "Classes" : "Relabel";
    relabel.title = multi ? "Add or remove a class (R)" : "Choose another class (R)";
  }

  chip(name, number, multi) {
    const title = multi ? `Add ${name}, or remove it where all have it` : `Relabel to ${name}`;
    const chip = element("button", "chip", { type: "button", title });
    chip.append(element("kbd", "", {}, String(number)), element("span", "", {}, name));
    chip.addEventListener("click", () => {
      this.gallery.relabel(name);
      this.gallery.refocus();
    });
    return chip;
  }

  moreChip() {
    const chip = element("button", "chip", { type: "button", title: "Show all classes (R)" });
    chip.append(element("span", "", {}, "…"), element("kbd", "", {}, "R"));
    chip.append(element("span", "", {}, "for more"));
    chip.addEventListener("click", () => this.gallery.openMenu());
    return chip;
  }

  paint() {
    const { gallery } = this;
    const { selected, queue } = gallery.store;
    const n = selected.size;
    this.info.textContent = n ? `${n} selected` : "none selected";
    this.info.classList.toggle("some", n > 0);
    this.paintButtons(gallery.targets());
    this.paintMarks();
    this.saved.textContent = queue.length ? "saving…" : gallery.sender.hasSent ? "saved" : "";
  }

  paintButtons(targets) {
    const { buttons, gallery } = this;
    const { cursor, marks, queue } = gallery.store;
    const suggested = targets.some((id) => gallery.tileOf(id)?.suggestion);
    for (const name of ["exclude", "relabel", "keep"]) buttons[name].disabled = !targets.length;
    buttons.accept.hidden = !gallery.tiles.some((tile) => tile.suggestion);
    buttons.accept.disabled = !suggested;
    buttons.undo.disabled = !(marks.size || gallery.data.can_undo || queue.length);
    buttons.redo.disabled = !gallery.data.can_redo;
    buttons.open.disabled = cursor === null;
  }

  paintMarks() {
    const { buttons, gallery } = this;
    const { marks } = gallery.store;
    const away = [...marks.keys()].filter((id) => !gallery.indices.has(id)).length;
    for (const name of ["apply", "clear"]) {
      buttons[name].hidden = !gallery.data.staged;
      buttons[name].disabled = !marks.size;
    }
    buttons.apply.querySelector(".action-label").textContent =
      `Apply ${plural(marks.size, "decision")}` + (away ? ` (${away} not shown)` : "");
    buttons.apply.classList.toggle("primary", marks.size > 0);
  }
}

function plural(n, noun) {
  return `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
}
