"""Datasets are registered once; items are found by page, filter and revision."""

from pathlib import Path

import pytest

from core.datasets import catalog, edits, splits
from core.datasets.catalog import ItemFilter
from core.domain.errors import FolderError, InputError, NotFoundError
from core.domain.plans import Subset
from tests.datasets import corpus, shelves


def test_a_folder_is_one_dataset_by_whatever_path(tmp_path: Path) -> None:
    root = corpus.folder(tmp_path / "pets")
    (tmp_path / "link").symlink_to(root)

    dataset = catalog.open_folder(f" {root}/cat/.. ")

    assert catalog.open_folder(str(tmp_path / "link")) == dataset
    assert catalog.list_datasets() == [dataset]
    assert (dataset.name, dataset.root, dataset.revision) == ("pets", str(root), 0)
    assert catalog.list_of_root(str(root)) == [dataset]
    assert catalog.list_of_root("/nowhere") == []


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("", "No folder was named"),
        ("none", "does not exist"),
        ("file.txt", "is a file"),
        ("home", "belongs to Winnow"),
        ("home/thumbnails", "belongs to Winnow"),
        ("home/samples", "belongs to Winnow"),
        ("nul\0byte", "is not a path"),
    ],
)
def test_what_cannot_be_a_dataset_is_refused_with_a_reason(
    path: str, words: str, tmp_path: Path, home: Path
) -> None:
    corpus.put(tmp_path / "file.txt", b"text")
    for name in ("thumbnails", "samples"):
        (home / name).mkdir(parents=True, exist_ok=True)

    with pytest.raises(FolderError, match=words) as caught:
        catalog.open_folder(str(tmp_path / path) if path else " ")

    assert caught.value.hint
    assert catalog.list_datasets() == []


def test_a_dataset_can_be_renamed_but_not_to_nothing() -> None:
    dataset_id, _ = shelves.shelved(("cat",))

    assert catalog.rename(dataset_id, " Pets ").name == "Pets"
    with pytest.raises(InputError, match="1 to 120 characters"):
        catalog.rename(dataset_id, " ")
    with pytest.raises(NotFoundError, match="no dataset ds-none"):
        catalog.rename("ds-none", "Pets")


def test_pages_are_ordered_and_know_the_total() -> None:
    dataset_id, _ = shelves.shelved(("dog", "cat") * 10)

    first = catalog.list_items(dataset_id, limit=12)
    rest = catalog.list_items(dataset_id, offset=12, limit=12)

    assert first.total == rest.total == 20
    keys = [(item.label, item.path) for item in (*first.items, *rest.items)]
    assert keys == sorted(keys)
    assert len(keys) == 20


def test_filters_choose_by_label_part_status_and_name(tmp_path: Path) -> None:
    root = corpus.folder(tmp_path / "root", per_class=10)
    for at, name in enumerate(("100%.jpg", "a_b.jpg", "UPPER.jpg")):
        corpus.put(root / "dog" / name, corpus.jpeg(5000 + at))
    corpus.put(root / "cat" / "page.jpg", corpus.damaged()["page.jpg"][0])
    dataset_id, _ = shelves.scanned(root)
    ids = shelves.by_path(dataset_id)
    split = splits.list_splits(dataset_id)[0]
    edits.apply(dataset_id, operation_id="1", kind="exclude", item_ids=[ids["cat/cat-0.jpg"]])
    edits.apply(
        dataset_id, operation_id="2", kind="relabel", item_ids=[ids["cat/cat-1.jpg"]], label="dog"
    )

    def paths(**filters: object) -> list[str]:
        page = catalog.list_items(
            dataset_id,
            filters=ItemFilter(**filters),
            split_id=split.id,  # type: ignore[arg-type]
        )
        assert page.total == len(page.items)
        return [item.path for item in page.items]

    assert len(paths()) == 24
    assert len(paths(labels=("dog",))) == 14
    assert len(paths(parts=("train", "valid"))) == 23
    assert len(paths(parts=("valid",))) == round(23 * 0.2)
    assert paths(status="excluded") == ["cat/cat-0.jpg"]
    assert paths(status="relabelled") == ["cat/cat-1.jpg"]
    assert paths(status="broken") == ["cat/page.jpg"]
    assert paths(status="gone") == []
    assert len(paths(status="in_use")) == 22
    assert paths(name_contains="100%") == ["dog/100%.jpg"]
    assert paths(name_contains="a_b") == ["dog/a_b.jpg"]
    assert paths(name_contains="upper") == ["dog/UPPER.jpg"]
    assert paths(name_contains="dog/") == []
    assert len(paths(name_contains="cat")) == 10
    assert paths(labels=()) == []


