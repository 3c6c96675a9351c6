// Labels of images that may have several: one text, joined and sorted as the server writes it.

const SEPARATOR = "|";

export function labelsOf(label) {
  return label ? label.split(SEPARATOR) : [];
}

function joined(labels) {
  return [...new Set(labels)].sort(byCodePoint).join(SEPARATOR);
}

// As Python sorts; JavaScript itself compares halves of characters.
function byCodePoint(one, other) {
  const [a, b] = [one, other].map((text) => Array.from(text, (sign) => sign.codePointAt(0)));
  const at = a.findIndex((point, index) => point !== b[index]);
  return at < 0 ? a.length - b.length : a[at] - (b[at] ?? -1);
}

// How a label is written for a person.
export function inWords(label, multi) {
  return multi ? labelsOf(label).join(", ") || "no label" : label;
}

// Give a class to all images, or take it from them where all have it; decisions, one a label set.
export function toggled(name, labelById) {
  const everyHas = [...labelById.values()].every((label) => labelsOf(label).includes(name));
  const groups = new Map();
  for (const [id, label] of labelById) {
    const others = labelsOf(label).filter((one) => one !== name);
    const next = joined(everyHas ? others : [...others, name]);
    if (next !== label) groups.set(next, [...(groups.get(next) || []), id]);
  }
  return [...groups].map(([label, ids]) => ({ kind: "relabel", item_ids: ids, label }));
}

// Give each image the class that is suggested for it, one decision a class.
export function suggested(tiles) {
  const groups = new Map();
  for (const { id, suggestion } of tiles) {
    if (suggestion) groups.set(suggestion, [...(groups.get(suggestion) || []), id]);
  }
  return [...groups].map(([label, ids]) => ({ kind: "relabel", item_ids: ids, label }));
}

// What the menu says beside a class: the one that is suggested, those that all or some have.
export function notes(tiles, labelById) {
  const [only, ...others] = new Set(tiles.map((tile) => tile.suggestion));
  const found = new Map(only && !others.length ? [[only, "suggested"]] : []);
  const names = [...(labelById?.values() || [])].flatMap(labelsOf);
  for (const name of names) {
    const n = names.filter((one) => one === name).length;
    found.set(name, n === tiles.length ? "remove" : "add to the others");
  }
  return found;
}
