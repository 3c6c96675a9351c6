// What each key does in a gallery. Streamlit itself takes R and C, so handled keys stop here.

export function handleKey(gallery, event) {
  const onButton = event.target.closest?.("button");
  if (gallery.menu.isOpen || (onButton && [" ", "Enter", "Tab"].includes(event.key))) return;
  const act = actionOf(gallery, event);
  if (!act) return;
  act();
  event.preventDefault();
  event.stopPropagation();
}

function actionOf(gallery, event) {
  if (event.altKey) return null;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const offset = movement(gallery, key);
  if (offset !== null) return () => gallery.step(offset, event.shiftKey);
  if (event.ctrlKey || event.metaKey) return withControl(gallery, key, event.shiftKey);
  return plain(gallery, key, event.shiftKey);
}

function movement(gallery, key) {
  const columns = getComputedStyle(gallery.grid).gridTemplateColumns.split(" ").length;
  const far = gallery.tiles.length;
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns };
  return { ...steps, Home: -far, End: far }[key] ?? null;
}

function withControl(gallery, key, withShift) {
  if (key === "a") return () => gallery.select(new Set(gallery.indices.keys()));
  if (key === "z") return () => (withShift ? gallery.redo() : gallery.undo());
  if (key === "y") return () => gallery.redo();
  return null;
}

function plain(gallery, key, withShift) {
  if (/^[1-9]$/.test(key)) {
    const label = gallery.data.classes[Number(key) - 1];
    return label === undefined ? null : () => gallery.relabel(label);
  }
  const acts = {
    " ": () => gallery.store.cursor !== null && gallery.toggle(gallery.store.cursor),
    Escape: () => gallery.select(new Set()),
    d: () => gallery.exclude(),
    Delete: () => gallery.exclude(),
    r: () => gallery.openMenu(),
    s: () => gallery.accept(),
    Enter: () => gallery.accept(),
    k: () => gallery.keep(),
    z: () => (withShift ? gallery.redo() : gallery.undo()),
    y: () => gallery.redo(),
    o: () => gallery.openLarge(),
  };
  return acts[key] || null;
}
