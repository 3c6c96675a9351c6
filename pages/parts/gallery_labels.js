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

// Show control and direction characters of a name as a box.
export function plain(name) {
  return name.replace(/[\u0000-\u001f\u007f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/g, "\u25a1");
}

// How a label is written for a person.
export function inWords(label, multi) {
  return plain(multi ? labelsOf(label).join(", ") : label) || "no label";
}

// What is added to several labels, and what is taken away: "+ cat, − dog".
export function changes(before, after) {
  const [old, now] = [labelsOf(before), labelsOf(after)];
  const added = now.filter((one) => !old.includes(one)).map((one) => `+ ${plain(one)}`);
  const removed = old.filter((one) => !now.includes(one)).map((one) => `− ${plain(one)}`);
  return [...added, ...removed].join(", ");
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
