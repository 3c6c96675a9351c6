"""What speaks against moving a file is told, and keeps every file where it is."""

from pathlib import Path

import pytest

from core.datasets import applying, catalog, splits
from core.datasets.applying import running
from core.domain.errors import ConflictError, FolderError, InputError
from core.domain.labellers import PatternLabeller
from tests import builders
from tests.datasets import corpus, shelves
from tests.datasets.applying.disk import apply, exclude, in_store, on_disk, standing, take_back
from tests.datasets.shelves import Lease


def sibling_of(root: Path) -> str:
    """Open and scan the class folders of `cat` as a dataset of their own."""
    dataset = catalog.open_folder(str(root / "cat"), labeller=PatternLabeller(pattern="(.)"))
    running.scan.run(dataset.id, Lease())
    return dataset.id


def test_what_cannot_be_moved_stays_and_is_told_with_its_reason(edited: tuple[str, Path]) -> None:
    dataset_id, root = edited
    (root / "cat" / "deep" / "page.jpg").write_bytes(b"other")
    (root / "dog" / "same.jpg").unlink()
    outside = root.parent / "outside"
    outside.mkdir()
    (root / "bird").symlink_to(outside)
    before = on_disk(root)

    result = apply(dataset_id)

    reasons = dict(result["left"])
    assert reasons["cat/deep/page.jpg"].startswith("has changed since it was scanned")
    assert reasons["dog/same.jpg"] == "is not there any more"
    assert reasons["dog/dog-0.jpg"] == f"is left alone: {root}/bird is a link to another place"
    assert (result["n_left"], result["n_relabelled"]) == (3, 1)
    assert sorted(on_disk(root).values()) == sorted(before.values())
    assert list(outside.iterdir()) == []


def test_a_trash_folder_that_is_a_link_is_refused(edited: tuple[str, Path]) -> None:
    dataset_id, root = edited
    (root.parent / "elsewhere").mkdir()
    (root / applying.TRASH).symlink_to(root.parent / "elsewhere")

    with pytest.raises(FolderError, match="is a link to another place"):
        apply(dataset_id)

    assert applying.find_standing(dataset_id) is None


def test_a_file_that_appears_at_the_target_meanwhile_is_not_written_over(
    edited: tuple[str, Path],
) -> None:
    dataset_id, root = edited

    def appear(step: str) -> None:
        if step == "planned":
            corpus.put(root / "bird" / "dog-0.jpg", b"somebody's")

    running.apply(dataset_id, Lease(), revision=catalog.get(dataset_id).revision, step=appear)

    assert (root / "bird" / "dog-0.jpg").read_bytes() == b"somebody's"
    assert (root / "bird" / "dog-0-2.jpg").is_file()


def test_taking_back_is_never_over_another_file(edited: tuple[str, Path]) -> None:
    dataset_id, root = edited
    item_id = shelves.by_path(dataset_id)["dog/dog-0.jpg"]
    before = on_disk(root)
    apply(dataset_id)
    corpus.put(root / "dog" / "dog-0.jpg", corpus.jpeg(99))
    shelves.scanned(root)

    result = take_back(dataset_id)

    assert result["renamed"] == [("dog/dog-0.jpg", "dog/dog-0-2.jpg")]
    assert (root / "dog" / "dog-0.jpg").read_bytes() == corpus.jpeg(99)
    assert on_disk(root)["dog/dog-0-2.jpg"] == before["dog/dog-0.jpg"]
    assert in_store(dataset_id)[item_id][0] == "dog/dog-0-2.jpg"


def test_what_cannot_be_brought_back_keeps_the_way_back_open(edited: tuple[str, Path]) -> None:
    dataset_id, root = edited
    before = on_disk(root), in_store(dataset_id)
    apply(dataset_id)
    (root / applying.TRASH).rename(root.parent / "unmounted")

    barred = take_back(dataset_id)

    application = applying.find_open(dataset_id)
    assert application is not None
    assert (application.status, barred["n_left"], barred["n_relabelled"]) == ("undoing", 2, 2)
    assert {reason for _, reason in barred["left"]} == {"is not there any more"}
    (root.parent / "unmounted").rename(root / applying.TRASH)
    again = running.finish(application.id, Lease())
    assert (again["n_trashed"], again["n_left"], again["is_back"]) == (2, 0, True)
    assert (on_disk(root), in_store(dataset_id)) == before
    assert applying.find_standing(dataset_id) is None


