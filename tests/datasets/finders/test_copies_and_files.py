"""Findings about equal files, and about files that are no images."""

from typing import Any

import pytest
import sqlalchemy as sa

from core.datasets import edits, findings
from core.datasets.finders import copies, files
from core.domain.findings import Finding
from core.store import database, schema
from tests import builders
from tests.datasets import corpus, shelves

DATASET, SPLIT = "d-1", "s-1"


def change(item_id: int, **values: Any) -> None:
    mine = sa.update(schema.items).where(schema.items.c.id == item_id)
    with database.writing() as connection:
        connection.execute(mine.values(**values))


def put_in(part: str, item_id: int) -> None:
    table = schema.assignments
    mine = sa.update(table).where(table.c.split_id == SPLIT, table.c.item_id == item_id)
    with database.writing() as connection:
        connection.execute(mine.values(part=part))


def make_equal(*item_ids: int) -> None:
    for item_id in item_ids:
        change(item_id, content_hash="e" * 32)


def found(**how: Any) -> list[Finding]:
    return copies.find(DATASET, split_id=SPLIT, **how)


@pytest.fixture
def ids() -> list[int]:
    """Give cat/a, cat/b, cat/c, which are train, and dog/d, which is valid, then made train."""
    ids = builders.insert_dataset({"cat": ["a.jpg", "b.jpg", "c.jpg"], "dog": ["d.jpg"]})
    put_in("train", ids[3])
    return ids


def test_all_equal_files_but_the_first_are_copies(ids):
    make_equal(*ids[:3])

    first, second = found()

    assert [first.item_id, second.item_id] == ids[1:3]
    assert {first.kind, second.kind} == {"copy"}
    assert first.members == second.members == tuple(ids[:3])
    assert (first.suggestion, first.reason) == ("exclude", "The same file as cat/a.jpg.")


def test_different_files_give_no_finding(ids):
    assert found() == []


def test_equal_files_of_two_classes_are_a_conflict_that_scores_above_a_copy(ids):
    make_equal(ids[0], ids[3])

    (one,) = found()

    assert (one.kind, one.item_id) == ("conflict", ids[3])
    assert "labelled dog here and cat there" in one.reason
    assert one.score > copies.SCORES["copy"]


def test_of_a_conflict_the_most_believable_label_stays(ids):
    make_equal(ids[0], ids[3])

    (one,) = found(doubt={ids[0]: 0.9, ids[3]: 0.1})

    assert one.item_id == ids[0]
    assert one.members == (ids[3], ids[0])


def test_where_nothing_is_known_of_labels_the_commonest_stays(ids):
    make_equal(*ids)
    change(ids[0], label="dog")
    change(ids[1], label="dog")

    assert {one.members[0] for one in found()} == {ids[0]}
    assert [one.item_id for one in found() if one.kind == "conflict"] == [ids[2]]


def test_a_copy_across_parts_is_a_leak_and_train_loses_its_side(ids):
    make_equal(ids[0], ids[3])
    put_in("valid", ids[3])

    (one,) = found(doubt={ids[3]: 0.99, ids[0]: 0.0})

    assert (one.kind, one.item_id, one.members[0]) == ("leak", ids[0], ids[3])
    assert "in valid as dog/d.jpg" in one.reason


def test_a_copy_that_a_person_kept_is_the_one_to_keep(ids):
    make_equal(ids[0], ids[1])
    edits.apply(DATASET, operation_id="k", kind="keep", item_ids=[ids[1]])

    (one,) = found()

    assert one.item_id == ids[0]


def test_excluded_copies_are_no_copies_any_more(ids):
    make_equal(ids[0], ids[1])
    edits.apply(DATASET, operation_id="x", kind="exclude", item_ids=[ids[1]])

    assert found() == []


def test_the_queue_takes_findings_of_copies_as_they_are(ids):
    make_equal(ids[0], ids[1])

    findings.replace(DATASET, "copies", found())

    (entry,) = findings.entries(DATASET, split_id=SPLIT)
    assert (entry.item_id, entry.copies) == (ids[1], (ids[0], ids[1]))


def test_files_that_are_no_images_are_found_with_the_reason_in_words(tmp_path):
    root = corpus.folder(tmp_path / "photos", per_class=1)
    corpus.put(root / "cat" / "page.jpg", corpus.damaged()["page.jpg"][0])
    dataset_id, _result = shelves.scanned(root)

    (one,) = files.find(dataset_id)

    assert one.item_id == shelves.by_path(dataset_id)["cat/page.jpg"]
    assert (one.kind, one.score, one.suggestion) == ("broken", 1.0, "exclude")
    assert one.reason == "The file is HTML, not an image."
