"""Append decisions to the log, take them back, bring them again; the rules of `core.domain.edits`.

`items.label`, `items.excluded` and `items.decision` are always what the log makes of an item at
its newest revision; they change in one transaction. An operation carries the browser's own id, so
that it may arrive twice and counts once.
"""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import sqlalchemy as sa

from core.datasets import multilabel, rebuild
from core.datasets.catalog.queries import chunks
from core.datasets.labelling import values
from core.domain import edits as rules
from core.domain import labellers
from core.domain.edits import EditKind, History, ItemState, RevisionKind
from core.domain.errors import InputError, NotFoundError
from core.domain.labellers import Labeller
from core.store import clock, database, schema

MAX_LABEL = values.MAX_LABEL


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The same edit of one or more items."""

    kind: EditKind
    item_ids: tuple[int, ...]
    label: str | None = None  # the new label of a relabel, else None


def apply(
    dataset_id: str,
    *,
    operation_id: str,
    kind: EditKind,
    item_ids: Sequence[int],
    label: str | None = None,
) -> int:
    """Exclude, relabel or keep items as one revision, and give its number; as `apply_all`."""
    decision = Decision(kind=kind, item_ids=tuple(item_ids), label=label)
    return apply_all(dataset_id, operation_id=operation_id, decisions=(decision,))


def apply_all(dataset_id: str, *, operation_id: str, decisions: Sequence[Decision]) -> int:
    """Carry several decisions out as one revision, so that one undo takes all of them back.

    Gives the revision's number; the same operation again changes nothing and gives the same.
    Raises InputError for items of another dataset or named twice, an unknown kind, or a label
    that cannot be one in this dataset.
    """
    with database.reading() as connection:
        labeller = multilabel.find_labeller(connection, dataset_id)
    edits = _edits(decisions, labeller)

    def change(connection: sa.Connection, revision: int) -> None:
        states = _states_now(connection, dataset_id, sorted(edits))
        shared = {"dataset_id": dataset_id, "revision": revision}
        rows = [
            {**shared, "item_id": item_id, "kind": kind, "label": label}
            for item_id, (kind, label) in sorted(edits.items())
        ]
        connection.execute(sa.insert(schema.edits), rows)
        store_states(
            connection, {item: _after(state, *edits[item]) for item, state in states.items()}
        )

    with database.writing() as connection:
        known = _known(connection, dataset_id, operation_id)
        if known is not None:
            return known
        note = "; ".join(_in_words(one, labeller) for one in decisions)
        entry = {"kind": "edit", "note": note, "operation_id": operation_id}
        return _append(connection, dataset_id, entry, change)


def _edits(
    decisions: Sequence[Decision], labeller: Labeller
) -> dict[int, tuple[EditKind, str | None]]:
    """Check decisions, and give each item's kind and label."""
    edits: dict[int, tuple[EditKind, str | None]] = {}
    for one in decisions:
        if one.kind not in get_args(EditKind):
            raise InputError(
                f"{one.kind!r} is not a kind of edit.", hint="Exclude, relabel or keep."
            )
        label = _checked(one.label, labeller) if one.kind == "relabel" else None
        twice = set(edits).intersection(one.item_ids)
        if twice:
            raise InputError(
                f"The image {min(twice)} was decided about twice at once.",
                hint="Decide once about each image.",
            )
        edits.update(dict.fromkeys(one.item_ids, (one.kind, label)))
    if not edits:
        raise InputError("No image was chosen.", hint="Mark at least one image first.")
    return edits


def undo(dataset_id: str, *, operation_id: str) -> int | None:
    """Take the last edit in force back, as a new revision; None when there is nothing to undo."""
    return _swing(dataset_id, operation_id, "undo", lambda past: past.undo_target)


def redo(dataset_id: str, *, operation_id: str) -> int | None:
    """Bring the last undone edit again, as a new revision; None when there is nothing to redo."""
    return _swing(dataset_id, operation_id, "redo", lambda past: past.redo_target)


def _checked(label: str | None, labeller: Labeller) -> str:
    """Check a label by where it will be written: as the name of a folder, or into a table."""
    if labeller.kind in ("folder", "grandparent"):
        return checked_label(label)
    multi = labellers.is_multi_label(labeller)
    several = labellers.split(label, multi=multi) if label is not None else ("",)
    checked = [_checked_cell(one) for one in several]
    return labellers.join(checked) if multi else checked[0]


def _checked_cell(label: str) -> str:
    plain, problem = values.checked(label)
    if problem is not None:
        raise InputError(
            f"{label!r} cannot be a label: it {problem}.",
            hint=f"Use 1 to {values.MAX_LABEL} characters.",
        )
    return plain


def checked_label(label: str | None) -> str:
    """Give a label without outer blanks; raises InputError where it cannot name a class folder."""
    label = (label or "").strip()
    odd = [one for one in label if one in "/\\" or unicodedata.category(one) in ("Cc", "Cs")]
    if not label or label.startswith(".") or odd or len(label) > MAX_LABEL:
        raise InputError(
            f"{label!r} cannot be the name of a class.",
            hint=f"Use 1 to {MAX_LABEL} characters, no slash, and no dot at the start.",
        )
    return label