def test_counts_are_a_table_by_label_and_part(tmp_path: Path) -> None:
    root = corpus.folder(tmp_path / "root", classes=("cat",), per_class=10)
    corpus.put(root / "cat" / "empty.jpg", b"")
    dataset_id, _ = shelves.scanned(root)
    split = splits.list_splits(dataset_id)[0]
    excluded = shelves.by_path(dataset_id)["cat/cat-3.jpg"]
    edits.apply(dataset_id, operation_id="1", kind="exclude", item_ids=[excluded])

    counted = catalog.counts(dataset_id, split_id=split.id)

    assert list(counted.columns) == ["label", "part", "n_in_use", "n_excluded", "n_broken"]
    assert counted[["n_in_use", "n_excluded", "n_broken"]].sum().tolist() == [9, 1, 1]


def test_the_fingerprint_is_of_content_label_and_part_alone() -> None:
    dataset_id, ids = shelves.shelved(("cat", "dog") * 10)
    split = splits.make(dataset_id)

    def fingerprint() -> str:
        revision = catalog.get(dataset_id).revision
        frame = catalog.items_at(dataset_id, revision=revision, split_id=split.id)
        return catalog.fingerprint(frame)

    first = fingerprint()
    edits.apply(dataset_id, operation_id="1", kind="keep", item_ids=ids[:3])
    kept = fingerprint()
    edits.apply(dataset_id, operation_id="2", kind="exclude", item_ids=ids[:1])
    excluded = fingerprint()
    edits.undo(dataset_id, operation_id="3")

    assert first == kept == fingerprint()
    assert excluded != first


def test_items_at_a_revision_are_reduced_in_train_only() -> None:
    dataset_id, _ = shelves.shelved(("cat", "dog") * 20)
    split = splits.make(dataset_id)

    frame = catalog.items_at(dataset_id, revision=1, split_id=split.id, subset=Subset(per_class=5))

    assert list(frame.columns) == ["item_id", "path", "label", "part", "content_hash"]
    assert frame.groupby(["label", "part"]).size().to_dict() == {
        ("cat", "train"): 5,
        ("cat", "valid"): 4,
        ("dog", "train"): 5,
        ("dog", "valid"): 4,
    }
    assert frame["path"].is_monotonic_increasing


def test_a_revision_or_split_that_is_not_there_is_refused() -> None:
    dataset_id, _ = shelves.shelved(("cat", "dog") * 5)
    other_id, _ = shelves.shelved(("cat", "dog") * 5)
    split, foreign = splits.make(dataset_id), splits.make(other_id)

    with pytest.raises(NotFoundError, match="no revision 9"):
        catalog.items_at(dataset_id, revision=9, split_id=split.id)
    with pytest.raises(NotFoundError, match=f"no split {foreign.id}"):
        catalog.items_at(dataset_id, revision=1, split_id=foreign.id)
    with pytest.raises(NotFoundError, match="no image 999999"):
        catalog.get_item(999_999)


def test_without_a_split_no_item_has_a_part() -> None:
    dataset_id, ids = shelves.shelved(("cat", "dog") * 5)
    split = splits.make(dataset_id)

    assert {item.part for item in catalog.list_items(dataset_id).items} == {None}
    assert catalog.counts(dataset_id)["part"].isna().all()
    assert catalog.get_item(ids[0], split_id=split.id).part in ("train", "valid")
