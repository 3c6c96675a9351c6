// A gallery to look through many images, select some with mouse or keys, and decide about them.
//
// Decisions become numbered operations. They are shown at once, sent until the server acknowledges
// them, and may arrive twice: the server counts an operation once.

import { Bar } from "./gallery_bar.js";
import { element, fingerprintOf, paintTile, tileElement } from "./gallery_dom.js";
import { handleKey } from "./gallery_keys.js";
import { notes, suggested, toggled } from "./gallery_labels.js";
import { ClassMenu } from "./gallery_menu.js";
import { Sender } from "./gallery_sending.js";
import { storeOf } from "./gallery_store.js";

const response = await fetch(new URL("./gallery.css", import.meta.url));
const sheet = await new CSSStyleSheet().replace(await response.text());

class Gallery {
  constructor(root) {
    this.root = root;
    this.abort = new AbortController();
    this.tiles = [];
    this.elements = new Map(); // item id -> element
    this.indices = new Map(); // item id -> position
    this.sender = new Sender((operations) => this.send(operations));
    this.build();
    const once = { signal: this.abort.signal };
    this.grid.addEventListener("click", (event) => this.onClick(event), once);
    this.grid.addEventListener("dblclick", (event) => this.onDoubleClick(event), once);
    root.addEventListener("keydown", (event) => handleKey(this, event), once);
    // without a selection the buttons are about the image under the cursor, if the focus is here
    root.addEventListener("focusin", () => this.data && this.bar.paint(), once);
    root.addEventListener("focusout", () => setTimeout(() => this.data && this.bar.paint()), once);
  }

  // ---- building

  build() {
    this.menu = new ClassMenu(
      (label) => this.relabel(label),
      () => this.refocus(),
    );
    this.bar = new Bar(this);
    this.grid = element("div", "grid", {
      role: "listbox",
      tabindex: "0",
      "aria-multiselectable": "true",
      "aria-label": "Images",
    });
    this.root.replaceChildren(this.bar.root, this.bar.legend, this.grid);
  }

  refocus() {
    if (!this.menu.isOpen) this.grid.focus({ preventScroll: true });
  }

  // ---- data from Python

  update(data) {
    this.data = data;
    this.store = storeOf(data.store);
    this.store.acknowledge(data.acked);
    this.grid.style.setProperty("--tile", `${data.tile_px}px`);
    this.grid.style.setProperty("--height", data.height_px ? `${data.height_px}px` : "70vh");
    const fingerprint = fingerprintOf(data.tiles);
    if (fingerprint !== this.fingerprint) this.rebuild(data.tiles);
    this.fingerprint = fingerprint;
    this.tiles = data.tiles;
    this.bar.drawLegend(data.classes, data.multi);
    this.paint(this.elements.keys());
    this.sender.follow(this.store);
  }

  rebuild(tiles) {
    this.elements.clear();
    this.indices.clear();
    const made = tiles.map((tile, index) => {
      const root = tileElement(tile, index);
      this.elements.set(tile.id, root);
      this.indices.set(tile.id, index);
      return root;
    });
    this.grid.replaceChildren(...made);
    if (!made.length) this.grid.append(element("div", "nothing", {}, "No images here."));
    for (const id of this.store.selected) if (!this.indices.has(id)) this.store.selected.delete(id);
    if (!this.indices.has(this.store.cursor)) this.store.cursor = tiles[0]?.id ?? null;
    if (!this.indices.has(this.store.anchor)) this.store.anchor = null;
  }

  paint(ids) {
    for (const id of ids) {
      const root = this.elements.get(id);
      if (!root) continue;
      const view = this.store.view(this.tiles[this.indices.get(id)]);
      const selected = this.store.selected.has(id);
      const current = id === this.store.cursor;
      paintTile(root, view, { selected, current, multi: this.data.multi });
    }
    this.bar.paint();
  }

  // ---- selection

  tileOf(id) {
    return this.tiles[this.indices.get(id)];
  }

  // What a decision is about: the selection, else the image under the cursor.
  targets() {
    const { selected, cursor } = this.store;
    if (selected.size) return this.tiles.map((t) => t.id).filter((id) => selected.has(id));
    const isActive = this.grid.matches(":focus") || this.root.contains(this.active());
    return cursor !== null && isActive ? [cursor] : [];
  }

  active() {
    return this.root.getRootNode().activeElement;
  }

  select(next) {
    const changed = new Set([...this.store.selected, ...next]);
    this.store.selected = next;
    this.paint(changed);
  }

  moveCursor(id) {
    const before = this.store.cursor;
    this.store.cursor = id;
    const root = this.elements.get(id);
    if (root) this.grid.setAttribute("aria-activedescendant", root.id);
    this.paint([before, id]);
  }

