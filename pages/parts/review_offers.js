// What can be decided about a card: its suggestion, and what the keys for a group of copies do.
//
// Both follow what was just decided, before the server has answered: of copies one always stays.

export function isInUse(picture) {
  return Boolean(picture) && picture.status === "ok" && !picture.excluded;
}

// The copies of a card that are still in use, the one to keep first; empty where it is alone.
export function copiesOf(state, members) {
  const left = members.filter((id) => !state.picture(id) || isInUse(state.picture(id)));
  return left.length > 1 ? left : [];
}

// The first finding that still holds and says what could be done.
export function suggestionOf(state, card) {
  const holds = (one) => {
    if (one.suggestion === "look") return false;
    if (one.suggestion === "relabel") return one.label !== state.picture(card.id)?.label;
    return !one.members.length || isSpare(state, card.id, one.members);
  };
  // a copy is decided about as a copy first, whatever the filter shows: a new label alone would
  // leave two equal files in use
  const copies = [...card.findings, ...card.others].find((one) => one.members.length && holds(one));
  return copies ?? card.findings.find(holds) ?? null;
}

// Whether another copy than this one stays.
function isSpare(state, id, members) {
  const left = copiesOf(state, members);
  return left.length > 1 && left[0] !== id;
}

// The copies that nobody has decided about, without the one to keep.
export function spareOf(state, members) {
  const [, ...others] = copiesOf(state, members);
  return others.filter((id) => !state.picture(id)?.decision);
}

// The copies that a class is chosen for together: all that nobody has decided about, the one to
// keep among them. Those that have just got a label may get more, where there can be several.
export function relabelledOf(state, card) {
  const finding = card.findings.find((one) => one.members.length);
  const last = state.done.at(-1);
  const justNow = last?.staysHere && last.from === card.id ? last.ids : [];
  const isOpen = (id) => !state.picture(id)?.decision || justNow.includes(id);
  return copiesOf(state, finding?.members ?? []).filter(isOpen);
}

// What "the same for the whole group" would do, as decisions; null where there is nothing to do.
export function groupDecisions(state, card, kind) {
  const finding = card.findings.find((one) => one.members.length);
  if (!finding) return null;
  const ids = spareOf(state, finding.members);
  if (!ids.length) return null;
  const { members: copies } = finding;
  if (kind !== "accept") return [{ kind, item_ids: ids, label: null, copies }];
  if (finding.suggestion === "look") return null;
  const accepted = finding.suggestion === "exclude" ? "exclude" : "relabel";
  return [{ kind: accepted, item_ids: ids, label: finding.label, copies }];
}
