"""An unchanged folder is known by one hash, which is never believed too long."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from core.datasets import catalog, comparison, scan, snapshot
from tests.datasets import corpus, shelves


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a folder of two classes with four photos each."""
    return corpus.folder(tmp_path / "root")


def refuse_to_compare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a test fail that loads the catalog's rows to compare them."""

    def compare(*_given: Any) -> None:
        raise AssertionError("the rows were loaded")

    monkeypatch.setattr(comparison, "compare", compare)


def test_an_unchanged_folder_is_not_compared_row_by_row(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus.put(root / "cat" / "page.jpg", corpus.damaged()["page.jpg"][0])
    dataset_id, first = shelves.scanned(root)
    refuse_to_compare(monkeypatch)

    _, second = shelves.scanned(root)

    assert (second["n_images"], second["n_broken"], second["ignored"]) == (9, 1, {})
    assert (first["n_new"], second["n_new"]) == (9, 0)
    assert catalog.get(dataset_id).revision == 1


@pytest.mark.parametrize("what", ["touched", "added", "gone", "renamed", "ignored"])
def test_any_change_of_the_folder_is_compared(root: Path, what: str) -> None:
    dataset_id, _ = shelves.scanned(root)
    before = snapshot.find(dataset_id)
    photo = root / "cat" / "cat-0.jpg"
    if what == "touched":
        os.utime(photo, ns=(1, 1))
    elif what == "added":
        corpus.put(root / "cat" / "new.jpg", corpus.jpeg(77))
    elif what == "gone":
        photo.unlink()
    elif what == "renamed":
        photo.rename(root / "cat" / "other.jpg")
    else:
        corpus.put(root / "cat" / "notes.txt", b"notes")

    shelves.scanned(root)

    assert before is not None
    assert snapshot.find(dataset_id) not in (None, before)


def test_a_stopped_scan_leaves_no_hash_to_believe(root: Path, tmp_path: Path) -> None:
    dataset_id, _ = shelves.scanned(root)
    shutil.copytree(root, tmp_path / "aside", copy_function=shutil.copy2)
    for at in range(3):
        (root / "cat" / f"cat-{at}.jpg").write_bytes(corpus.jpeg(500 + at))
    scan.run(dataset_id, shelves.Lease(stop_after=0))
    shutil.rmtree(root)
    shutil.copytree(tmp_path / "aside", root, copy_function=shutil.copy2)

    stopped = snapshot.find(dataset_id)
    _, result = shelves.scanned(root)

    assert stopped is None
    assert result["n_images"] == 8
    found = catalog.list_items(dataset_id).items
    assert all(item.size_bytes == (root / item.path).stat().st_size for item in found)


def test_a_file_that_could_not_be_read_is_tried_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset_id, _ = shelves.scanned(root)
    (root / "cat" / "pipe.jpg").write_bytes(b"x" * 10)
    plain = comparison.Comparison.change

    def without_content(self: Any, found: Any, reading: Any) -> Any:
        made = plain(self, found, reading)
        if found.path == "cat/pipe.jpg":
            made.values["content_hash"] = None
        return made

    monkeypatch.setattr(comparison.Comparison, "change", without_content)

    shelves.scanned(root)

    assert snapshot.find(dataset_id) is None
