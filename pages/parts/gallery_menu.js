// The menu of classes: type to narrow it down, arrows and Enter or the mouse to choose. Its last
// entry makes a class of what was typed, where there is none of that name.

import { element } from "./gallery_dom.js";
import { plain } from "./gallery_labels.js";

export class ClassMenu {
  constructor(onChoose, onClose) {
    this.onChoose = onChoose;
    this.onClose = onClose;
    this.input = element("input", "menu-input", {
      type: "text",
      placeholder: "Type a class…",
      role: "combobox",
      "aria-expanded": "true",
      "aria-label": "Class",
      spellcheck: "false",
      autocomplete: "off",
    });
    this.list = element("div", "menu-list", { role: "listbox", "aria-label": "Classes" });
    this.root = element("div", "menu", { hidden: "" });
    this.root.append(this.input, this.list);
    this.input.addEventListener("input", () => this.narrow());
    this.root.addEventListener("keydown", (event) => this.onKey(event));
    this.root.addEventListener("focusout", (event) => {
      if (!this.root.contains(event.relatedTarget)) this.close(false);
    });
  }

  get isOpen() {
    return !this.root.hidden;
  }

  // Classes with a note, such as "suggested", come first.
  open(classes, notes) {
    const noted = classes.filter((name) => notes.has(name));
    const own = [...notes.keys()].filter((name) => !noted.includes(name));
    this.notes = notes;
    this.classes = [...own, ...noted, ...classes.filter((name) => !notes.has(name))];
    this.input.value = "";
    this.root.hidden = false;
    this.narrow();
    this.input.focus();
  }

  close(refocus = true) {
    if (!this.isOpen) return;
    this.root.hidden = true;
    if (refocus) this.onClose();
  }

  narrow() {
    const typed = this.input.value.trim();
    const wanted = typed.toLowerCase();
    const starts = this.classes.filter((name) => name.toLowerCase().startsWith(wanted));
    const contains = this.classes.filter(
      (name) => name.toLowerCase().includes(wanted) && !starts.includes(name),
    );
    this.found = [...starts, ...contains].slice(0, 200);
    this.list.replaceChildren(...this.found.map((name) => this.option(name, plain(name))));
    if (typed && !this.classes.includes(typed)) {
      this.found.push(typed);
      this.list.append(this.option(typed, `New class "${plain(typed)}"`));
    }
    if (!this.found.length) {
      this.list.append(element("div", "menu-none", {}, "No class yet: type a name"));
    }
    this.point(0);
  }

  option(name, words) {
    const option = element("div", "menu-option", { role: "option", title: words }, words);
    if (this.notes.has(name)) {
      option.append(element("span", "menu-hint", {}, this.notes.get(name)));
    }
    // mousedown, not click: the input must not lose its focus first
    option.addEventListener("mousedown", (event) => {
      event.preventDefault();
      this.choose(name);
    });
    return option;
  }

  point(index) {
    this.index = Math.max(0, Math.min(this.found.length - 1, index));
    [...this.list.children].forEach((option, i) => {
      option.setAttribute("aria-selected", String(i === this.index));
    });
    this.list.children[this.index]?.scrollIntoView({ block: "nearest" });
  }

  choose(name) {
    if (name === undefined) return;
    this.close();
    this.onChoose(name);
  }

  onKey(event) {
    event.stopPropagation();
    if (event.key === "ArrowDown") this.point(this.index + 1);
    else if (event.key === "ArrowUp") this.point(this.index - 1);
    else if (event.key === "Enter") this.choose(this.found[this.index]);
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
  }
}
