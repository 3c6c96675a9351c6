// Making elements. Names from disk are hostile input: they only ever become text or attributes.

import { changes, inWords, plain } from "./gallery_labels.js";

export function element(tag, className, attributes = {}, text = null) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== null) made.textContent = text;
  return made;
}

// A button with the key that does the same.
export function button(label, key, title, onClick) {
  const made = element("button", "action", { type: "button", title });
  made.append(element("span", "action-label", {}, label));
  if (key) made.append(element("kbd", "", {}, key));
  made.addEventListener("click", onClick);
  return made;
}

// What a tile's elements are made of; the rest of it is painted.
export function fingerprintOf(tiles) {
  return JSON.stringify(tiles.map((t) => [t.id, t.hash, t.status, t.caption, t.tooltip]));
}

// One image: the picture or a word why there is none, and room for its badge and its caption.
export function tileElement(tile, index) {
  const root = element("div", "tile", {
    role: "option",
    id: `tile-${index}`,
    title: tile.tooltip || tile.caption,
    "aria-label": tile.tooltip || tile.caption,
  });
  root.dataset.id = tile.id;
  const frame = element("div", "frame");
  frame.append(tile.hash && tile.status !== "broken" ? picture(tile, frame) : noPicture(tile));
  frame.append(element("span", "badge"));
  root.append(frame, element("div", "caption"));
  return root;
}

function picture(tile, frame) {
  const image = element("img", "", { loading: "lazy", decoding: "async", alt: "" });
  image.draggable = false;
  image.addEventListener("error", () => frame.replaceChild(noPicture(tile), image), { once: true });
  image.src = new URL(`/thumb/${tile.hash}/256`, document.baseURI).href;
  return image;
}

function noPicture(tile) {
  const words = tile.status === "broken" ? "cannot be read" : "no picture";
  return element("div", "no-picture", {}, words);
}

export function paintTile(root, view, { selected, current, multi }) {
  root.classList.toggle("selected", selected);
  root.classList.toggle("current", current);
  root.classList.toggle("excluded", view.excluded);
  root.classList.toggle("gone", view.status === "gone");
  root.classList.toggle("broken", view.status === "broken");
  root.setAttribute("aria-selected", String(selected));
  const [text, kind] = badge(view, multi);
  const shown = root.querySelector(".badge");
  shown.textContent = text;
  shown.dataset.kind = kind;
  shown.hidden = !text;
  const label = view.shows_label ? `${inWords(view.label, multi)}\n` : "";
  root.querySelector(".caption").textContent = label + view.caption;
}

function badge(view, multi) {
  if (view.mark) {
    const words = { exclude: "to delete", keep: "keep" };
    const shown = words[view.mark.kind] || becomes(view.label, view.mark.label, multi);
    return [shown, `mark-${view.mark.kind}`];
  }
  if (view.status === "gone") return ["gone since the last scan", "gone"];
  if (view.excluded) return ["excluded", "excluded"];
  if (view.label !== view.recorded_label) {
    return [becomes(view.recorded_label, view.label, multi), "relabelled"];
  }
  return view.kept ? ["kept", "kept"] : ["", ""];
}

// One label takes the other's place; of several, some come and some go.
function becomes(before, after, multi) {
  return multi ? changes(before, after) || "no change" : `→ ${plain(after)}`;
}
