// Where a person is in the queue, beyond what the server sends: the image that is looked at, those
// that were just decided about, and what an undo would bring back.
//
// It lives in this module and outlasts a mount, as the operations in gallery_store.js do.

const states = new Map();
const MOST_KEPT = 400; // cards that are left in memory

export function stateOf(name) {
  if (!states.has(name)) states.set(name, new State());
  return states.get(name);
}

class State {
  constructor() {
    this.cards = new Map(); // item id -> card, also of those that were decided about
    this.pictures = new Map(); // item id -> what is known of the image
    this.order = []; // the ids of the window, as the server ranks them
    this.start = 0; // where the window begins in the queue
    this.total = 0;
    this.filters = null;
    this.current = null; // an item id
    this.place = 0; // where it is, or was, in the queue
    this.pinned = null; // shown as long as it is current, whether the window has it or not
    this.hidden = new Set(); // decided about, and perhaps not acknowledged yet
    this.done = []; // {ids, before, from, staysHere}: what an undo brings back, newest last
    this.undone = [];
    this.jumped = null; // the last undo that the server told of
    this.cameBack = null; // where an undo of this page went at once
  }

  // What is left of the window, as the person should see it.
  get left() {
    return this.order.filter((id) => !this.hidden.has(id));
  }

  get card() {
    return this.cards.get(this.current) ?? null;
  }

  picture(id) {
    return this.pictures.get(id);
  }

  take(data, isIdle) {
    for (const [id, picture] of Object.entries(data.pictures)) {
      this.pictures.set(Number(id), picture);
    }
    for (const card of [...data.cards, ...data.extra]) this.cards.set(card.id, card);
    this.order = data.cards.map((card) => card.id);
    this.start = data.start;
    this.total = data.total;
    if (isIdle) this.hidden.clear();
    if (this.filters !== data.filters) this.current = null;
    this.filters = data.filters;
    this.jump(data.jump, isIdle);
    if (!this.isShown()) this.current = this.nearest(data.at - data.start);
    this.remember();
    this.forget();
  }

  // Go where an undo from elsewhere took something back; one of this page went there already.
  jump(jump, isIdle) {
    const isFirst = this.jumped === null;
    const isNew = (jump?.nonce ?? 0) !== this.jumped;
    this.jumped = jump?.nonce ?? 0;
    if (!jump || !isNew || isFirst) return;
    const wasHere = this.cameBack === jump.id;
    this.cameBack = null;
    if (isIdle && !wasHere) this.pin(jump.id);
  }

  // Stay at an image that the window may lack: an undo brought it back, or it gets more labels.
  pin(id) {
    if (!this.cards.has(id)) return;
    this.current = id;
    this.pinned = id;
  }

  isShown() {
    const { current, hidden, order, pinned } = this;
    const isThere = order.includes(current) || pinned === current;
    return isThere && this.cards.has(current) && !hidden.has(current);
  }

  nearest(index) {
    const { left } = this;
    return left[Math.max(0, Math.min(left.length - 1, index))] ?? null;
  }

  // The image after the current one, else the one before; `gone` are about to be decided.
  after(gone = new Set()) {
    const at = Math.max(this.place - this.start, 0);
    const open = (id) => id !== this.current && !gone.has(id) && !this.hidden.has(id);
    const later = this.order.slice(at).find(open);
    return later ?? this.order.slice(0, at).reverse().find(open) ?? null;
  }

  step(offset) {
    const { left } = this;
    const at = left.indexOf(this.current);
    const to = at < 0 ? this.after() : left[at + offset];
    this.current = to ?? this.current;
  }

  // Note where the current image is: another one takes its place once it is decided about.
  remember() {
    const at = this.order.indexOf(this.current);
    if (at >= 0) this.place = this.start + at;
  }

  // Show decisions at once, and remember how the images were.
  decide(decisions, staysHere) {
    const ids = decisions.flatMap((one) => one.item_ids);
    const before = ids.map((id) => [id, { ...this.pictures.get(id) }]);
    for (const { kind, item_ids, label } of decisions) {
      for (const id of item_ids) this.change(id, kind, label);
    }
    this.done.push({ ids, before, from: this.current, staysHere });
    this.undone = [];
    if (staysHere) {
      this.pin(this.current);
      return;
    }
    if (ids.includes(this.current)) this.current = this.after(new Set(ids));
    for (const id of ids) this.hidden.add(id);
  }

  change(id, kind, label) {
    const picture = { ...this.pictures.get(id), decision: kind };
    if (kind === "exclude") picture.excluded = true;
    if (kind === "relabel") Object.assign(picture, { label, excluded: false });
    this.pictures.set(id, picture);
  }

  undo() {
    const last = this.done.pop();
    if (!last) return;
    this.undone.push(last);
    for (const [id, picture] of last.before) this.pictures.set(id, picture);
    for (const id of last.ids) this.hidden.delete(id);
    this.pin(last.from);
    this.cameBack = last.from;
  }

  redo() {
    const next = this.undone.pop();
    if (!next) return;
    this.done.push(next);
    if (next.staysHere) return;
    if (next.ids.includes(this.current)) this.current = this.after(new Set(next.ids));
    for (const id of next.ids) this.hidden.add(id);
  }

  forget() {
    const spare = [...this.cards.keys()].slice(0, Math.max(0, this.cards.size - MOST_KEPT));
    for (const id of spare) {
      if (id !== this.current && !this.order.includes(id)) this.cards.delete(id);
    }
  }
}
