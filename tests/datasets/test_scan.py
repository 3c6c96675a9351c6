"""A scan reads each file once, and knows again what it has seen."""

import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core.datasets import catalog, changes, comparison, edits, folders, labelling, scan, splits
from core.domain.errors import ConflictError, FolderError, InputError
from core.domain.labellers import FolderLabeller
from core.store import database
from tests.datasets import corpus, shelves
from tests.datasets.shelves import Lease


class Meanwhile(Lease):
    """Does something in the middle of a scan: once a report says that images are compared."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self._act = act

    def report(self, **columns: Any) -> None:
        """Remember what was reported, and act when all files are read but not grouped yet."""
        super().report(**columns)
        if columns.get("message") == "Comparing images":
            self._act()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a folder of two classes with four photos each."""
    return corpus.folder(tmp_path / "root")


def test_a_first_scan_reads_everything_and_splits_it(root: Path) -> None:
    corpus.put(root / "cat" / "page.jpg", corpus.damaged()["page.jpg"][0])
    corpus.put(root / "cat" / "notes.txt", b"notes")

    dataset_id, result = shelves.scanned(root)

    expected = {
        "n_images": 9,
        "n_new": 9,
        "n_broken": 1,
        "n_gone": 0,
        "ignored": {"not an image": 1},
    }
    assert {name: result[name] for name in expected} == expected
    assert [(i.path, i.reason) for i in shelves.broken(dataset_id)] == [
        ("cat/page.jpg", "is HTML, not an image")
    ]
    dataset = catalog.get(dataset_id)
    assert dataset.revision == 1
    assert dataset.ignored == {"not an image": 1}
    assert dataset.scanned_at is not None
    master = splits.get_master(dataset_id)
    assert master is not None
    assert len(catalog.items_at(dataset_id, revision=1, split_id=master.id)) == 8


def test_a_second_scan_opens_no_file_and_changes_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset_id, _ = shelves.scanned(root)
    opened = shelves.count_reads(monkeypatch)

    _, result = shelves.scanned(root)

    assert opened == []
    assert result["n_new"] == result["n_changed"] == result["n_gone"] == 0
    assert catalog.get(dataset_id).revision == 1


def test_a_scan_that_was_stopped_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = corpus.folder(tmp_path / "root", per_class=40)
    dataset = catalog.open_folder(str(root))
    first = scan.run(dataset.id, Lease(stop_after=30))
    known = shelves.by_path(dataset.id)
    opened = shelves.count_reads(monkeypatch)

    second = scan.run(dataset.id, Lease())

    assert first is None
    assert second is not None
    assert len(known) == 31
    assert len(opened) == 80 - 31
    assert second["n_new"] == 80
    assert catalog.get(dataset.id).revision == 1


def test_what_a_killed_scan_has_read_is_in_no_revision_yet(tmp_path: Path) -> None:
    root = corpus.folder(tmp_path / "root")
    dataset_id, _ = shelves.scanned(root)
    split = splits.list_splits(dataset_id)[0]
    before = catalog.fingerprint(catalog.items_at(dataset_id, revision=1, split_id=split.id))
    corpus.put(root / "cat" / "new.jpg", corpus.jpeg(77))
    corpus.put(root / "cat" / "cat-0.jpg", corpus.jpeg(78))

    stopped = scan.run(dataset_id, Lease(stop_after=2))

    after = catalog.fingerprint(catalog.items_at(dataset_id, revision=1, split_id=split.id))
    assert stopped is None
    assert after == before
    assert "cat/new.jpg" in shelves.by_path(dataset_id)


