"""A clean copy holds what is in use, under names of its own; the dataset stays as it is."""

import csv
import errno
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from core.datasets import catalog, copying, edits, findings, splits, worker
from core.datasets.copying import places
from core.domain.errors import FolderError, StoreError
from core.domain.findings import Finding
from core.domain.items import Dataset
from core.domain.labellers import TableLabeller
from core.store import database, files, jobs, schema
from tests.datasets import corpus, shelves
from tests.datasets.shelves import Lease
from tests.datasets.test_worker import queued
from tests.pages import library


def paths_below(root: Path) -> set[str]:
    return {one.relative_to(root).as_posix() for one in root.rglob("*") if one.is_file()}


@pytest.fixture
def pets(tmp_path: Path) -> Dataset:
    """Give four cats and three dogs with a split, one of them excluded and one relabelled."""
    root = library.write_images(tmp_path / "pets", {"cat": 4, "dog": 3})
    dataset = library.open_scanned(root)
    splits.make(dataset.id, valid_fraction=0.3)
    ids = shelves.by_path(dataset.id)
    decided = {"dataset_id": dataset.id}
    edits.apply(**decided, operation_id="1", kind="exclude", item_ids=[ids["cat/000.png"]])
    edits.apply(
        **decided, operation_id="2", kind="relabel", item_ids=[ids["cat/001.png"]], label="dog"
    )
    return dataset


def test_a_copy_has_parts_and_classes_and_the_very_bytes(pets: Dataset, tmp_path: Path) -> None:
    target = tmp_path / "clean"

    result = copying.run(pets.id, copying.Wish(folder=str(target)), Lease())

    assert result is not None
    assert (result["n_written"], result["n_copied"], result["n_renamed"]) == (6, 6, 1)
    written = paths_below(target)
    assert {path.split("/")[0] for path in written} == {"train", "valid", "items.csv"}
    table = pd.read_csv(target / "items.csv").set_index("path")
    assert table.loc["cat/001.png", "label"] == "dog"
    assert table["file"].isna().sum() == 1  # the excluded one was not copied
    for path, row in table.dropna(subset="file").iterrows():
        copied, original = target / row["file"], Path(pets.root) / str(path)
        assert row["file"].startswith(f"{row['part']}/{row['label']}/")
        assert copied.read_bytes() == original.read_bytes()
        assert copied.stat().st_ino != original.stat().st_ino


def test_links_share_their_bytes_and_parts_may_be_left_out(pets: Dataset, tmp_path: Path) -> None:
    target = tmp_path / "clean"
    target.mkdir()
    wish = copying.Wish(folder=str(target), with_parts=False, hard_links=True, table=None)

    result = copying.run(pets.id, wish, Lease())

    assert result is not None
    assert (result["n_linked"], result["n_copied"]) == (6, 0)
    assert paths_below(target) == {
        "cat/002.png",
        "cat/003.png",
        "dog/000.png",
        "dog/001.png",
        "dog/001-2.png",
        "dog/002.png",
    }
    original = Path(pets.root, "cat/002.png").stat()
    assert (target / "cat" / "002.png").stat().st_ino == original.st_ino


def test_links_between_file_systems_become_copies(
    pets: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: Any, **__: Any) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", link)
    wish = copying.Wish(folder=str(tmp_path / "clean"), hard_links=True, table=None)

    result = copying.run(pets.id, wish, Lease())

    assert result is not None
    assert (result["n_linked"], result["n_copied"]) == (0, 6)


