// The bar above the review: a button for every decision, with the key that does the same.

import { button, element } from "./gallery_dom.js";
import { changes, inWords } from "./gallery_labels.js";
import { HELP } from "./review_keys.js";
import { groupDecisions, relabelledOf, suggestionOf } from "./review_offers.js";

const MOST_LETTERS = 26;

export class Bar {
  constructor(review) {
    this.review = review;
    this.buttons = {};
    this.saved = element("span", "saved", { role: "status" });
    this.help = element("div", "help", { hidden: "" });
    for (const [keys, words] of HELP) {
      const line = element("span", "help-line");
      line.append(...keys.split(" ").map((key) => element("kbd", "", {}, key)), words);
      this.help.append(line);
    }
    this.root = element("div", "bar", { role: "toolbar", "aria-label": "Decide about the image" });
    this.root.append(...this.makeGroups(), review.menu.root, this.saved);
    this.ofCopies = this.makeOfCopies(); // it stands beside the copies
  }

  makeOfCopies() {
    const all = (kind) => () => this.review.decideGroup(kind);
    const choose = () => this.review.openGroupMenu();
    return this.group(
      ["groupExclude", "Exclude all but one", "⇧D", "One of the copies stays", all("exclude")],
      ["groupAccept", "Accept for all", "⇧S", "Do what is suggested with all", all("accept")],
      ["groupKeep", "Keep all", "⇧K", "All copies are right as they are", all("keep")],
      ["groupRelabel", "Relabel all", "⇧R", "Choose a class for all copies", choose],
    );
  }

  makeGroups() {
    const { review } = this;
    return [
      this.group(
        ["keep", "Keep", "K", "Say that it is right as it is (K)", () => review.keep()],
        ["exclude", "Exclude", "D", "Leave the image out (D or Delete)", () => review.exclude()],
        ["accept", "Accept", "S", "Do what is suggested (S or Enter)", () => review.accept()],
        ["relabel", "Relabel", "R", "Choose another class (R)", () => review.openMenu()],
      ),
      this.group(
        ["undo", "Undo", "Z", "Take the last decision back (Z)", () => review.undo()],
        ["redo", "Redo", "Y", "Bring back what was undone (Y or Shift+Z)", () => review.redo()],
      ),
      this.group(
        ["previous", "Previous", "P", "Look at the one before (P or ←)", () => review.step(-1)],
        ["next", "Next", "N", "Skip it for now (N or →)", () => review.step(1)],
        ["open", "Open", "O", "Show large (O or double click)", () => review.openLarge()],
        ["keys", "Keys", "?", "What each key does", () => this.toggleHelp()],
      ),
    ];
  }

  group(...entries) {
    const made = element("span", "group");
    for (const [name, label, key, title, act] of entries) {
      this.buttons[name] = button(label, key, title, () => {
        act();
        this.review.refocus();
      });
      this.buttons[name].dataset.title = title;
      made.append(this.buttons[name]);
    }
    return made;
  }

  toggleHelp() {
    this.help.hidden = !this.help.hidden;
  }

  paint() {
    const { buttons, review } = this;
    const { card, left } = review.state;
    for (const name of ["keep", "exclude", "relabel", "open"]) buttons[name].disabled = !card;
    this.paintAccept(card);
    this.paintGroup(card);
    const { queue } = review.store;
    buttons.undo.disabled = !(review.data.can_undo || queue.length);
    buttons.redo.disabled = !(review.data.can_redo || review.state.undone.length);
    const at = left.indexOf(card?.id);
    buttons.previous.disabled = at === 0 || !left.length;
    buttons.next.disabled = at === left.length - 1 || !left.length;
    const isChanged = card && review.state.picture(card.id).decision === "relabel";
    this.name("keep", isChanged ? "Done" : "Keep");
    this.name("relabel", review.data.multi ? "Classes" : "Relabel");
    this.saved.textContent = queue.length ? "saving…" : review.sender.hasSent ? "saved" : "";
  }

  paintAccept(card) {
    const suggested = card && suggestionOf(this.review.state, card);
    this.buttons.accept.disabled = !suggested;
    this.buttons.accept.classList.toggle("primary", Boolean(suggested));
    this.name("accept", suggested ? `Accept: ${this.inWords(card, suggested)}` : "Accept");
  }

  inWords(card, { suggestion, label }) {
    if (suggestion === "exclude") return "exclude";
    const { multi } = this.review.data;
    const now = this.review.state.picture(card.id)?.label ?? "";
    const words = multi ? changes(now, label) : `→ ${inWords(label, false)}`;
    return shorten(words, MOST_LETTERS);
  }

  paintGroup(card) {
    for (const kind of ["exclude", "accept", "keep"]) {
      const decisions = card && groupDecisions(this.review.state, card, kind);
      const made = this.buttons[`group${kind[0].toUpperCase()}${kind.slice(1)}`];
      made.hidden = !decisions;
      if (kind === "accept") made.hidden ||= decisions[0].kind === "exclude"; // ⇧D says it
      if (decisions) made.title = titled(made, decisions[0].item_ids.length);
    }
    const relabelled = card ? relabelledOf(this.review.state, card) : [];
    this.buttons.groupRelabel.hidden = !relabelled.length;
    this.buttons.groupRelabel.title = titled(this.buttons.groupRelabel, relabelled.length);
  }

  name(name, words) {
    this.buttons[name].querySelector(".action-label").textContent = words;
  }
}

function titled(made, number) {
  return `${made.dataset.title} (${number} ${number === 1 ? "image" : "images"})`;
}

export function shorten(words, most) {
  const signs = Array.from(words);
  return signs.length <= most ? words : `${signs.slice(0, most - 1).join("")}…`;
}
