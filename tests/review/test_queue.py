"""The review queue: what stands beside a suspicious image, and decisions that stay."""

import pandas as pd
import pytest

from core.datasets import catalog, edits, findings
from core.datasets.findings import QueueFilter
from core.domain.errors import ConflictError
from core.domain.findings import Finding
from core.review import queue, undone
from core.store import files, frames
from tests import builders
from tests.datasets import corpus, shelves
from tests.pages import library

DATASET, SPLIT = "d-1", "s-1"


def mislabelled(item_id: int, score: float = 0.5, label: str = "dog") -> Finding:
    return Finding(
        item_id=item_id,
        kind="mislabelled",
        score=score,
        reason=f"It looks like a {label}.",
        suggestion="relabel",
        label=label,
    )


def odd(item_id: int, score: float = 0.4) -> Finding:
    reason = "It is unlike the others."
    return Finding(item_id=item_id, kind="outlier", score=score, reason=reason, suggestion="look")


def copy(item_id: int, *members: int) -> Finding:
    return Finding(
        item_id=item_id,
        kind="near_copy",
        score=0.9,
        reason="It is nearly the same.",
        suggestion="exclude",
        members=members,
    )


def load(dataset_id: str = DATASET) -> queue.Queue:
    return queue.load(catalog.get(dataset_id), split_id=SPLIT)


def left(dataset_id: str = DATASET) -> list[int]:
    return [one.item_id for one in load(dataset_id).entries]


def card(item_id: int) -> queue.Card:
    whole = load()
    (found,) = queue.cards(whole, [whole.by_item[item_id]])
    return found


def decide(kind: str, *item_ids: int, label: str | None = None) -> None:
    operation = f"{kind}-{item_ids}"
    edits.apply(DATASET, operation_id=operation, kind=kind, item_ids=item_ids, label=label)


def ids_of(items: object) -> list[int]:
    return [one.id for one in items]


@pytest.fixture
def ids() -> list[int]:
    """Insert eight cats and four dogs; every fourth is in valid."""
    cats, dogs = ([f"{n}.jpg" for n in range(number)] for number in (8, 4))
    return builders.insert_dataset({"cat": cats, "dog": dogs})


def test_a_window_is_a_piece_of_the_list_in_its_order(ids):
    findings.replace(
        DATASET, "outliers", [odd(one, 0.9 - 0.1 * n) for n, one in enumerate(ids[:5])]
    )
    whole = load()

    window = queue.window(whole, whole.entries, start=3, n=4)

    assert ids_of(one.item for one in window) == ids[3:5]


def test_the_nearest_images_in_use_stand_beside_it(ids):
    near = [ids[1], ids[2], ids[9]]
    table = {"item_id": [ids[0]] * 3, "neighbour_id": near, "similarity": [0.9, 0.8, 0.7]}
    frames.save(files.audit_neighbours(DATASET), pd.DataFrame(table))
    findings.replace(DATASET, "labels", [mislabelled(ids[0])])
    decide("exclude", ids[2])

    found = card(ids[0]).near

    assert [(one.id, round(similarity, 2)) for one, similarity in found] == [
        (ids[1], 0.9),
        (ids[9], 0.7),
    ]


def test_examples_are_of_both_classes_and_the_best_predicted_come_first(ids):
    loss = [5.0, 4.0, 3.0, 2.0, 1.0, 0.5, 0.4, 0.3, float("nan"), 0.2, 0.1, 0.05]
    labels = ["cat"] * 8 + ["dog"] * 4
    table = pd.DataFrame({"item_id": ids, "label": labels, "oof_loss": loss})
    frames.save(files.audit_scores(DATASET), table)
    findings.replace(DATASET, "labels", [mislabelled(ids[0]), mislabelled(ids[7])])
    decide("relabel", ids[11], label="cat")

    examples = card(ids[0]).examples

    assert list(examples) == ["dog", "cat"]
    assert ids_of(examples["dog"]) == [ids[10], ids[9]]
    assert ids_of(examples["cat"]) == [ids[6], ids[5], ids[4], ids[3]]


def test_without_an_audit_examples_are_images_that_nothing_is_found_about(ids):
    findings.replace(DATASET, "outliers", [odd(ids[0]), odd(ids[1])])

    examples = card(ids[0]).examples

    assert {name: ids_of(some) for name, some in examples.items()} == {"cat": ids[2:6]}