def _swing(
    dataset_id: str,
    operation_id: str,
    kind: RevisionKind,
    choose: Callable[[History], int | None],
) -> int | None:
    with database.writing() as connection:
        known = _known(connection, dataset_id, operation_id)
        if known is not None:
            return known
        target = choose(rules.history(rebuild.log(connection, dataset_id)))
        if target is None:
            return None
        note = f"{kind}: {_note(connection, dataset_id, target)}"
        entry = {"kind": kind, "target_revision": target, "note": note}
        return _append(
            connection,
            dataset_id,
            {**entry, "operation_id": operation_id},
            lambda connection, _revision: _refold(connection, dataset_id, target),
        )


def _append(
    connection: sa.Connection,
    dataset_id: str,
    entry: dict[str, Any],
    change: Callable[[sa.Connection, int], None],
) -> int:
    """Add a revision to the log and let `change` do what it says, all in one transaction."""
    revision = next_revision(connection, dataset_id)
    row = {"dataset_id": dataset_id, "revision": revision, "created_at": clock.now()}
    connection.execute(sa.insert(schema.revisions).values(**row, **entry))
    change(connection, revision)
    return revision


def next_revision(connection: sa.Connection, dataset_id: str) -> int:
    """Raise a dataset's revision by one and give it; raises NotFoundError."""
    mine = schema.datasets.c.id == dataset_id
    query = sa.select(schema.datasets.c.revision).where(mine).with_for_update()
    current = connection.execute(query).scalar_one_or_none()
    if current is None:
        raise NotFoundError(
            f"There is no dataset {dataset_id}.", hint="Open its folder on the start page."
        )
    revision = int(current) + 1
    connection.execute(sa.update(schema.datasets).where(mine).values(revision=revision))
    return revision


def _known(connection: sa.Connection, dataset_id: str, operation_id: str) -> int | None:
    table = schema.revisions
    query = sa.select(table.c.revision).where(
        table.c.dataset_id == dataset_id, table.c.operation_id == operation_id
    )
    known: int | None = connection.execute(query).scalar_one_or_none()
    return known


def _states_now(
    connection: sa.Connection, dataset_id: str, item_ids: Sequence[int]
) -> dict[int, ItemState]:
    table = schema.items
    found: dict[int, ItemState] = {}
    for some in chunks(item_ids):
        query = sa.select(table.c.id, table.c.label, table.c.excluded, table.c.decision)
        query = query.where(table.c.id.in_(some), table.c.dataset_id == dataset_id)
        for row in connection.execute(query):
            found[row.id] = ItemState(
                label=row.label, excluded=row.excluded, decision=row.decision
            )
    foreign = [item_id for item_id in item_ids if item_id not in found]
    if foreign:
        raise InputError(
            f"The image {foreign[0]} does not belong to the dataset {dataset_id}.",
            hint="Reload the page and choose again.",
        )
    return found


def _after(state: ItemState, kind: EditKind, label: str | None) -> ItemState:
    return rules.apply(state, rules.Edit(revision=0, item_id=0, kind=kind, label=label))


def _refold(connection: sa.Connection, dataset_id: str, target: int) -> None:
    """Fold the log anew for the items of one edit, after an undo or redo was appended."""
    touched = sa.select(schema.edits.c.item_id).where(
        schema.edits.c.dataset_id == dataset_id, schema.edits.c.revision == target
    )
    table = schema.items
    query = sa.select(table.c.id, table.c.recorded_label).where(table.c.id.in_(touched))
    recorded = {row.id: row.recorded_label for row in connection.execute(query)}
    store_states(connection, rebuild.states(connection, dataset_id, recorded))


def store_states(connection: sa.Connection, states: dict[int, ItemState]) -> None:
    """Write what the log makes of some items, in the transaction that changed the log."""
    table = schema.items
    change = (
        sa.update(table)
        .where(table.c.id == sa.bindparam("item"))
        .values(
            label=sa.bindparam("new_label"),
            excluded=sa.bindparam("new_excluded"),
            decision=sa.bindparam("new_decision"),
        )
    )
    rows: Iterable[dict[str, Any]] = (
        {
            "item": item_id,
            "new_label": state.label,
            "new_excluded": state.excluded,
            "new_decision": state.decision,
        }
        for item_id, state in states.items()
    )
    connection.execute(change, list(rows))


def _note(connection: sa.Connection, dataset_id: str, revision: int) -> str:
    table = schema.revisions
    query = sa.select(table.c.note).where(
        table.c.dataset_id == dataset_id, table.c.revision == revision
    )
    return str(connection.execute(query).scalar_one())


def _in_words(one: Decision, labeller: Labeller) -> str:
    noun = "1 image" if len(one.item_ids) == 1 else f"{len(one.item_ids)} images"
    if one.kind != "relabel":
        return f"{noun} {'excluded' if one.kind == 'exclude' else 'kept'}"
    multi = labellers.is_multi_label(labeller)
    labels = ", ".join(labellers.split(one.label or "", multi=multi))
    return f"{noun} relabelled as {labels}" if labels else f"{noun} left without a label"