def test_a_moved_file_is_the_same_item_and_keeps_its_edits_and_part(root: Path) -> None:
    dataset_id, _ = shelves.scanned(root)
    split = splits.list_splits(dataset_id)[0]
    item_id = shelves.by_path(dataset_id)["cat/cat-1.jpg"]
    before = catalog.get_item(item_id, split_id=split.id)
    edits.apply(dataset_id, operation_id="1", kind="exclude", item_ids=[item_id])
    shutil.move(root / "cat" / "cat-1.jpg", root / "dog" / "renamed.jpg")

    _, result = shelves.scanned(root)

    item = catalog.get_item(item_id, split_id=split.id)
    assert (result["n_moved"], result["n_new"], result["n_gone"]) == (1, 0, 0)
    assert (item.path, item.recorded_label, item.label) == ("dog/renamed.jpg", "dog", "dog")
    assert item.excluded
    assert item.part == before.part


def test_a_renamed_class_folder_moves_all_its_items(root: Path) -> None:
    dataset_id, _ = shelves.scanned(root)
    ids = set(shelves.by_path(dataset_id).values())
    (root / "cat").rename(root / "kitten")

    _, result = shelves.scanned(root)

    assert result["n_moved"] == 4
    assert set(shelves.by_path(dataset_id).values()) == ids
    assert catalog.classes(dataset_id) == ("dog", "kitten")


def test_a_relabelled_item_keeps_its_label_when_its_file_moves(root: Path) -> None:
    dataset_id, _ = shelves.scanned(root)
    item_id = shelves.by_path(dataset_id)["cat/cat-1.jpg"]
    edits.apply(dataset_id, operation_id="1", kind="relabel", item_ids=[item_id], label="fox")
    shutil.move(root / "cat" / "cat-1.jpg", root / "dog" / "cat-1.jpg")

    shelves.scanned(root)

    moved = catalog.get_item(item_id)
    assert (moved.label, moved.recorded_label) == ("fox", "dog")
    edits.undo(dataset_id, operation_id="2")
    assert catalog.get_item(item_id).label == "dog"


