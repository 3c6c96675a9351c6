// What one gallery knows beyond its tiles: selection, marks, and operations that wait for an answer.
//
// Streamlit may remount a component when reruns overtake each other, so the stores live in this
// module and outlast the mount. Marks and unanswered operations also survive a reload of the page.

const stores = new Map();

export function storeOf(name) {
  if (!stores.has(name)) stores.set(name, new Store(name));
  return stores.get(name);
}

export class Store {
  constructor(name) {
    this.key = `winnow-gallery-2:${name}`;
    this.selected = new Set();
    this.cursor = null; // an item id, as all ids here
    this.anchor = null;
    const saved = JSON.parse(sessionStorage.getItem(this.key) || "{}");
    this.marks = new Map(saved.marks || []); // item id -> {kind, label}
    this.markLog = []; // what each marking replaced, newest last
    this.queue = saved.queue || []; // operations that were not acknowledged yet
  }

  save() {
    const state = { marks: [...this.marks], queue: this.queue };
    sessionStorage.setItem(this.key, JSON.stringify(state));
  }

  // The state of a tile as the person should see it: the server's truth, then what is under way.
  view(tile) {
    const view = { ...tile };
    for (const one of this.queue.flatMap((operation) => operation.decisions)) {
      if (!one.item_ids.includes(tile.id)) continue;
      view.kept = one.kind === "keep";
      if (one.kind === "exclude") view.excluded = true;
      if (one.kind === "relabel") Object.assign(view, { label: one.label, excluded: false });
    }
    view.mark = this.marks.get(tile.id) || null;
    return view;
  }

  mark(ids, kind, label) {
    this.markLog.push(ids.map((id) => [id, this.marks.get(id)]));
    for (const id of ids) this.marks.set(id, { kind, label });
    this.save();
  }

  // Take the last marking back; gives the ids that changed, none if there was nothing to take back.
  unmark() {
    const before = this.markLog.pop() || [];
    for (const [id, mark] of before) {
      if (mark) this.marks.set(id, mark);
      else this.marks.delete(id);
    }
    this.save();
    return before.map(([id]) => id);
  }

  clearMarks() {
    const ids = [...this.marks.keys()];
    this.marks.clear();
    this.markLog = [];
    this.save();
    return ids;
  }

  // Turn the marks into one operation, so that one undo takes all of them back.
  takeMarks() {
    const groups = new Map();
    for (const [id, { kind, label }] of this.marks) {
      const name = JSON.stringify([kind, label]);
      if (!groups.has(name)) groups.set(name, { kind, label, item_ids: [] });
      groups.get(name).item_ids.push(id);
    }
    this.clearMarks();
    if (groups.size) this.enqueue("edit", [...groups.values()]);
  }

  // An operation is an "edit" with decisions {kind, item_ids, label}, an "undo" or a "redo".
  enqueue(kind, decisions = []) {
    this.queue.push({ id: newId(), kind, decisions });
    this.save();
  }

  // Drop what the server has acknowledged.
  acknowledge(ids) {
    const done = new Set(ids);
    const left = this.queue.filter((operation) => !done.has(operation.id));
    if (left.length === this.queue.length) return;
    this.queue = left;
    this.save();
  }
}

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(10));
  return `op-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