def test_examples_of_several_labels_are_of_those_that_would_change_first():
    ids = builders.insert_dataset({"bird|cat": ["0.jpg"], "cat": ["1.jpg"], "dog": ["2.jpg"]})
    builders.let_have_several_labels()
    findings.replace(DATASET, "labels", [mislabelled(ids[0], label="bird|dog")])

    examples = card(ids[0]).examples

    assert {name: ids_of(some) for name, some in examples.items()} == {
        "dog": [ids[2]],
        "cat": [ids[1]],
        "bird": [],
    }


def test_what_a_filter_leaves_out_is_still_told(ids):
    findings.replace(DATASET, "labels", [mislabelled(ids[0], 0.9)])
    findings.replace(DATASET, "outliers", [odd(ids[0]), odd(ids[1], 0.6)])
    whole = load()

    entries = whole.choose(QueueFilter(kinds=("outlier",)))
    cards = queue.cards(whole, entries)

    assert [one.item.id for one in cards] == [ids[1], ids[0]]
    assert [[found.kind for found in one.others] for one in cards] == [[], ["mislabelled"]]


def test_a_class_of_several_labels_finds_all_that_have_it():
    ids = builders.insert_dataset({"bird|cat": ["0.jpg"], "cat": ["1.jpg"], "dog": ["2.jpg"]})
    builders.let_have_several_labels()
    findings.replace(DATASET, "outliers", [odd(one) for one in ids])

    entries = load().choose(QueueFilter(labels=("cat",)))

    assert [one.item_id for one in entries] == ids[:2]


def test_copies_come_with_the_one_to_keep_first(ids):
    members = (ids[2], ids[0], ids[1])
    findings.replace(DATASET, "near", [copy(ids[0], *members), copy(ids[1], *members)])

    assert ids_of(card(ids[0]).copies) == list(members)


def test_of_a_large_group_all_copies_are_told_so_that_none_is_decided_about_unseen():
    more = builders.insert_dataset({"cat": [f"{n}.jpg" for n in range(20)]})
    findings.replace(DATASET, "near", [copy(one, *more) for one in more[1:]])
    whole = load()

    (found,) = queue.window(whole, whole.entries, start=0, n=1)

    assert ids_of(found.copies) == more


def test_the_last_copy_in_use_may_not_be_excluded(ids):
    decide("exclude", ids[0])

    queue.check_one_is_left(ids[:3], excluded=[ids[1]])
    with pytest.raises(ConflictError, match="No copy would be left"):
        queue.check_one_is_left(ids[:3], excluded=[ids[1], ids[2]])


def test_findings_that_take_the_place_of_as_many_are_seen_at_once(ids):
    findings.replace(DATASET, "outliers", [odd(ids[0])])
    before = left()

    findings.replace(DATASET, "outliers", [odd(ids[1])])

    assert (before, left()) == ([ids[0]], [ids[1]])


def test_an_undo_names_what_it_brought_back(ids):
    decide("keep", ids[0])
    decide("exclude", ids[2], ids[3])
    before = undone.find_newest(DATASET)

    edits.undo(DATASET, operation_id="u")
    found = undone.find_newest(DATASET)

    assert before is None
    assert found == undone.Undone(revision=4, item_ids=(ids[2], ids[3]))


def test_a_decision_stays_through_a_rescan_and_through_every_finder(tmp_path):
    root = library.write_images(tmp_path / "root", {"cat": 2, "dog": 2})
    dataset_id = library.open_scanned(root).id
    kept, excluded, relabelled, other = shelves.by_path(dataset_id).values()
    decisions = [
        edits.Decision(kind="keep", item_ids=(kept,)),
        edits.Decision(kind="exclude", item_ids=(excluded,)),
        edits.Decision(kind="relabel", item_ids=(relabelled,), label="fox"),
    ]
    edits.apply_all(dataset_id, operation_id="op", decisions=decisions)

    corpus.put(root / "cat" / "new.jpg", corpus.jpeg(77))
    shelves.scanned(root)
    ids = list(shelves.by_path(dataset_id).values())
    findings.replace(dataset_id, "labels", [mislabelled(one, 0.9, "owl") for one in ids])
    findings.replace(dataset_id, "outliers", [odd(one) for one in ids])

    (new,) = set(ids) - {kept, excluded, relabelled, other}
    assert sorted(left(dataset_id)) == sorted([other, new])
