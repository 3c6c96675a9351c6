"""Edits go to disk and come back, files, items and edits as they were."""

import json
from pathlib import Path

import pytest

from core.datasets import applying, catalog, edits, reading, splits
from core.datasets.applying import running
from core.domain.errors import ConflictError
from tests.datasets import shelves
from tests.datasets.applying.disk import apply, in_store, on_disk, take_back
from tests.datasets.shelves import Lease


def test_the_plan_names_every_move_and_touches_nothing(edited: tuple[str, Path]) -> None:
    dataset_id, root = edited
    before = on_disk(root)

    plan = applying.plan(dataset_id)

    assert [(move.kind, move.source, move.target) for move in plan.moves] == [
        ("trash", "cat/deep/page.jpg", ".winnow-trash/…/cat/deep/page.jpg"),
        ("relabel", "cat/same.jpg", "dog/same-2.jpg"),
        ("relabel", "dog/dog-0.jpg", "bird/dog-0.jpg"),
        ("trash", "dog/same.jpg", ".winnow-trash/…/dog/same.jpg"),
    ]
    assert (plan.n_trashed, plan.n_relabelled, plan.n_in_table) == (2, 2, 0)
    assert plan.n_bytes == sum(move.size_bytes for move in plan.moves) > 0
    assert on_disk(root) == before


def test_applying_moves_files_and_tells_the_right_one_of_two_equal_items(
    edited: tuple[str, Path],
) -> None:
    dataset_id, root = edited
    ids, before = shelves.by_path(dataset_id), on_disk(root)

    result = apply(dataset_id)

    after = on_disk(root)
    assert (result["n_trashed"], result["n_relabelled"], result["n_left"]) == (2, 2, 0)
    assert after[".winnow-trash/ID/cat/deep/page.jpg"] == before["cat/deep/page.jpg"]
    assert after["dog/same-2.jpg"] == before["cat/same.jpg"]
    assert sorted(after.values()) == sorted(before.values())
    rows = in_store(dataset_id)
    relabelled, thrown = rows[ids["cat/same.jpg"]], rows[ids["dog/same.jpg"]]
    assert relabelled[:6] == ("dog/same-2.jpg", "ok", "dog", "dog", False, "relabel")
    assert thrown[:6] == ("dog/same.jpg", "gone", "dog", "dog", True, "exclude")
    assert rows[ids["dog/dog-0.jpg"]][:4] == ("bird/dog-0.jpg", "ok", "bird", "bird")
    assert (result["scan"]["n_moved"], result["scan"]["n_gone"], result["scan"]["n_new"]) == (
        2,
        2,
        0,
    )
    assert applying.plan(dataset_id).moves == ()


def test_the_manifest_says_where_everything_came_from(edited: tuple[str, Path]) -> None:
    dataset_id, root = edited

    apply(dataset_id)

    (path,) = root.glob(".winnow-trash/*/manifest.json")
    moves = json.loads(path.read_text(encoding="utf-8"))["moves"]
    assert [(one["from"], one["what"], one["status"]) for one in moves] == [
        ("cat/deep/page.jpg", "trash", "done"),
        ("cat/same.jpg", "relabel", "done"),
        ("dog/dog-0.jpg", "relabel", "done"),
        ("dog/same.jpg", "trash", "done"),
    ]
    assert all((root / one["to"]).is_file() for one in moves)


def test_taking_back_puts_files_items_and_edits_back_as_they_were(
    edited: tuple[str, Path],
) -> None:
    dataset_id, root = edited
    disk, rows = on_disk(root), in_store(dataset_id)
    apply(dataset_id)

    result = take_back(dataset_id)

    assert (on_disk(root), in_store(dataset_id)) == (disk, rows)
    assert (result["n_trashed"], result["n_relabelled"], result["n_left"]) == (2, 2, 0)
    assert not (root / ".winnow-trash").exists()
    assert applying.find_standing(dataset_id) is None
    with pytest.raises(ConflictError):
        running.take_back(result["application_id"], Lease())


def test_revisions_before_an_application_rebuild_as_they_were(edited: tuple[str, Path]) -> None:
    dataset_id, _ = edited
    master = splits.get_master(dataset_id)
    assert master is not None
    newest = catalog.get(dataset_id).revision

    def rebuilt() -> list[tuple[str, str]]:
        frames = [
            catalog.items_at(dataset_id, revision=at, split_id=master.id)
            for at in range(1, newest + 1)
        ]
        return [(catalog.fingerprint(frame), frame.to_csv()) for frame in frames]

    before = rebuilt()
    apply(dataset_id)
    applied = rebuilt()
    take_back(dataset_id)

    assert applied == before
    assert rebuilt() == before


def test_items_in_use_have_one_fingerprint_before_and_after_they_moved(
    edited: tuple[str, Path],
) -> None:
    dataset_id, _ = edited
    master = splits.get_master(dataset_id)
    assert master is not None

    def now() -> str:
        revision = catalog.get(dataset_id).revision
        frame = catalog.items_at(dataset_id, revision=revision, split_id=master.id)
        return catalog.fingerprint(frame)

    before = now()
    apply(dataset_id)

    assert now() == before


def test_files_are_found_wherever_they_were_moved(edited: tuple[str, Path]) -> None:
    dataset_id, root = edited
    before = shelves.by_path(dataset_id)
    contents = {item_id: (root / path).read_bytes() for path, item_id in before.items()}

    apply(dataset_id)

    places = applying.current(dataset_id, list(contents))
    assert {item_id: (root / path).read_bytes() for item_id, path in places.items()} == contents
    (thrown,) = applying.list_in_trash(reading.hash_of(contents[before["cat/deep/page.jpg"]]))
    assert thrown.read_bytes() == contents[before["cat/deep/page.jpg"]]


def test_an_edit_undone_after_it_was_applied_leaves_the_file_where_it_is(
    edited: tuple[str, Path],
) -> None:
    dataset_id, root = edited
    item_id = shelves.by_path(dataset_id)["dog/dog-0.jpg"]
    apply(dataset_id)

    edits.undo(dataset_id, operation_id="u")

    assert in_store(dataset_id)[item_id][:4] == ("bird/dog-0.jpg", "ok", "bird", "bird")
    take_back(dataset_id)
    assert in_store(dataset_id)[item_id][:6] == ("dog/dog-0.jpg", "ok", "dog", "dog", False, None)
    assert (root / "dog" / "dog-0.jpg").is_file()
