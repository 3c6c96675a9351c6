"""Labels from part folders, tables and patterns: what moves, and what is written instead."""

from pathlib import Path

from core.datasets import applying, catalog
from core.datasets.applying import running
from core.domain.labellers import GrandparentLabeller, PatternLabeller, TableLabeller
from core.store import files
from tests.datasets import corpus, shelves
from tests.datasets.applying.disk import apply, exclude, in_store, on_disk, relabel, take_back
from tests.datasets.shelves import Lease


def test_a_relabel_keeps_the_part_folder(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for place in ("train/cat/a.jpg", "train/dog/b.jpg", "valid/cat/c.jpg", "valid/cat/d/e.jpg"):
        corpus.put(root / place, corpus.jpeg(len(place)))
    dataset = catalog.open_folder(str(root), labeller=GrandparentLabeller())
    running.scan.run(dataset.id, Lease())
    item_id = shelves.by_path(dataset.id)["valid/cat/d/e.jpg"]
    relabel(dataset.id, "dog", "valid/cat/d/e.jpg")

    apply(dataset.id)

    item = catalog.get_item(item_id)
    assert (item.path, item.recorded_label, item.recorded_part) == (
        "valid/dog/d/e.jpg",
        "dog",
        "valid",
    )


def test_a_corrected_table_holds_the_labels_that_were_decided(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name in ("a", "b", "c"):
        corpus.put(root / f"{name}.jpg", corpus.jpeg(ord(name)))
    corpus.put(root / "t.csv", b"name;tags;part\na;red cat;train\nb;cat;valid\nc;dog;\n")
    labeller = TableLabeller(
        table="t.csv",
        delimiter=";",
        file_column="name",
        label_column="tags",
        separator=" ",
        part_column="part",
        suffix=".jpg",
    )
    dataset = catalog.open_folder(str(root), labeller=labeller)
    running.scan.run(dataset.id, Lease())
    relabel(dataset.id, "dog|wet", "a.jpg")
    exclude(dataset.id, "c.jpg")

    plan = applying.plan(dataset.id)
    path = files.export_file("task-1", applying.TABLE_NAME)
    counts = applying.write_table(dataset.id, path, drop_excluded=True)

    assert (plan.n_in_table, plan.n_trashed, plan.n_relabelled) == (1, 1, 0)
    assert path.read_text(encoding="utf-8").splitlines() == [
        "name,tags,part",
        "a.jpg,dog wet,train",
        "b.jpg,cat,valid",
    ]
    assert counts == {"n_rows": 2, "n_relabelled": 1, "n_dropped": 1}
    assert applying.place_beside(dataset) == root / "t-corrected.csv"


def test_a_pattern_dataset_throws_away_and_leaves_relabelled_files_where_they_are(
    tmp_path: Path,
) -> None:
    root = tmp_path / "root"
    for name in ("cat_1.jpg", "cat_2.jpg", "dog_1.jpg"):
        corpus.put(root / name, corpus.jpeg(len(name) + ord(name[4])))
    dataset = catalog.open_folder(
        str(root), labeller=PatternLabeller(pattern=r"^(.+)_\d+\.[^.]+$")
    )
    running.scan.run(dataset.id, Lease())
    exclude(dataset.id, "cat_1.jpg")
    relabel(dataset.id, "dog", "cat_2.jpg")
    before = on_disk(root), in_store(dataset.id)

    apply(dataset.id)

    assert set(on_disk(root)) == {".winnow-trash/ID/cat_1.jpg", "cat_2.jpg", "dog_1.jpg"}
    take_back(dataset.id)
    assert (on_disk(root), in_store(dataset.id)) == before