def test_a_file_that_goes_and_comes_back_is_the_same_item(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset_id, _ = shelves.scanned(root)
    item_id = shelves.by_path(dataset_id)["dog/dog-2.jpg"]
    shutil.move(root / "dog" / "dog-2.jpg", tmp_path / "aside.jpg")
    _, gone = shelves.scanned(root)
    status = catalog.get_item(item_id).status
    shutil.move(tmp_path / "aside.jpg", root / "dog" / "dog-2.jpg")
    opened = shelves.count_reads(monkeypatch)

    _, back = shelves.scanned(root)

    assert (gone["n_gone"], status) == (1, "gone")
    assert (back["n_back"], catalog.get_item(item_id).status) == (1, "ok")
    assert opened == []


def test_a_file_with_new_content_is_read_again_and_rebuilt_as_it_was(root: Path) -> None:
    dataset_id, _ = shelves.scanned(root)
    split = splits.list_splits(dataset_id)[0]
    before = catalog.items_at(dataset_id, revision=1, split_id=split.id)
    (root / "cat" / "cat-0.jpg").write_bytes(corpus.jpeg(99, (60, 50)))

    _, result = shelves.scanned(root)

    now = catalog.items_at(dataset_id, revision=2, split_id=split.id)
    assert result["n_changed"] == 1
    assert catalog.items_at(dataset_id, revision=1, split_id=split.id).equals(before)
    assert list(now["path"]) == list(before["path"])
    assert (now["content_hash"] != before["content_hash"]).sum() == 1


def test_a_file_that_was_only_touched_is_no_change(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset_id, _ = shelves.scanned(root)
    os.utime(root / "cat" / "cat-0.jpg", ns=(1, 1))
    _, touched = shelves.scanned(root)
    opened = shelves.count_reads(monkeypatch)

    shelves.scanned(root)

    assert touched["n_changed"] == 0
    assert catalog.get(dataset_id).revision == 1
    assert opened == []


@pytest.mark.parametrize("empty", [False, True])
def test_a_root_that_vanished_marks_nothing_as_gone(root: Path, empty: bool) -> None:
    dataset_id, _ = shelves.scanned(root)
    shutil.rmtree(root)
    if empty:  # a drive's mount point without the drive
        root.mkdir()

    with pytest.raises(FolderError, match="is empty" if empty else "does not exist"):
        scan.run(dataset_id, Lease())

    assert catalog.list_items(dataset_id, filters=catalog.ItemFilter(status="gone")).total == 0


def test_a_folder_without_images_is_a_dataset_without_a_split(tmp_path: Path) -> None:
    (tmp_path / "root" / "cat").mkdir(parents=True)

    dataset_id, result = shelves.scanned(tmp_path / "root")

    assert result["n_images"] == 0
    assert splits.get_master(dataset_id) is None
    assert catalog.get(dataset_id).scanned_at is not None


def test_a_folder_with_one_class_is_split_too(tmp_path: Path) -> None:
    dataset_id, _ = shelves.scanned(
        corpus.folder(tmp_path / "root", classes=("cat",), per_class=10)
    )

    split = splits.get_master(dataset_id)

    assert split is not None
    parts = splits.counts(split.id)
    assert dict(zip(parts["part"], parts["n_items"], strict=True)) == {"train": 8, "valid": 2}


def test_new_files_get_a_part_and_old_ones_keep_theirs(root: Path) -> None:
    dataset_id, _ = shelves.scanned(root)
    split = splits.list_splits(dataset_id)[0]
    before = catalog.items_at(dataset_id, revision=1, split_id=split.id)
    for at in range(12):
        corpus.put(root / "cat" / f"more-{at}.jpg", corpus.jpeg(500 + at))

    shelves.scanned(root)

    after = catalog.items_at(dataset_id, revision=2, split_id=split.id).set_index("item_id")
    assert len(after) == 20
    assert list(after.loc[before["item_id"], "part"]) == list(before["part"])
    assert 3 <= (after[after["label"] == "cat"]["part"] == "valid").sum() <= 4


def test_copies_and_re_encoded_copies_share_a_group_and_a_part(tmp_path: Path) -> None:
    root = corpus.folder(tmp_path / "root", per_class=6)
    photo = corpus.picture(0)
    corpus.put(root / "cat" / "exact.jpg", (root / "cat" / "cat-0.jpg").read_bytes())
    corpus.put(root / "dog" / "near.jpg", corpus.encoded(photo, "JPEG", quality=70))

    dataset_id, _ = shelves.scanned(root)

    split = splits.list_splits(dataset_id)[0]
    ids = shelves.by_path(dataset_id)
    trio = [ids["cat/cat-0.jpg"], ids["cat/exact.jpg"], ids["dog/near.jpg"]]
    items = catalog.get_items(trio, split_id=split.id).values()
    assert {item.group_id for item in items} == {min(trio)}
    assert len({item.part for item in items}) == 1


def test_progress_counts_files_and_says_how_fast(root: Path) -> None:
    dataset = catalog.open_folder(str(root))
    lease = Lease()

    scan.run(dataset.id, lease)

    counted = [report for report in lease.reports if "progress_done" in report]
    assert counted[0]["progress_total"] == 8
    assert counted[-1]["progress_done"] == 8
    assert counted[-1]["progress_rate"] > 0


def test_copies_share_a_part_in_a_split_that_is_made_while_a_scan_reads_them(
    tmp_path: Path,
) -> None:
    root = corpus.folder(tmp_path / "root", per_class=10)
    dataset_id, _ = shelves.scanned(root)
    for at in range(10):
        corpus.put(root / "cat" / f"copy-{at}.jpg", (root / "cat" / f"cat-{at}.jpg").read_bytes())
    made: list[splits.Split] = []

    scan.run(
        dataset_id,
        Meanwhile(lambda: made.append(splits.make(dataset_id, seed=7, valid_fraction=0.5))),
    )

    ids = shelves.by_path(dataset_id)
    parts = {
        path: catalog.get_item(item_id, split_id=made[0].id).part for path, item_id in ids.items()
    }
    assert set(parts.values()) == {"train", "valid"}
    copies = [parts[f"cat/copy-{at}.jpg"] for at in range(10)]
    assert copies == [parts[f"cat/cat-{at}.jpg"] for at in range(10)]


def test_a_split_made_at_the_last_moment_of_a_scan_covers_its_items_too(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset_id, _ = shelves.scanned(root)
    corpus.put(root / "cat" / "new.jpg", corpus.jpeg(77))
    made: list[splits.Split] = []
    plain = splits.assign_new

    def late(dataset_id: str) -> int:
        added = plain(dataset_id)
        made.append(splits.make(dataset_id, seed=7))
        return added

    monkeypatch.setattr(splits, "assign_new", late)

    shelves.scanned(root)

    assert len(catalog.items_at(dataset_id, revision=2, split_id=made[0].id)) == 9


def test_a_split_asked_for_in_the_first_scan_leaves_the_master_to_it(root: Path) -> None:
    dataset = catalog.open_folder(str(root))
    refused: list[str] = []

    def ask() -> None:
        with pytest.raises(InputError) as caught:
            splits.make(dataset.id, seed=7)
        refused.append(caught.value.sentence)

    scan.run(dataset.id, Meanwhile(ask))

    master = splits.get_master(dataset.id)
    assert len(refused) == 1
    assert master is not None
    assert splits.list_splits(dataset.id) == [master]
    assert splits.counts(master.id)["n_items"].sum() == 8


def test_a_second_scan_of_a_dataset_is_refused_while_the_first_one_goes_on(root: Path) -> None:
    dataset = catalog.open_folder(str(root))
    refused: list[ConflictError] = []

    def again() -> None:
        with pytest.raises(ConflictError) as caught:
            scan.run(dataset.id, Lease())
        refused.append(caught.value)

    result = scan.run(dataset.id, Meanwhile(again))

    assert [error.sentence for error in refused] == ["This dataset is being scanned already."]
    assert refused[0].hint.startswith("Wait for that scan to end")
    assert result is not None
    assert result["n_new"] == 8
    assert shelves.scanned(root)[1]["n_new"] == 0


def test_another_dataset_is_scanned_meanwhile(root: Path, tmp_path: Path) -> None:
    dataset = catalog.open_folder(str(root))
    other = corpus.folder(tmp_path / "other")
    results: list[dict[str, Any]] = []

    scan.run(dataset.id, Meanwhile(lambda: results.append(shelves.scanned(other)[1])))

    assert [result["n_new"] for result in results] == [8]


def test_many_gone_and_returning_files_are_stored_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = corpus.folder(tmp_path / "root", per_class=7)
    dataset_id, _ = shelves.scanned(root)
    pieces: list[int] = []
    plain = changes.store

    def counting(connection: Any, dataset_id: str, batch: Any) -> None:
        pieces.append(len(batch))
        plain(connection, dataset_id, batch)

    monkeypatch.setattr(changes, "store", counting)
    monkeypatch.setattr(scan, "BATCH", 3)
    shutil.move(root / "cat", tmp_path / "aside")

    _, gone = shelves.scanned(root)
    shutil.move(tmp_path / "aside", root / "cat")
    _, back = shelves.scanned(root)

    assert (gone["n_gone"], back["n_back"]) == (7, 7)
    assert pieces == [3, 3, 1, 3, 3, 1]
    assert catalog.get(dataset_id).revision == 3


def test_a_piece_of_gone_files_takes_few_statements() -> None:
    dataset_id, _ = shelves.shelved(("cat", "dog") * 50)
    nothing = folders.Listing(files=[], ignored=Counter())
    labels = labelling.reader(FolderLabeller(), "/nowhere")
    gone = list(comparison.compare(dataset_id, nothing, labels).gone())
    statements: list[str] = []

    def count(*given: Any) -> None:
        statements.append(given[2])

    sa.event.listen(database.engine(), "before_cursor_execute", count)
    with database.writing() as connection:
        changes.store(connection, dataset_id, gone)

    assert len(statements) < 10
    assert catalog.list_items(dataset_id, filters=catalog.ItemFilter(status="gone")).total == 100
