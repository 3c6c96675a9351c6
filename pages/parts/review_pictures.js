// The pictures of the review: one large, many small; a file may have gone since its scan.

import { element } from "./gallery_dom.js";
import { plain } from "./gallery_labels.js";

const LARGE_PX = [1280, 512, 256]; // the sizes that are tried; small ones are kept by the scan
const SMALL_PX = 256;

export function hasPicture(picture) {
  return Boolean(picture?.hash) && picture.status !== "broken";
}

// A frame that shows the small picture at once, and the large one as soon as it is there.
export function largePicture(picture) {
  const frame = element("div", "frame large-frame");
  if (!hasPicture(picture)) {
    frame.append(element("div", "no-picture", {}, picture.problem || "no picture"));
    return frame;
  }
  const image = element("img", "", { alt: plain(picture.path), decoding: "async" });
  image.draggable = false;
  image.src = address(picture.hash, SMALL_PX);
  const words = "it cannot be shown: its file has gone or changed";
  const none = () => frame.replaceChildren(element("div", "no-picture", {}, words));
  image.addEventListener("error", none, { once: true });
  frame.append(image);
  sharpen(image, picture.hash, LARGE_PX[0]);
  return frame;
}

function sharpen(image, hash, px) {
  const large = new Image();
  large.src = address(hash, px);
  large.decode().then(
    () => (image.src = large.src),
    () => px === LARGE_PX[0] && sharpen(image, hash, LARGE_PX[1]),
  );
}

// Have the server make the large picture of what comes next, and the browser keep it.
export function fetchAhead(picture) {
  if (hasPicture(picture)) new Image().src = address(picture.hash, LARGE_PX[0]);
}

export function smallPicture(id, picture, label, note) {
  const words = [plain(picture.path), label, note].filter(Boolean).join(" · ");
  const made = element("figure", "small", { title: words });
  made.dataset.id = id;
  const frame = element("div", "frame");
  const none = () => element("div", "no-picture", {}, "no picture");
  if (hasPicture(picture)) {
    const image = element("img", "", { alt: words, decoding: "async" });
    image.draggable = false;
    image.addEventListener("error", () => frame.replaceChildren(none()), { once: true });
    image.src = address(picture.hash, SMALL_PX);
    frame.append(image);
  } else frame.append(none());
  made.classList.toggle("excluded", Boolean(picture.excluded));
  made.append(frame, element("figcaption", "small-label", {}, label));
  if (note) made.append(element("span", "small-note", {}, note));
  return made;
}

function address(hash, px) {
  return new URL(`/thumb/${hash}/${px}`, document.baseURI).href;
}
