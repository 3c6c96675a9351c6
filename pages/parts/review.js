// The review queue: one suspicious image after the other, decided about by keyboard.
//
// A window of the queue is here, so that the next image shows at once. Decisions become numbered
// operations, as in the gallery: shown at once, sent until acknowledged, counted once.

import { ClassMenu } from "./gallery_menu.js";
import { Sender } from "./gallery_sending.js";
import { element } from "./gallery_dom.js";
import { notes, toggled } from "./gallery_labels.js";
import { storeOf } from "./gallery_store.js";
import { Bar } from "./review_bar.js";
import { handleKey } from "./review_keys.js";
import { groupDecisions, relabelledOf, suggestionOf } from "./review_offers.js";
import { fetchAhead } from "./review_pictures.js";
import { Stage } from "./review_stage.js";
import { stateOf } from "./review_state.js";
import { Strip } from "./review_strip.js";

const AHEAD = 8; // with fewer cards ahead, and more in the queue, the next window is asked for
const PICTURES_AHEAD = 3;
const TOP_PX = 70; // the page's own bar covers so much

const sheets = await Promise.all(
  ["./gallery.css", "./review.css"].map(async (name) => {
    const response = await fetch(new URL(name, import.meta.url));
    return new CSSStyleSheet().replace(await response.text());
  }),
);

class Review {
  constructor(root) {
    this.root = root;
    this.abort = new AbortController();
    this.sender = new Sender((operations) => this.send(operations));
    this.menu = new ClassMenu(
      (label) => this.relabel(label),
      () => this.refocus(),
    );
    this.bar = new Bar(this);
    this.stage = new Stage(this);
    this.strip = new Strip(this);
    root.tabIndex = 0;
    root.style.scrollMarginTop = `${TOP_PX}px`;
    root.setAttribute("aria-label", "Review queue");
    root.replaceChildren(this.bar.root, this.bar.help, this.stage.root, this.strip.root);
    const once = { signal: this.abort.signal };
    root.addEventListener("keydown", (event) => handleKey(this, event), once);
    root.addEventListener("dblclick", (event) => this.onDoubleClick(event), once);
    document.addEventListener("keydown", (event) => this.onPageKey(event), once);
  }

  // ---- focus

  refocus() {
    if (!this.menu.isOpen) this.root.focus({ preventScroll: true });
  }

  // The keys work here on load, and after something else was clicked; never while somebody types,
  // or walks through other controls with Tab.
  takeFocus() {
    const active = document.activeElement;
    const isMine = this.root.getRootNode().activeElement !== null;
    const isFree = active === document.body || !active?.matches(":focus-visible");
    if (isFree && !isMine && !document.querySelector("[role=dialog]")) this.refocus();
  }

  // Keys that no control takes, such as after a dialog was closed, are for the review.
  onPageKey(event) {
    const isFree = document.activeElement === document.body;
    if (!isFree || !this.root.offsetParent || document.querySelector("[role=dialog]")) return;
    this.refocus();
    handleKey(this, event);
  }

  // Who decides by keys wants to see what about.
  comeIntoView() {
    const { top, bottom } = this.root.getBoundingClientRect();
    const isWhole = top >= 0 && bottom <= window.innerHeight;
    const isAtTop = top >= 0 && top < TOP_PX * 2;
    if (!isWhole && !isAtTop) this.root.scrollIntoView({ block: "start" });
  }

  // ---- data from Python

  update(data) {
    this.data = data;
    this.store = storeOf(data.store);
    this.state = stateOf(data.store);
    this.store.acknowledge(data.acked);
    this.state.take(data, !this.store.queue.length);
    this.asked = false;
    this.paint();
    this.takeFocus();
    this.sender.follow(this.store);
  }

  paint() {
    this.state.remember();
    this.bar.paint();
    this.stage.paint();
    this.strip.paint();
    const { left, current } = this.state;
    const at = left.indexOf(current);
    const next = left.slice(at + 1, at + 1 + PICTURES_AHEAD);
    for (const id of next) fetchAhead(this.state.picture(id));
    this.lookAhead(at);
  }

  // Ask for the next window before this one ends; decisions bring it anyway.
  lookAhead(at) {
    const { start, order, total, left } = this.state;
    const endsSoon = left.length - at <= AHEAD && start + order.length < total;
    const beginsSoon = at >= 0 && at < 2 && start > 0;
    if (this.asked || this.store.queue.length || !(endsSoon || beginsSoon)) return;
    this.asked = true;
    this.trigger("looked", { ...this.where(), nonce: Date.now() });
  }

