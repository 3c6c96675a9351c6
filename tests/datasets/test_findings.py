"""Findings in the store, and the queue of what is left to decide about."""

import pytest
import sqlalchemy as sa

from core.datasets import edits, findings
from core.datasets.findings import QueueFilter
from core.domain.errors import InputError
from core.domain.findings import Finding
from core.store import database, schema
from tests import builders

DATASET, SPLIT = "d-1", "s-1"


def mislabelled(item_id: int, score: float, label: str = "dog") -> Finding:
    return Finding(
        item_id=item_id,
        kind="mislabelled",
        score=score,
        reason="It looks like a dog.",
        suggestion="relabel",
        label=label,
    )


def copy(item_id: int, *members: int) -> Finding:
    return Finding(
        item_id=item_id,
        kind="copy",
        score=0.9,
        reason="It is a copy.",
        suggestion="exclude",
        members=members,
    )


def left(**filters: object) -> list[int]:
    wanted = QueueFilter(**filters)
    return [one.item_id for one in findings.entries(DATASET, filters=wanted, split_id=SPLIT)]


def decide(kind: str, *item_ids: int, label: str | None = None) -> None:
    operation = f"{kind}-{item_ids}"
    edits.apply(DATASET, operation_id=operation, kind=kind, item_ids=item_ids, label=label)


@pytest.fixture
def ids() -> list[int]:
    return builders.insert_dataset({"cat": ["a.jpg", "b.jpg", "c.jpg"], "dog": ["d.jpg", "e.jpg"]})


def test_the_most_suspicious_item_comes_first_with_all_findings_about_it(ids):
    findings.replace(DATASET, "labels", [mislabelled(ids[0], 0.4), mislabelled(ids[1], 0.8)])
    findings.replace(DATASET, "copies", [copy(ids[0], ids[2], ids[0])])

    queue = findings.entries(DATASET, split_id=SPLIT)

    assert [one.item_id for one in queue] == [ids[0], ids[1]]
    assert [one.kind for one in queue[0].findings] == ["copy", "mislabelled"]
    assert (queue[0].copies, queue[0].part, queue[0].label) == ((ids[2], ids[0]), "train", "cat")


def test_a_finder_replaces_its_own_findings_and_no_others(ids):
    findings.replace(DATASET, "labels", [mislabelled(ids[0], 0.4)])
    findings.replace(DATASET, "copies", [copy(ids[1], ids[2], ids[1])])
    before = findings.stamp(DATASET)

    findings.replace(DATASET, "labels", [mislabelled(ids[2], 0.5)])

    assert left() == [ids[1], ids[2]]
    assert findings.stamp(DATASET) != before


@pytest.mark.parametrize("kind", ["keep", "exclude"])
def test_an_item_that_was_decided_about_is_not_asked_again_by_any_finder(ids, kind):
    findings.replace(DATASET, "labels", [mislabelled(ids[0], 0.4)])
    decide(kind, ids[0])

    findings.replace(DATASET, "labels", [mislabelled(ids[0], 0.9)])
    findings.replace(DATASET, "copies", [copy(ids[0], ids[2], ids[0])])

    assert left() == []


def test_a_decision_that_is_undone_is_asked_again_and_redone_is_settled(ids):
    findings.replace(DATASET, "labels", [mislabelled(ids[0], 0.4)])
    decide("keep", ids[0])

    edits.undo(DATASET, operation_id="u")
    after_undo = left()
    edits.redo(DATASET, operation_id="r")

    assert (after_undo, left()) == ([ids[0]], [])


def test_the_last_copy_in_use_is_never_in_the_queue(ids):
    members = (ids[0], ids[1], ids[2])
    findings.replace(DATASET, "copies", [copy(ids[1], *members), copy(ids[2], *members)])

    decide("exclude", ids[0])
    after_the_best = left()
    decide("exclude", ids[2])

    assert after_the_best == [ids[2]]
    assert left() == []


def test_a_finding_that_suggests_the_label_it_has_by_now_is_settled(ids):
    findings.replace(DATASET, "labels", [mislabelled(ids[0], 0.4)])
    change = sa.update(schema.items).where(schema.items.c.id == ids[0]).values(label="dog")

    with database.writing() as connection:
        connection.execute(change)

    assert left() == []


def test_the_queue_is_filtered_by_kind_class_and_part(ids):
    findings.replace(
        DATASET, "labels", [mislabelled(ids[0], 0.4), mislabelled(ids[3], 0.5, "cat")]
    )
    findings.replace(DATASET, "copies", [copy(ids[0], ids[2], ids[0])])

    assert left(kinds=("copy",)) == [ids[0]]
    assert left(labels=("dog",)) == [ids[3]]
    assert left(parts=("valid",)) == [ids[3]]
    assert left(parts=("valid",), labels=("cat",)) == []


def test_progress_counts_items_as_they_are_and_one_kept_while_excluded_stays_out(ids):
    findings.replace(DATASET, "labels", [mislabelled(item, 0.5) for item in ids[:3]])
    decide("exclude", ids[0])
    decide("keep", ids[0])
    decide("relabel", ids[1], label="dog")

    found = findings.progress(DATASET, n_left=len(left()))

    assert (found.n_kept, found.n_relabelled, found.n_excluded) == (0, 1, 1)
    assert (found.n_reviewed, found.n_left) == (2, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"score": 1.2},
        {"score": float("nan")},
        {"suggestion": "exclude"},
        {"label": None},
        {"kind": "copy"},
    ],
)
def test_a_finding_that_makes_no_sense_is_refused(wrong):
    sound = {
        "item_id": 1,
        "kind": "mislabelled",
        "score": 0.5,
        "reason": "It looks like a dog.",
        "suggestion": "relabel",
        "label": "dog",
    }

    with pytest.raises(InputError, match="image 1"):
        Finding(**{**sound, **wrong})