def test_a_stop_and_a_full_disk_leave_nothing_behind(
    pets: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = copying.Wish(folder=str(tmp_path / "clean"))
    before = paths_below(Path(pets.root))

    stopped = copying.run(pets.id, wish, Lease(stop_after=3))

    assert stopped is None
    assert not (tmp_path / "clean").exists()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.copy2", full)
    with pytest.raises(StoreError, match="No space left"):
        copying.run(pets.id, wish, Lease())
    assert not (tmp_path / "clean").exists()
    assert paths_below(Path(pets.root)) == before


def test_a_changed_file_is_left_out_and_told(pets: Dataset, tmp_path: Path) -> None:
    corpus.put(Path(pets.root, "dog/002.png"), b"other")

    result = copying.run(pets.id, copying.Wish(folder=str(tmp_path / "clean")), Lease())

    assert result is not None
    assert result["left"] == [("dog/002.png", "has changed since it was scanned")]
    assert result["n_written"] == 5


def test_a_folder_that_is_not_new_or_lies_in_a_dataset_is_refused(
    pets: Dataset, tmp_path: Path, home: Path
) -> None:
    corpus.put(tmp_path / "full" / "a.txt", b"a")
    refused = {
        "": "No folder was named",
        "clean": "is not a full path",
        str(tmp_path / "full"): "is not empty",
        str(tmp_path / "none" / "clean"): "does not exist",
        f"{pets.root}/clean": "lies inside the dataset",
        str(home / "clean"): "lies in Winnow's own folder",
        str(tmp_path / "full" / "a.txt"): "is a file, not a folder",
    }

    for typed, sentence in refused.items():
        with pytest.raises(FolderError, match=sentence):
            copying.checked_target(typed)


def test_classes_that_no_folder_can_bear_get_names_of_their_own() -> None:
    found = places.class_folders(["a/b", "a-b", "Cat", "cat", "..", "é" * 150])

    assert found["a-b"] == "a-b"
    assert found["a/b"] == "a-b-2"
    assert {found["Cat"], found["cat"]} == {"Cat", "cat-2"}
    assert found[".."] == "class"
    assert found["é" * 150] == "é" * 100


def test_images_of_several_labels_come_with_a_table_of_them(tmp_path: Path) -> None:
    dataset = library.open_scanned(library.write_images(tmp_path / "pets", {"cat": 2}))
    labeller = TableLabeller(table="t.csv", file_column="f", label_column="l", separator=" ")
    ids = shelves.by_path(dataset.id)
    with database.writing() as connection:
        how = {"labeller": labeller.model_dump(mode="json")}
        connection.execute(schema.datasets.update().values(**how))
        connection.execute(schema.items.update().values(label="cat|wet"))
        last = schema.items.c.id == ids["cat/001.png"]
        connection.execute(schema.items.update().where(last).values(label=""))
    target = tmp_path / "clean"

    copying.run(
        dataset.id, copying.Wish(folder=str(target), with_parts=False, table="parquet"), Lease()
    )

    with (target / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["file", "labels", "part"],
        ["images/000.png", "cat|wet", ""],
        ["images/001.png", "", ""],
    ]
    assert len(pd.read_parquet(target / "items.parquet")) == 2


def test_the_table_of_items_holds_decisions_and_findings(pets: Dataset) -> None:
    ids = shelves.by_path(pets.id)
    told = {"item_id": ids["dog/000.png"], "suggestion": "look"}
    found = [
        Finding(kind="dark", score=0.4, reason="It is dark.", **told),
        Finding(kind="outlier", score=0.9, reason="It is far away.", **told),
    ]
    findings.replace(pets.id, "looks", found)

    with jobs.Lease(schema.tasks, task_id := queued("copy")) as lease:
        worker.WORK["copy"](lease, {"dataset_id": pets.id, "format": "csv"})

    table = pd.read_csv(files.export_file(task_id, "items.csv")).set_index("path")
    row = table.loc["dog/000.png"]
    assert (row["findings"], row["score"]) == ("outlier, dark", 0.9)
    assert row["reasons"] == "It is far away. It is dark."
    assert list(table.loc["cat/000.png", ["decision", "excluded", "status"]]) == [
        "exclude",
        True,
        "ok",
    ]
    assert list(table.loc["cat/001.png", ["label", "recorded_label"]]) == ["dog", "cat"]
    assert set(table["part"]) == {"train", "valid"}


def test_a_broken_catalog_row_never_reaches_the_copy(pets: Dataset, tmp_path: Path) -> None:
    with database.writing() as connection:
        connection.execute(
            schema.items.update()
            .where(schema.items.c.path == "dog/000.png")
            .values(status="broken", reason="is HTML, not an image")
        )

    copying.run(pets.id, copying.Wish(folder=str(tmp_path / "clean")), Lease())

    names = paths_below(tmp_path / "clean")
    assert catalog.totals(pets.id).n_in_use == len(names) - 1 == 5