def test_files_that_are_gone_for_good_can_be_left_and_the_way_back_ends(
    edited: tuple[str, Path],
) -> None:
    dataset_id, root = edited
    apply(dataset_id)
    application_id = standing(dataset_id)
    with pytest.raises(ConflictError, match="Only a taking back"):
        applying.leave(application_id)
    (thrown,) = root.glob(".winnow-trash/*/dog/same.jpg")
    thrown.unlink()
    take_back(dataset_id)

    n_left = applying.leave(application_id)

    assert n_left == 1
    assert applying.get(application_id).status == "undone"
    assert not (root / applying.TRASH).exists()
    assert apply(dataset_id)["n_left"] == 0


def test_files_that_a_dataset_around_threw_away_are_found_by_those_inside(
    edited: tuple[str, Path],
) -> None:
    dataset_id, root = edited
    exclude(dataset_id, "cat/cat-0.jpg")
    content = (root / "cat" / "cat-0.jpg").read_bytes()
    inner = sibling_of(root)
    item_id = shelves.by_path(inner)["cat-0.jpg"]
    apply(dataset_id)
    running.scan.run(inner, Lease())

    place = applying.current(inner, [item_id])[item_id]

    assert set(applying.sharers(inner)) == {dataset_id, inner}
    assert (root / "cat" / place).read_bytes() == content


@pytest.mark.parametrize("is_own", [True, False])
def test_a_run_that_was_queued_meanwhile_keeps_files_where_they_are(
    edited: tuple[str, Path], is_own: bool
) -> None:
    dataset_id, root = edited
    before = on_disk(root)
    reader = dataset_id if is_own else sibling_of(root)
    split = splits.get_master(reader)
    assert split is not None
    builders.insert_run("Fast", dataset_id=reader, split_id=split.id, status="queued")

    with pytest.raises(ConflictError, match="The run Fast is under way on the dataset"):
        apply(dataset_id)

    assert on_disk(root) == before
    assert not (root / applying.TRASH).exists()
    assert applying.find_standing(dataset_id) is None


def test_a_run_that_was_queued_meanwhile_keeps_files_from_being_taken_back(
    edited: tuple[str, Path],
) -> None:
    dataset_id, root = edited
    apply(dataset_id)
    applied = on_disk(root)
    split = splits.get_master(dataset_id)
    assert split is not None
    builders.insert_run("Fast", dataset_id=dataset_id, split_id=split.id, status="running")

    with pytest.raises(ConflictError, match="The run Fast is under way"):
        take_back(dataset_id)

    assert on_disk(root) == applied
    assert applying.get(standing(dataset_id)).status == "applied"


def test_an_open_application_of_a_dataset_on_the_same_files_comes_first(
    edited: tuple[str, Path],
) -> None:
    dataset_id, root = edited
    inner = sibling_of(root)
    exclude(inner, "cat-0.jpg")
    apply(dataset_id, Lease(stop_after=0))

    with pytest.raises(ConflictError, match="earlier application of the dataset root"):
        apply(inner)

    assert (root / "cat" / "cat-0.jpg").is_file()


def test_an_application_of_an_older_preview_is_refused(edited: tuple[str, Path]) -> None:
    dataset_id, root = edited
    old = catalog.get(dataset_id).revision
    exclude(dataset_id, "dog/dog-1.jpg")

    with pytest.raises(ConflictError, match="changed since the preview"):
        running.apply(dataset_id, Lease(), revision=old)

    assert (root / "dog" / "dog-1.jpg").is_file()
    assert applying.find_open(dataset_id) is None
    assert not (root / applying.TRASH).exists()


def test_nothing_to_apply_is_said(edited: tuple[str, Path]) -> None:
    dataset_id, _ = edited
    apply(dataset_id)

    with pytest.raises(InputError, match="lies elsewhere than its edits say"):
        apply(dataset_id)
