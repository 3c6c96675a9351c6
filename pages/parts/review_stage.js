// The image that is asked about, large, with what is found about it and what helps to decide.

import { element } from "./gallery_dom.js";
import { changes, inWords, labelsOf, plain } from "./gallery_labels.js";
import { copiesOf, suggestionOf } from "./review_offers.js";
import { largePicture, smallPicture } from "./review_pictures.js";

const MOST_COPIES = 12; // that are shown

export class Stage {
  constructor(review) {
    this.review = review;
    this.picture = element("figure", "large");
    this.caption = element("figcaption", "what", { "aria-live": "polite" });
    this.facts = element("div", "facts");
    this.root = element("div", "stage");
    this.root.append(this.picture, this.facts);
  }

  paint() {
    const { state } = this.review;
    const { card } = state;
    this.root.classList.toggle("empty", !card);
    if (!card) {
      this.drawn = null;
      this.picture.replaceChildren(element("div", "nothing", {}, this.nothing()));
      this.facts.replaceChildren();
      return;
    }
    const drawn = this.fingerprint(card);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.drawLarge(card);
    this.facts.replaceChildren(...this.sections(card).filter(Boolean));
  }

  nothing() {
    const { state } = this.review;
    const waits = state.total > 0 && (state.left.length || state.total > state.order.length);
    return waits ? "The next ones are on their way…" : this.review.data.nothing;
  }

  // Drawn anew only where something of it has changed: a picture that is replaced would flicker.
  fingerprint(card) {
    const { state } = this.review;
    return JSON.stringify([card, this.ids(card).map((id) => state.picture(id))]);
  }

  ids(card) {
    const members = card.findings.flatMap((one) => one.members);
    const examples = card.examples.flatMap(([, ids]) => ids);
    return [card.id, ...card.near.map(([id]) => id), ...card.copies, ...members, ...examples];
  }

  drawLarge(card) {
    const picture = this.review.state.picture(card.id);
    if (this.largeId !== card.id) {
      this.largeId = card.id;
      this.frame = largePicture(picture);
    }
    const path = element("span", "path", { title: plain(picture.path) }, plain(picture.path));
    this.caption.replaceChildren(this.labelOf(picture), this.partOf(picture), path);
    if (!this.frame.isConnected) this.picture.replaceChildren(this.frame, this.caption);
  }

  labelOf(picture) {
    const { multi } = this.review.data;
    const words = inWords(picture.label, multi);
    const made = element("span", "label", { title: words }, words);
    const { label, recorded } = picture;
    if (label !== recorded) {
      const was = multi ? changes(recorded, label) : `on disk ${inWords(recorded, false)}`;
      made.append(element("span", "was", {}, ` (${was})`));
    }
    return made;
  }

  partOf(picture) {
    if (picture.part !== "valid" && picture.part !== "test") {
      return element("span", "part", {}, picture.part ?? "no part");
    }
    const noun = picture.part === "valid" ? "validation" : "test";
    const words = `${noun} image: cleaning it changes what scores are measured on`;
    return element("span", "part measured", {}, words);
  }

  sections(card) {
    const findings = element("section", "findings");
    findings.append(...card.findings.map((one) => this.finding(one)));
    findings.append(...card.others.map((one) => this.finding(one, "other")));
    findings.append(this.suggestion(card));
    return [findings, this.copies(card), this.near(card), ...this.examples(card)];
  }

  finding({ words, score, reason }, className = "") {
    const made = element("div", `finding ${className}`);
    const meter = element("span", "meter", { title: `score ${score.toFixed(2)} of 1` });
    const bar = element("span", "bar-of-score");
    bar.style.width = `${Math.round(score * 100)}%`;
    meter.append(bar);
    const head = element("div", "finding-head");
    const number = element("span", "number", {}, score.toFixed(2));
    head.append(element("b", "", {}, words), meter, number);
    made.append(head, element("div", "reason", {}, plain(reason)));
    return made;
  }

  suggestion(card) {
    const found = suggestionOf(this.review.state, card);
    if (!found) return element("div", "suggested", {}, "No suggestion: only you can say.");
    const said = found.suggestion === "exclude" ? "exclude it" : this.change(card, found);
    return element("div", "suggested", {}, `Suggested: ${said}`);
  }

  change(card, { label }) {
    const { multi } = this.review.data;
    const now = this.review.state.picture(card.id).label;
    return multi ? changes(now, label) : `relabel to ${inWords(label, false)}`;
  }

  copies(card) {
    if (!card.copies.length) return null;
    const { state } = this.review;
    const members = card.findings.find((one) => one.members.length)?.members ?? card.copies;
    const [kept] = copiesOf(state, members);
    const small = card.copies.slice(0, MOST_COPIES).map((id) => {
      const picture = state.picture(id);
      const note = id === kept ? "to keep" : id === card.id ? "this one" : decided(picture);
      return this.small(id, card, { note, isKept: id === kept });
    });
    const more = members.length - small.length;
    const made = this.row("Copies of it", small, more > 0 ? `and ${more} more` : "");
    made.querySelector("h4").append(this.review.bar.ofCopies);
    return made;
  }

  near(card) {
    const small = card.near.map(([id, similarity]) =>
      this.small(id, card, { note: `${Math.round(similarity * 100)} % alike` }),
    );
    return small.length ? this.row("Nearest to it", small) : null;
  }

  examples(card) {
    const suggested = labelsOf(suggestionOf(this.review.state, card)?.label ?? "");
    const own = labelsOf(this.review.state.picture(card.id).label);
    return card.examples.map(([name, ids]) => {
      const note = own.includes(name) ? "its label" : suggested.includes(name) ? "suggested" : "";
      const small = ids.map((id) => this.small(id, card, { isExample: true }));
      const rest = small.length ? "" : "no other image to show";
      return this.row(`Typical: ${plain(name)}`, small, rest, note);
    });
  }

  row(title, small, rest = "", note = "") {
    const made = element("section", "row");
    const head = element("h4", "", { title }, title);
    if (note) head.append(element("span", "row-note", {}, note));
    const strip = element("div", "smalls");
    strip.append(...small, ...(rest ? [element("span", "rest", {}, rest)] : []));
    made.append(head, strip);
    return made;
  }

  small(id, card, { note = "", isKept = false, isExample = false }) {
    const { state, data } = this.review;
    const picture = state.picture(id);
    const made = smallPicture(id, picture, inWords(picture.label, data.multi), note);
    const differs = picture.label !== state.picture(card.id).label;
    made.classList.toggle("differs", differs && !isExample);
    made.classList.toggle("kept", isKept);
    made.classList.toggle("example", isExample);
    return made;
  }
}

function decided({ excluded, decision }) {
  if (excluded) return "excluded";
  return { keep: "kept", relabel: "relabelled" }[decision] ?? "";
}
