"""What a scan finds different, written in batches that a killed scan leaves whole.

Changes wait under a revision of their own (`rebuild.PENDING`) until the scan closes them as one
revision: whatever is rebuilt meanwhile does not see them, and the next scan finds them again.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from core.datasets import edits, rebuild
from core.datasets.reading import Reading
from core.domain.items import Part
from core.store import clock, schema

Kind = Literal["added", "changed", "moved", "labelled", "gone", "back"]
WORDS: dict[Kind, str] = {
    "added": "new",
    "changed": "changed",
    "moved": "moved",
    "labelled": "labelled anew",
    "gone": "gone",
    "back": "back again",
}
REMEMBERED = ("path", "recorded_label", "status", "content_hash")
"""What a revision is made of; the rest of an item follows from its content."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """One image file as it was found; its path is relative to the root, with forward slashes."""

    path: str
    label: str
    part: Part | None = None  # where the labeller gives one
    size_bytes: int
    mtime_ns: int


@dataclass(frozen=True, kw_only=True)
class Change:
    """One item that a scan found different."""

    kind: Kind | None  # None: only its time differs, which is stored and not logged
    item_id: int | None  # None: a new item
    values: dict[str, Any]  # the columns as they are now
    before: dict[str, Any] | None  # the columns as they were; None for a new item


def columns_of(found: Found, reading: Reading) -> dict[str, Any]:
    """Give the columns of an item as it was found and read."""
    return {
        "path": found.path,
        "recorded_label": found.label,
        "recorded_part": found.part,
        "status": "ok" if reading.reason is None else "broken",
        "reason": reading.reason,
        "size_bytes": found.size_bytes,
        "mtime_ns": found.mtime_ns,
        "width_px": reading.width_px,
        "height_px": reading.height_px,
        "format": reading.format,
        "mode": reading.mode,
        "is_grey": reading.is_grey,
        "is_misnamed": reading.is_misnamed,
        "content_hash": reading.content_hash,
        "perceptual_hash": reading.perceptual_hash,
    }


def store(connection: sa.Connection, dataset_id: str, batch: Sequence[Change]) -> None:
    """Write a batch of changes, each with how the item was before."""
    new = [change.values for change in batch if change.item_id is None]
    if new:
        _insert(connection, dataset_id, new)
    old = {one.item_id: one for one in batch if one.item_id is not None}
    if old:
        _update(connection, old)
        _log(connection, dataset_id, old)
    _refold(connection, dataset_id, old)


def close(connection: sa.Connection, dataset_id: str) -> Counter[str]:
    """Make all waiting changes one revision of kind scan, and count them by kind."""
    table = schema.scan_changes
    waiting = sa.and_(table.c.dataset_id == dataset_id, table.c.revision == rebuild.PENDING)
    query = (
        sa.select(table.c.kind, sa.func.count().label("number"))
        .where(waiting)
        .group_by(table.c.kind)
    )
    found = Counter({row.kind: row.number for row in connection.execute(query)})
    if found:
        revision = edits.next_revision(connection, dataset_id)
        connection.execute(sa.update(table).where(waiting).values(revision=revision))
        connection.execute(
            sa.insert(schema.revisions).values(
                dataset_id=dataset_id,
                revision=revision,
                kind="scan",
                note=_in_words(found),
                created_at=clock.now(),
            )
        )
    return found


def _insert(connection: sa.Connection, dataset_id: str, new: Sequence[dict[str, Any]]) -> None:
    common = {"dataset_id": dataset_id, "excluded": False}
    rows = [{**common, **values, "label": values["recorded_label"]} for values in new]
    returning = sa.insert(schema.items).returning(schema.items.c.id)
    ids = connection.execute(returning, rows).scalars().all()
    entry = {"dataset_id": dataset_id, "revision": rebuild.PENDING, "kind": "added"}
    log = [{**entry, "item_id": item_id, "before": sa.null()} for item_id in ids]
    connection.execute(sa.insert(schema.scan_changes), log)


def _update(connection: sa.Connection, old: dict[int, Change]) -> None:
    """Write the columns of known items, one statement for all that set the same ones."""
    rows: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for item_id, change in old.items():
        new = {f"new_{name}": value for name, value in change.values.items()}
        rows[tuple(sorted(change.values))].append({"item": item_id, **new})
    mine = sa.update(schema.items).where(schema.items.c.id == sa.bindparam("item"))
    for names, some in rows.items():
        values: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in names}
        connection.execute(mine.values(values), some)


def _log(connection: sa.Connection, dataset_id: str, old: dict[int, Change]) -> None:
    table = schema.scan_changes
    mine = {"dataset_id": dataset_id, "revision": rebuild.PENDING}
    waiting = sa.and_(*(table.c[name] == value for name, value in mine.items()))
    query = sa.select(table.c.item_id, table.c.kind).where(waiting, table.c.item_id.in_(old))
    earlier = {row.item_id: row.kind for row in connection.execute(query)}
    entries = [
        {**mine, "item_id": item_id, "kind": change.kind, "before": change.before}
        for item_id, change in old.items()
        if change.kind is not None and item_id not in earlier
    ]
    if entries:
        connection.execute(sa.insert(table), entries)
    undone = [i for i, kind in earlier.items() if (kind, old[i].kind) == ("gone", "back")]
    if undone:  # a scan that was killed had missed what is there again
        connection.execute(sa.delete(table).where(waiting, table.c.item_id.in_(undone)))
    # A scan that was killed left how the item was before; only the kind is news.
    news = [i for i, kind in earlier.items() if kind != "added" and old[i].kind == "changed"]
    if news:
        again = sa.update(table).where(waiting, table.c.item_id.in_(news))
        connection.execute(again.values(kind="changed"))


def _refold(connection: sa.Connection, dataset_id: str, item_ids: Iterable[int]) -> None:
    """Fold the edits in force over labels that a scan has read anew."""
    table = schema.items
    wanted = set(item_ids)
    query = sa.select(table.c.id, table.c.recorded_label).where(table.c.id.in_(wanted))
    recorded = {row.id: row.recorded_label for row in connection.execute(query)}
    if recorded:
        edits.store_states(connection, rebuild.states(connection, dataset_id, recorded))


def _in_words(found: Counter[str]) -> str:
    return "scan: " + ", ".join(
        f"{found[kind]} {words}" for kind, words in WORDS.items() if found[kind]
    )
