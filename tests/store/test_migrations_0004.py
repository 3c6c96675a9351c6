"""The migration that adds decisions: what it makes of a log is what the rules make of it."""

from collections import defaultdict
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from core.domain import edits as rules
from core.domain.edits import Edit, ItemState, Revision
from core.store import migrate

LOGS = {
    "d-1": [
        ("scan", None, []),
        ("edit", None, [(1, "exclude"), (2, "keep")]),
        ("edit", None, [(1, "keep"), (3, "relabel")]),
        ("undo", 3, []),
        ("redo", 3, []),
        ("edit", None, [(2, "exclude"), (4, "exclude")]),
        ("undo", 6, []),
        ("edit", None, [(5, "keep")]),  # forgets what was undone
        ("undo", 8, []),
        ("scan", None, []),
    ],
    "d-2": [
        ("scan", None, []),
        ("edit", None, [(6, "exclude")]),
        ("edit", None, [(6, "relabel"), (7, "relabel")]),
        ("undo", 3, []),
        ("undo", 2, []),
        ("redo", 2, []),
    ],
}
"""By dataset the revisions from 1 on: kind, target, and the edits with their items."""


@pytest.fixture
def older(tmp_path: Path) -> sa.Engine:
    """Make a database as it was before the migration, with two logs in it."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'older.db'}")
    with engine.begin() as connection:
        command.upgrade(migrate.config(connection), "0003")
        for dataset_id, log in LOGS.items():
            fill(connection, dataset_id, log)
    yield engine
    engine.dispose()


def fill(connection: sa.Connection, dataset_id: str, log: list[tuple]) -> None:
    insert(
        connection,
        "datasets",
        {"id": dataset_id, "name": "Pets", "root": f"/{dataset_id}", "labeller": "{}"},
        {"source": "folder", "revision": len(log), "created_at": 0.0, "ignored": "{}"},
    )
    for item_id in (1, 2, 3, 4, 5) if dataset_id == "d-1" else (6, 7):
        insert(
            connection,
            "items",
            {"id": item_id, "dataset_id": dataset_id, "path": f"cat/{item_id}.jpg"},
            {"recorded_label": "cat", "label": "cat", "excluded": 0, "status": "ok"},
            {"size_bytes": 1, "mtime_ns": 1},
        )
    for number, (kind, target, edits) in enumerate(log, start=1):
        mine = {"dataset_id": dataset_id, "revision": number}
        row = {"kind": kind, "target_revision": target, "note": "", "created_at": 0.0}
        insert(connection, "revisions", mine, row)
        for item_id, edit in edits:
            label = "dog" if edit == "relabel" else None
            insert(connection, "edits", mine, {"item_id": item_id, "kind": edit, "label": label})


def insert(connection: sa.Connection, table: str, *parts: dict[str, object]) -> None:
    row = {name: value for part in parts for name, value in part.items()}
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({values})"), row)


def folded(log: list[tuple]) -> dict[int, str | None]:
    """Fold a log by the rules of the domain; gives the decision about each item that it names."""
    revisions = [
        Revision(revision=number, kind=kind, target_revision=target)
        for number, (kind, target, _edits) in enumerate(log, start=1)
    ]
    states: dict[int, ItemState] = defaultdict(lambda: ItemState(label="cat"))
    done = rules.history(revisions).done
    for number, (_kind, _target, edits) in enumerate(log, start=1):
        for item_id, kind in edits:
            label = "dog" if kind == "relabel" else None
            edit = Edit(revision=number, item_id=item_id, kind=kind, label=label)
            before = states[item_id]
            states[item_id] = rules.apply(before, edit) if number in done else before
    return {item_id: state.decision for item_id, state in states.items()}


def test_the_decisions_in_force_are_those_that_the_rules_fold(older):
    with older.begin() as connection:
        command.upgrade(migrate.config(connection), "0004")
        rows = connection.execute(sa.text("SELECT id, decision FROM items ORDER BY id"))
        stored = {row.id: row.decision for row in rows}

    assert stored == {
        item_id: one for log in LOGS.values() for item_id, one in folded(log).items()
    }
    assert list(stored.values()) == ["keep", "keep", "relabel", None, None, "exclude", None]
