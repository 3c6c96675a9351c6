// Making elements. Names from disk are hostile input: they only ever become text or attributes.

import { inWords } from "./gallery_labels.js";

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

// One image: the picture or a word why there is none, what will become of it, and its caption.
export function tileElement(tile, index) {
  const root = element("div", "tile", {
    role: "option",
    id: `tile-${index}`,
    title: tile.tooltip || tile.caption,
    "aria-label": tile.tooltip || tile.caption,
  });
  root.dataset.id = tile.id;
  const frame = element("div", "frame");
  frame.append(tile.hash && !tile.broken ? picture(tile, frame) : noPicture(tile));
  frame.append(element("span", "badge"));
  root.append(frame, element("div", "caption", {}, tile.caption));
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
  return element("div", "no-picture", {}, tile.broken ? "cannot be read" : "no picture");
}

export function paintTile(root, view, { selected, current, multi }) {
  root.classList.toggle("selected", selected);
  root.classList.toggle("current", current);
  root.classList.toggle("excluded", view.excluded);
  root.setAttribute("aria-selected", String(selected));
  const [text, kind] = badge(view, multi);
  const shown = root.querySelector(".badge");
  shown.textContent = text;
  shown.dataset.kind = kind;
  shown.hidden = !text;
}

function badge(view, multi) {
  if (view.mark) {
    const words = { exclude: "to delete", keep: "keep" };
    const shown = words[view.mark.kind] || `→ ${inWords(view.mark.label, multi)}`;
    return [shown, `mark-${view.mark.kind}`];
  }
  if (view.excluded) return ["excluded", "excluded"];
  if (view.relabelled) return [`→ ${inWords(view.label, multi)}`, "relabelled"];
  return view.kept ? ["kept", "kept"] : ["", ""];
}
