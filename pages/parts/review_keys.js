// What each key does in the review. Streamlit itself takes R and C, so handled keys stop here.

const STEPS = { ArrowRight: 1, ArrowLeft: -1, n: 1, p: -1 };

export const HELP = [
  ["K", "keep it: its label is right"],
  ["D", "exclude it"],
  ["S", "accept the suggestion"],
  ["R", "choose a class"],
  ["⇧D ⇧K ⇧S", "the same for all copies; one always stays"],
  ["⇧R", "choose a class for all copies"],
  ["Z", "undo"],
  ["Y", "redo"],
  ["N P", "next, previous"],
  ["O", "show large"],
  ["?", "hide this"],
];

export function handleKey(review, event) {
  const onButton = event.composedPath()[0].closest?.("button");
  if (review.menu.isOpen || (onButton && [" ", "Enter", "Tab"].includes(event.key))) return;
  const act = actionOf(review, event);
  if (!act) return;
  act();
  review.comeIntoView();
  event.preventDefault();
  event.stopPropagation();
}

function actionOf(review, event) {
  if (event.altKey) return null;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.ctrlKey || event.metaKey) return withControl(review, key, event.shiftKey);
  if (key in STEPS) return () => review.step(STEPS[key]);
  const act = event.shiftKey ? withShift(review, key) : plain(review, key);
  // a key that is held down decides once
  return act && event.repeat ? () => {} : act;
}

function withControl(review, key, withShift) {
  if (key === "z") return () => (withShift ? review.redo() : review.undo());
  if (key === "y") return () => review.redo();
  return null;
}

function withShift(review, key) {
  const acts = {
    d: () => review.decideGroup("exclude"),
    Delete: () => review.decideGroup("exclude"),
    k: () => review.decideGroup("keep"),
    s: () => review.decideGroup("accept"),
    Enter: () => review.decideGroup("accept"),
    r: () => review.openGroupMenu(),
    z: () => review.redo(),
    "?": () => review.bar.toggleHelp(),
  };
  return acts[key] || null;
}

function plain(review, key) {
  const acts = {
    k: () => review.keep(),
    d: () => review.exclude(),
    Delete: () => review.exclude(),
    s: () => review.accept(),
    Enter: () => review.accept(),
    r: () => review.openMenu(),
    z: () => review.undo(),
    y: () => review.redo(),
    o: () => review.openLarge(),
    "?": () => review.bar.toggleHelp(),
  };
  return acts[key] || null;
}
