"""Datasets of tables, patterns and given parts: scanned, scanned again, moved and removed."""

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.datasets import (
    catalog,
    changes,
    comparison,
    edits,
    folders,
    labelling,
    reporting,
    rescan,
    scan,
    snapshot,
    splits,
    thumbnails,
)
from core.domain.errors import (
    ConflictError,
    FolderError,
    InputError,
    LabellerError,
    NotFoundError,
)
from core.domain.items import Dataset
from core.domain.labellers import FolderLabeller, PatternLabeller, TableLabeller
from core.store import clock, database, schema
from tests.datasets import corpus, shelves

TABLE = TableLabeller(table="labels.csv", file_column="name", label_column="label")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a folder of six photos without classes, and a table of labels for five of them."""
    for at in range(6):
        corpus.put(tmp_path / "root" / "photos" / f"{at}.jpg", corpus.jpeg(at))
    write_table(tmp_path / "root", {0: "cat", 1: "cat", 2: "dog", 3: "dog", 4: "cat", 9: "dog"})
    return tmp_path / "root"


def write_table(root: Path, labels: dict[int, str]) -> None:
    """Write the table of labels."""
    rows = "".join(f"photos/{at}.jpg,{label}\n" for at, label in labels.items())
    corpus.put(root / "labels.csv", f"name,label\n{rows}broken row\n".encode())


def open_table(root: Path) -> Dataset:
    """Open and scan the folder by its table."""
    dataset = catalog.open_folder(str(root), labeller=TABLE)
    scan.run(dataset.id, shelves.Lease())
    return catalog.get(dataset.id)


def label_of(dataset: Dataset, name: str) -> tuple[str, str]:
    """Give the recorded and the present label of a file."""
    page = catalog.list_items(dataset.id, filters=catalog.ItemFilter(name_contains=name))
    (item,) = page.items
    return item.recorded_label, item.label


def test_a_table_labels_files_and_counts_what_does_not_fit(root: Path) -> None:
    dataset = open_table(root)

    report = reporting.find(dataset.id)

    assert catalog.classes(dataset.id) == ("cat", "dog")
    assert catalog.totals(dataset.id).n_images == 5
    assert dataset.ignored == {"not an image": 1, "without a row in the table": 1}
    assert report is not None
    assert (report.n_rows, report.n_without_file, report.n_problems) == (7, 1, 1)
    assert report.without_file == ("photos/9.jpg",)
    assert (report.n_without_row, report.without_row) == (1, ("photos/5.jpg",))
    assert report.problems[0].line == 8


def test_a_changed_table_relabels_without_opening_a_file(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = open_table(root)
    item = catalog.list_items(dataset.id, filters=catalog.ItemFilter(name_contains="0.jpg"))
    edits.apply(
        dataset.id, operation_id="1", kind="relabel", item_ids=[item.items[0].id], label="fox"
    )
    write_table(root, {0: "dog", 1: "dog", 2: "dog", 3: "dog", 4: "cat"})
    opened = shelves.count_reads(monkeypatch)

    result = scan.run(dataset.id, shelves.Lease())

    assert result is not None
    assert (result["n_labelled"], result["n_changed"], opened) == (2, 0, [])
    assert label_of(dataset, "1.jpg") == ("dog", "dog")
    assert label_of(dataset, "0.jpg") == ("dog", "fox")  # the person's edit stays in force
    split = splits.get_master(dataset.id)
    assert split is not None
    before = catalog.items_at(dataset.id, revision=1, split_id=split.id)
    assert dict(zip(before["path"], before["label"], strict=True))["photos/1.jpg"] == "cat"


def test_an_item_that_loses_its_row_goes_and_comes_back_with_it(root: Path) -> None:
    dataset = open_table(root)
    write_table(root, {0: "cat", 2: "dog", 3: "dog", 4: "cat"})

    gone = scan.run(dataset.id, shelves.Lease())
    write_table(root, {0: "cat", 1: "cat", 2: "dog", 3: "dog", 4: "cat"})
    back = scan.run(dataset.id, shelves.Lease())

    assert gone is not None
    assert back is not None
    assert (gone["n_gone"], back["n_back"], back["n_new"]) == (1, 1, 0)


def test_a_table_that_vanished_marks_nothing_as_gone(root: Path) -> None:
    dataset = open_table(root)
    (root / "labels.csv").unlink()

    with pytest.raises(LabellerError, match=r"no table .*labels\.csv"):
        scan.run(dataset.id, shelves.Lease())

    assert catalog.totals(dataset.id).n_images == 5


def test_one_folder_is_a_dataset_for_each_way_to_read_its_labels(root: Path) -> None:
    by_table = catalog.open_folder(str(root), labeller=TABLE)
    by_name = catalog.open_folder(str(root), labeller=PatternLabeller(pattern=r"^(\d)"))
    again = catalog.open_folder(str(root), labeller=TABLE)

    assert by_table.id != by_name.id
    assert again.id == by_table.id


def test_several_labels_are_filtered_split_and_counted(tmp_path: Path) -> None:
    sets = ("haze road", "road", "haze", "sea road", "sea", "", "haze", "road sea")
    for at in range(len(sets)):
        corpus.put(tmp_path / f"{at}.jpg", corpus.jpeg(at))
    rows = "".join(f"{at}.jpg,{labels}\n" for at, labels in enumerate(sets))
    corpus.put(tmp_path / "labels.csv", f"name,label\n{rows}".encode())
    several = TABLE.model_copy(update={"separator": " "})
    dataset = catalog.open_folder(str(tmp_path), labeller=several)

    scan.run(dataset.id, shelves.Lease())

    roads = catalog.list_items(dataset.id, filters=catalog.ItemFilter(labels=("road",)))
    assert dataset.is_multi_label
    assert catalog.classes(dataset.id) == ("haze", "road", "sea")
    assert [item.label for item in roads.items] == ["haze|road", "road", "road|sea", "road|sea"]
    assert catalog.totals(dataset.id).n_images == 8
    in_use = catalog.counts(dataset.id).groupby("label")["n_in_use"].sum()
    assert {label: in_use[label] for label in ("haze", "road", "sea")} == {
        "haze": 3,
        "road": 4,
        "sea": 3,
    }


def test_relabelling_with_several_labels_checks_and_sorts_each(tmp_path: Path) -> None:
    corpus.put(tmp_path / "0.jpg", corpus.jpeg(0))
    corpus.put(tmp_path / "labels.csv", b"name,label\n0.jpg,road\n")
    several = TABLE.model_copy(update={"separator": " "})
    dataset = catalog.open_folder(str(tmp_path), labeller=several)
    scan.run(dataset.id, shelves.Lease())
    ids = list(shelves.by_path(dataset.id).values())

    edits.apply(dataset.id, operation_id="1", kind="relabel", item_ids=ids, label="sea|haze|sea")

    assert label_of(dataset, "0.jpg") == ("road", "haze|sea")


def test_a_look_shows_what_a_scan_would_take_and_takes_nothing(root: Path) -> None:
    dataset = open_table(root)
    corpus.put(root / "photos" / "7.jpg", corpus.jpeg(7))
    corpus.put(root / "photos" / "2.jpg", corpus.jpeg(22, (64, 64)))
    (root / "photos" / "3.jpg").unlink()
    write_table(root, {0: "dog", 1: "cat", 2: "dog", 3: "dog", 4: "cat", 7: "dog"})

    found = rescan.look(dataset.id)

    counts = {kind: number for kind, number in found["counts"].items() if number}
    assert counts == {"new": 1, "changed": 1, "labelled": 1, "missing": 1}
    assert found["examples"]["new"] == ["photos/7.jpg"]
    assert found["examples"]["labelled"] == ["photos/0.jpg"]
    assert found["examples"]["missing"] == ["photos/3.jpg"]
    assert catalog.get(dataset.id) == dataset


def test_a_look_tells_moved_files_from_new_and_missing_ones(tmp_path: Path) -> None:
    root = corpus.folder(tmp_path / "root")
    dataset_id, _ = shelves.scanned(root)
    (root / "cat" / "cat-0.jpg").rename(root / "dog" / "cat-0.jpg")
    (root / "cat" / "cat-1.jpg").rename(root / "cat" / "renamed.jpg")
    (root / "cat" / "cat-2.jpg").unlink()
    corpus.put(root / "cat" / "new.jpg", corpus.jpeg(7))

    found = rescan.look(dataset_id)

    assert found["examples"]["moved"] == [
        "cat/cat-1.jpg → cat/renamed.jpg",
        "cat/cat-0.jpg → dog/cat-0.jpg",
    ]
    assert (found["examples"]["new"], found["examples"]["missing"]) == (
        ["cat/new.jpg"],
        ["cat/cat-2.jpg"],
    )


def test_a_look_at_an_unchanged_folder_finds_nothing(root: Path) -> None:
    dataset = open_table(root)

    found = rescan.look(dataset.id)

    assert not any(found["counts"].values())


def test_a_moved_folder_keeps_edits_split_and_thumbnails(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = open_table(root)
    ids = shelves.by_path(dataset.id)
    edits.apply(dataset.id, operation_id="1", kind="exclude", item_ids=[ids["photos/1.jpg"]])
    split = splits.get_master(dataset.id)
    assert split is not None
    parts = splits.counts(split.id).to_dict()
    new = root.parent / "elsewhere"
    shutil.copytree(root, new)  # a copy has other times
    shutil.rmtree(root)

    found = rescan.look_elsewhere(dataset.id, str(new))
    catalog.move(dataset.id, str(new))
    result = scan.run(dataset.id, shelves.Lease())

    assert (found["n_items"], found["n_same"], found["n_elsewhere"]) == (5, 5, 0)
    assert result is not None
    assert (result["n_new"], result["n_gone"], result["n_changed"]) == (0, 0, 0)
    assert shelves.by_path(dataset.id) == ids
    assert catalog.totals(dataset.id).n_excluded == 1
    assert splits.counts(split.id).to_dict() == parts
    item = catalog.get_item(ids["photos/0.jpg"])
    assert thumbnails.get(str(item.content_hash), size_px=512).exists()


def test_a_folder_that_holds_none_of_the_images_is_refused(root: Path, tmp_path: Path) -> None:
    dataset = open_table(root)
    other = corpus.folder(tmp_path / "other")

    with pytest.raises(FolderError, match="None of the 5 images"):
        rescan.look_elsewhere(dataset.id, str(other))


def test_a_folder_of_another_dataset_is_no_new_place(root: Path, tmp_path: Path) -> None:
    dataset = open_table(root)
    other = tmp_path / "other"
    shutil.copytree(root, other)
    catalog.open_folder(str(other), labeller=TABLE)

    with pytest.raises(ConflictError, match="is the dataset other already"):
        catalog.move(dataset.id, str(other))


def test_a_removed_dataset_is_hidden_and_comes_back_with_its_edits(root: Path) -> None:
    dataset = open_table(root)
    ids = list(shelves.by_path(dataset.id).values())
    edits.apply(dataset.id, operation_id="1", kind="exclude", item_ids=ids[:2])
    before = sorted(root.rglob("*"))

    catalog.remove(dataset.id)
    hidden = catalog.list_datasets()
    with pytest.raises(NotFoundError, match="was removed"):
        catalog.get(dataset.id)
    back = catalog.open_folder(str(root), labeller=TABLE)

    assert hidden == []
    assert sorted(root.rglob("*")) == before
    assert back.id == dataset.id
    assert catalog.totals(back.id).n_excluded == 2


def test_a_removed_dataset_does_not_come_back_beside_one_that_took_its_folder(
    root: Path, tmp_path: Path
) -> None:
    removed = open_table(root)
    shutil.copytree(root, tmp_path / "other")
    other = catalog.open_folder(str(tmp_path / "other"), labeller=TABLE)
    catalog.remove(removed.id)
    catalog.move(other.id, str(root))

    with pytest.raises(ConflictError, match="is the dataset other now"):
        catalog.bring_back(removed.id)

    assert [one.id for one in catalog.list_datasets()] == [other.id]


def test_a_dataset_that_is_worked_on_is_not_removed(root: Path) -> None:
    dataset = open_table(root)
    task = {"id": "t", "kind": "scan", "params": {}, "status": "running", "dataset_id": dataset.id}
    with database.writing() as connection:
        connection.execute(sa.insert(schema.tasks).values(**task, created_at=clock.now()))

    with pytest.raises(ConflictError, match="A task is under way"):
        catalog.remove(dataset.id)


def test_a_folder_in_winnows_home_can_be_opened_only_where_images_were_brought(
    home: Path,
) -> None:
    corpus.folder(home / "imports" / "imp-1" / "pets")
    corpus.folder(home / "thumbnails")

    opened = catalog.open_folder(str(home / "imports" / "imp-1" / "pets"))
    with pytest.raises(FolderError, match="belongs to Winnow"):
        catalog.open_folder(str(home / "imports"))
    with pytest.raises(FolderError, match="belongs to Winnow"):
        catalog.open_folder(str(home / "thumbnails"))

    assert opened.labeller == FolderLabeller()
    assert len(folders.walk(opened.root).files) == 8


def test_a_label_that_a_table_gives_can_be_given_by_hand_too(root: Path) -> None:
    write_table(root, {0: "n/a", 1: "cat", 2: ".x"})
    dataset = open_table(root)
    ids = shelves.by_path(dataset.id)

    edits.apply(
        dataset.id, operation_id="1", kind="relabel", item_ids=[ids["photos/1.jpg"]], label="n/a"
    )
    with pytest.raises(InputError, match="cannot be a label: it has no label"):
        edits.apply(
            dataset.id, operation_id="2", kind="relabel", item_ids=[ids["photos/1.jpg"]], label=" "
        )

    assert label_of(dataset, "1.jpg") == ("cat", "n/a")


def test_many_classes_are_filtered_at_once_in_a_dataset_of_several_labels(tmp_path: Path) -> None:
    corpus.put(tmp_path / "0.jpg", corpus.jpeg(0))
    corpus.put(tmp_path / "labels.csv", b"name,label\n0.jpg,class-1998\n")
    several = TABLE.model_copy(update={"separator": " "})
    dataset = catalog.open_folder(str(tmp_path), labeller=several)
    scan.run(dataset.id, shelves.Lease())
    labels = tuple(f"class-{at}" for at in range(2000))

    found = catalog.list_items(dataset.id, filters=catalog.ItemFilter(labels=labels))
    others = catalog.list_items(dataset.id, filters=catalog.ItemFilter(labels=labels[:1998]))

    assert (found.total, others.total) == (1, 0)


def test_what_a_killed_scan_missed_and_is_there_again_is_no_change(root: Path) -> None:
    dataset = open_table(root)
    photo = root / "photos" / "1.jpg"
    aside = photo.rename(root / "aside.bin")
    labels = labelling.reader(TABLE, str(root))
    found = comparison.compare(dataset.id, folders.walk(str(root)), labels)
    with database.writing() as connection:  # the scan was killed right after this
        changes.store(connection, dataset.id, tuple(found.gone()))
    snapshot.forget(dataset.id)
    aside.rename(photo)

    result = scan.run(dataset.id, shelves.Lease())

    assert result is not None
    assert (result["n_gone"], result["n_back"], result["n_images"]) == (0, 0, 5)
    assert catalog.get(dataset.id).revision == 1
