"""What a scan finds different, written in batches that a killed scan leaves whole.

Changes wait under a revision of their own (`rebuild.PENDING`) until the scan closes them as one
revision: whatever is rebuilt meanwhile does not see them, and the next scan finds them again.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from core.datasets import edits, rebuild
from core.datasets.folders import Found
from core.datasets.reading import Reading
from core.store import clock, schema

Kind = Literal["added", "changed", "moved", "gone", "back"]
WORDS: dict[Kind, str] = {
    "added": "new",
    "changed": "changed",
    "moved": "moved",
    "gone": "gone",
    "back": "back again",
}
REMEMBERED = ("path", "recorded_label", "status", "content_hash")
"""What a revision is made of; the rest of an item follows from its content."""


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
        "status": "ok" if reading.reason is None else "broken",
        "reason": reading.reason,
        "size_bytes": found.size_bytes,
        "mtime_ns": found.mtime_ns,
        "width_px": reading.width_px,
        "height_px": reading.height_px,
        "format": reading.format,
        "content_hash": reading.content_hash,
        "perceptual_hash": reading.perceptual_hash,
    }


def store(connection: sa.Connection, dataset_id: str, batch: Sequence[Change]) -> None:
    """Write a batch of changes, each with how the item was before."""
    new = [change.values for change in batch if change.item_id is None]
    if new:
        _insert(connection, dataset_id, new)
    old = {one.item_id: one for one in batch if one.item_id is not None}
    for item_id, change in old.items():
        _update(connection, dataset_id, change, item_id)
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


def _update(connection: sa.Connection, dataset_id: str, change: Change, item_id: int) -> None:
    items, log = schema.items, schema.scan_changes
    connection.execute(sa.update(items).where(items.c.id == item_id).values(**change.values))
    if change.kind is None:
        return
    mine = {"dataset_id": dataset_id, "revision": rebuild.PENDING, "item_id": item_id}
    waiting = sa.and_(*(log.c[name] == value for name, value in mine.items()))
    earlier = connection.execute(sa.select(log.c.kind).where(waiting)).scalar_one_or_none()
    if earlier is None:
        entry = {**mine, "kind": change.kind, "before": change.before}
        connection.execute(sa.insert(log).values(**entry))
    elif earlier != "added" and change.kind == "changed":
        # A scan that was killed left how the item was before; only the kind is news.
        connection.execute(sa.update(log).where(waiting).values(kind="changed"))


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