  toggle(id) {
    const next = new Set(this.store.selected);
    if (!next.delete(id)) next.add(id);
    this.store.anchor = id;
    this.select(next);
  }

  between(a, b) {
    const [from, to] = [this.indices.get(a), this.indices.get(b)].sort((x, y) => x - y);
    return this.tiles.slice(from, to + 1).map((tile) => tile.id);
  }

  step(offset, extend) {
    if (!this.tiles.length) return;
    const from = this.indices.get(this.store.cursor) ?? 0;
    const index = Math.max(0, Math.min(this.tiles.length - 1, from + offset));
    const { id } = this.tiles[index];
    if (extend) {
      this.store.anchor ??= this.store.cursor;
      this.select(new Set(this.between(this.store.anchor, id)));
    } else {
      this.store.anchor = id;
    }
    this.moveCursor(id);
    this.elements.get(id).scrollIntoView({ block: "nearest" });
  }

  onClick(event) {
    const root = event.target.closest(".tile");
    if (!root) return;
    const id = Number(root.dataset.id);
    if (event.shiftKey && this.store.anchor !== null) {
      this.select(new Set([...this.store.selected, ...this.between(this.store.anchor, id)]));
    } else {
      this.toggle(id);
    }
    this.grid.focus({ preventScroll: true });
    this.moveCursor(id);
  }

  onDoubleClick(event) {
    if (event.target.closest(".tile")) this.openLarge();
  }

  // ---- decisions

  // Decisions are {kind, item_ids, label}; without a selection the next image gets its turn.
  decide(decisions) {
    const ids = decisions.flatMap((one) => one.item_ids);
    if (!ids.length) return;
    const single = !this.store.selected.size;
    this.carryOut(decisions);
    this.select(new Set());
    if (single && this.indices.has(ids[0])) this.step(1, false);
  }

  carryOut(decisions) {
    if (this.data.staged) {
      for (const { kind, item_ids, label } of decisions) this.store.mark(item_ids, kind, label);
    } else if (decisions.length) this.store.enqueue("edit", decisions);
    this.paint(decisions.flatMap((one) => one.item_ids));
    this.sender.schedule(this.store);
  }

  exclude() {
    this.decide([{ kind: "exclude", item_ids: this.targets(), label: null }]);
  }

  keep() {
    this.decide([{ kind: "keep", item_ids: this.targets(), label: null }]);
  }

  // An image that may have several classes may get some in a row, so there the selection stays.
  relabel(label) {
    if (this.data.multi) this.carryOut(toggled(label, this.labels()));
    else this.decide([{ kind: "relabel", item_ids: this.targets(), label }]);
  }

  // The labels that the targets have as the person sees them, by id.
  labels() {
    const seen = (id) => {
      const { label, mark } = this.store.view(this.tileOf(id));
      return mark?.kind === "relabel" ? mark.label : label;
    };
    return new Map(this.targets().map((id) => [id, seen(id)]));
  }

  accept() {
    this.decide(suggested(this.targets().map((id) => this.tileOf(id))));
  }

  openMenu() {
    const ids = this.targets();
    if (!ids.length) return;
    this.store.selected = new Set(ids); // the menu takes the focus, and with it the cursor's turn
    const tiles = ids.map((id) => this.tileOf(id));
    this.menu.open(this.data.classes, notes(tiles, this.data.multi ? this.labels() : null));
    this.paint(ids);
  }

  undo() {
    const changed = this.store.unmark();
    if (changed.length) {
      this.paint(changed);
      return;
    }
    this.store.enqueue("undo");
    this.bar.paint();
    this.sender.schedule(this.store);
  }

  redo() {
    this.store.enqueue("redo");
    this.bar.paint();
    this.sender.schedule(this.store);
  }

  applyMarks() {
    this.store.takeMarks();
    this.paint(this.elements.keys());
    this.sender.schedule(this.store);
  }

  clearMarks() {
    this.paint(this.store.clearMarks());
  }

  openLarge() {
    const { cursor } = this.store;
    if (cursor !== null) this.trigger("opened", { id: cursor, nonce: Date.now() });
  }

  // ---- sending

  send(operations) {
    this.trigger("operations", { operations });
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
  const root = parentElement.querySelector(".gallery");
  const shadow = parentElement.getRootNode();
  if (!shadow.adoptedStyleSheets.includes(sheet)) shadow.adoptedStyleSheets.push(sheet);
  let gallery = mounted.get(root);
  if (!gallery) mounted.set(root, (gallery = new Gallery(root)));
  gallery.trigger = setTriggerValue;
  gallery.update(data);
  return () => {
    gallery.destroy();
    mounted.delete(root);
  };
}