  where() {
    const { current: id, place: index, filters } = this.state;
    return { id, index, filters };
  }

  // ---- moving

  step(offset) {
    this.state.step(offset);
    this.paint();
  }

  goTo(id) {
    this.state.current = id;
    this.paint();
    this.refocus();
  }

  onDoubleClick(event) {
    const small = event.target.closest(".small");
    if (small && !small.closest(".strip")) this.open(Number(small.dataset.id));
    else if (event.target.closest(".large")) this.openLarge();
  }

  openLarge() {
    if (this.state.card) this.open(this.state.card.id);
  }

  open(id) {
    const { left } = this.state;
    this.trigger("opened", { id, order: left.includes(id) ? left : [id], nonce: Date.now() });
  }

  // ---- decisions, each {kind, item_ids, label, copies}

  decide(decisions, { staysHere = false } = {}) {
    if (!decisions?.length) return;
    this.store.enqueue("edit", decisions);
    this.state.decide(decisions, staysHere);
    this.paint();
    this.sender.schedule(this.store);
  }

  one(kind, label = null, copies = []) {
    const { card } = this.state;
    return card ? [{ kind, item_ids: [card.id], label, copies }] : [];
  }

  // An image whose labels were just changed is done with: keeping it moves on.
  keep() {
    const { state } = this;
    const { card } = state;
    if (!card) return;
    if (state.picture(card.id).decision !== "relabel") return this.decide(this.one("keep"));
    state.hidden.add(card.id);
    state.current = state.after();
    this.paint();
  }

  exclude() {
    this.decide(this.one("exclude"));
  }

  accept() {
    const { card } = this.state;
    const found = card && suggestionOf(this.state, card);
    if (!found) return;
    const kind = found.suggestion === "exclude" ? "exclude" : "relabel";
    this.decide(this.one(kind, found.label, kind === "exclude" ? found.members : []));
  }

  // An image that may have several classes may get some in a row, so it stays until K or N.
  relabel(label) {
    const { state } = this;
    if (!state.card) return;
    const ids = this.chosen;
    const [id] = ids;
    if (this.data.multi) this.decide(toggled(label, this.labelsOf(ids)), { staysHere: true });
    else if (ids.length === 1 && label === state.picture(id).label) this.keep();
    else this.decide([{ kind: "relabel", item_ids: ids, label, copies: [] }]);
  }

  labelsOf(ids) {
    return new Map(ids.map((id) => [id, this.state.picture(id).label]));
  }

  decideGroup(kind) {
    const { card } = this.state;
    if (card) this.decide(groupDecisions(this.state, card, kind));
  }

  openMenu() {
    const { card } = this.state;
    if (card) this.choose(card, [card.id]);
  }

  openGroupMenu() {
    const { card } = this.state;
    const ids = card ? relabelledOf(this.state, card) : [];
    if (ids.length) this.choose(card, ids);
  }

  // Let a class be chosen for some images at once.
  choose(card, ids) {
    this.chosen = ids;
    const { multi, classes } = this.data;
    const suggestion = multi ? null : suggestionOf(this.state, card)?.label;
    const tiles = ids.map(() => ({ suggestion }));
    this.menu.open(classes, notes(tiles, multi ? this.labelsOf(ids) : null));
  }

  undo() {
    if (this.bar.buttons.undo.disabled) return;
    this.store.enqueue("undo");
    this.state.undo();
    this.paint();
    this.sender.schedule(this.store);
  }

  redo() {
    if (this.bar.buttons.redo.disabled) return;
    this.store.enqueue("redo");
    this.state.redo();
    this.paint();
    this.sender.schedule(this.store);
  }

  // ---- sending

  send(operations) {
    this.trigger("operations", { operations, where: this.where() });
    this.bar.paint();
  }

  destroy() {
    this.abort.abort();
    this.sender.stop();
  }
}

const mounted = new WeakMap();

// Streamlit calls this at every change of data or theme; the cleanup runs only on unmount.
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".review");
  const shadow = parentElement.getRootNode();
  for (const sheet of sheets) {
    if (!shadow.adoptedStyleSheets.includes(sheet)) shadow.adoptedStyleSheets.push(sheet);
  }
  let review = mounted.get(root);
  if (!review) mounted.set(root, (review = new Review(root)));
  review.trigger = setTriggerValue;
  review.update(data);
  return () => {
    review.destroy();
    mounted.delete(root);
  };
}
