"""The log decides: what is stored of an item is always what the log makes of it."""

from collections.abc import Iterable

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.datasets import catalog, changes, comparison, edits, rebuild
from core.datasets.changes import Change
from core.domain.errors import InputError, NotFoundError
from core.store import database, schema
from tests.datasets import shelves

LABELS = ("cat", "cat", "dog", "dog", "fox")
MANY = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def test_an_exclude_and_a_relabel_are_seen_at_once() -> None:
    dataset_id, ids = shelves.shelved(LABELS)

    first = edits.apply(dataset_id, operation_id="1", kind="exclude", item_ids=ids[:2])
    second = edits.apply(
        dataset_id, operation_id="2", kind="relabel", item_ids=ids[2:3], label=" fox "
    )

    assert (first, second) == (2, 3)
    assert [catalog.get_item(i).excluded for i in ids] == [True, True, False, False, False]
    assert catalog.get_item(ids[2]).label == "fox"
    assert edits.summary(dataset_id) == edits.EditSummary(n_excluded=2, n_relabelled=1, n_kept=0)


def test_the_same_operation_twice_is_applied_once() -> None:
    dataset_id, ids = shelves.shelved(LABELS)
    first = edits.apply(dataset_id, operation_id="1", kind="exclude", item_ids=ids[:1])
    undone = edits.undo(dataset_id, operation_id="2")

    assert edits.apply(dataset_id, operation_id="1", kind="exclude", item_ids=ids[:1]) == first
    assert edits.undo(dataset_id, operation_id="2") == undone
    assert catalog.get(dataset_id).revision == undone
    assert not catalog.get_item(ids[0]).excluded


def test_undo_and_redo_walk_through_the_edits() -> None:
    dataset_id, ids = shelves.shelved(LABELS)
    edits.apply(dataset_id, operation_id="1", kind="exclude", item_ids=ids[:1])
    edits.apply(dataset_id, operation_id="2", kind="relabel", item_ids=ids[:1], label="dog")

    edits.undo(dataset_id, operation_id="3")
    after_undo = catalog.get_item(ids[0])
    edits.redo(dataset_id, operation_id="4")
    after_redo = catalog.get_item(ids[0])

    assert (after_undo.label, after_undo.excluded) == ("cat", True)
    assert (after_redo.label, after_redo.excluded) == ("dog", False)
    assert edits.get_history(dataset_id).done == (2, 3)


def test_there_is_nothing_to_undo_or_redo_at_first() -> None:
    dataset_id, _ = shelves.shelved(LABELS)

    assert edits.undo(dataset_id, operation_id="1") is None
    assert edits.redo(dataset_id, operation_id="2") is None
    assert catalog.get(dataset_id).revision == 1


def test_the_log_tells_in_words_what_happened() -> None:
    dataset_id, ids = shelves.shelved(LABELS)
    edits.apply(dataset_id, operation_id="1", kind="exclude", item_ids=ids[:3])
    edits.apply(dataset_id, operation_id="2", kind="relabel", item_ids=ids[:1], label="dog")
    edits.undo(dataset_id, operation_id="3")

    log = edits.list_log(dataset_id)

    assert [(entry.note, entry.in_force) for entry in log] == [
        ("undo: 1 image relabelled as dog", False),
        ("1 image relabelled as dog", False),
        ("3 images excluded", True),
        ("scan: 5 new", True),
    ]


def test_a_keep_is_logged_and_changes_no_item() -> None:
    dataset_id, ids = shelves.shelved(LABELS)

    edits.apply(dataset_id, operation_id="1", kind="keep", item_ids=ids)
    edits.apply(dataset_id, operation_id="2", kind="keep", item_ids=ids[:2])

    assert edits.summary(dataset_id) == edits.EditSummary(n_excluded=0, n_relabelled=0, n_kept=5)


@pytest.mark.parametrize(
    "label", ["", "  ", "a/b", "a\\b", ".hidden", "..", "new\nline", None, "x" * 201]
)
def test_a_label_that_cannot_name_a_folder_is_refused(label: str | None) -> None:
    dataset_id, ids = shelves.shelved(LABELS)

    with pytest.raises(InputError, match="cannot be the name of a class"):
        edits.apply(dataset_id, operation_id="1", kind="relabel", item_ids=ids, label=label)

    assert catalog.get(dataset_id).revision == 1


def test_an_item_of_another_dataset_is_refused_and_nothing_is_done() -> None:
    dataset_id, ids = shelves.shelved(LABELS)
    _, foreign = shelves.shelved(LABELS)

    with pytest.raises(InputError, match=f"image {foreign[0]} does not belong"):
        edits.apply(dataset_id, operation_id="1", kind="exclude", item_ids=[ids[0], foreign[0]])

    assert catalog.get(dataset_id).revision == 1
    assert not catalog.get_item(ids[0]).excluded


def test_an_unknown_kind_no_item_and_an_unknown_dataset_are_refused() -> None:
    dataset_id, ids = shelves.shelved(LABELS)

    with pytest.raises(InputError, match="'delete' is not a kind"):
        edits.apply(dataset_id, operation_id="1", kind="delete", item_ids=ids)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="No image was chosen"):
        edits.apply(dataset_id, operation_id="1", kind="exclude", item_ids=[])
    with pytest.raises(NotFoundError, match="no dataset ds-none"):
        edits.apply("ds-none", operation_id="1", kind="exclude", item_ids=ids)


def test_an_edit_of_many_thousand_images_is_one_revision() -> None:
    dataset_id, ids = shelves.shelved(("cat",) * 12_000)

    revision = edits.apply(dataset_id, operation_id="1", kind="exclude", item_ids=ids)
    edits.undo(dataset_id, operation_id="2")

    assert revision == 2
    assert edits.summary(dataset_id).n_excluded == 0


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("exclude"), st.sets(st.integers(0, 4), min_size=1), st.none()),
        st.tuples(st.just("keep"), st.sets(st.integers(0, 4), min_size=1), st.none()),
        st.tuples(
            st.just("relabel"),
            st.sets(st.integers(0, 4), min_size=1),
            st.sampled_from(("cat", "dog", "fox")),
        ),
        st.tuples(st.sampled_from(("undo", "redo")), st.just(set()), st.none()),
        st.tuples(st.just("scan"), st.sets(st.integers(0, 4), min_size=1), st.sampled_from("xyz")),
    ),
    max_size=12,
)


@MANY
@given(steps=STEPS)
def test_items_are_the_fold_of_the_log_and_every_revision_rebuilds(
    steps: Iterable[tuple[str, set[int], str | None]],
) -> None:
    dataset_id, ids = shelves.shelved(LABELS)
    seen = {1: now(dataset_id)}

    for number, step in enumerate(steps):
        take(dataset_id, [ids[at] for at in step[1]], step, str(number))
        seen[catalog.get(dataset_id).revision] = now(dataset_id)

    for revision, expected in seen.items():
        assert at(dataset_id, revision) == expected
        labels = {item_id: label for item_id, (_, label, _) in expected.items()}
        assert edits.label_at(dataset_id, revision) == labels


def take(
    dataset_id: str, ids: list[int], step: tuple[str, set[int], str | None], operation: str
) -> None:
    """Do one step: an edit, an undo, a redo, or a rescan that finds files in another folder."""
    kind, _, label = step
    if kind == "undo":
        edits.undo(dataset_id, operation_id=operation)
    elif kind == "redo":
        edits.redo(dataset_id, operation_id=operation)
    elif kind == "scan":
        move(dataset_id, ids, f"{label}{operation}")
    else:
        edits.apply(
            dataset_id,
            operation_id=operation,
            kind=kind,
            item_ids=ids,
            label=label,  # type: ignore[arg-type]
        )


def move(dataset_id: str, ids: list[int], folder: str) -> None:
    """Store what a scan does when files have moved; the first of them has gone instead."""
    table = schema.items
    query = sa.select(table).where(table.c.id.in_(ids)).order_by(table.c.id)
    with database.writing() as connection:
        batch = [
            Change(
                kind="gone" if at == 0 else "moved",
                item_id=row.id,
                values={"status": "gone"}
                if at == 0
                else {"path": f"{folder}/{row.id}.jpg", "recorded_label": folder, "status": "ok"},
                before=comparison.before(row),
            )
            for at, row in enumerate(connection.execute(query).all())
        ]
        changes.store(connection, dataset_id, batch)
        changes.close(connection, dataset_id)


def now(dataset_id: str) -> dict[int, tuple[str, str, bool]]:
    """Read path, label and use of every item as the store has them."""
    table = schema.items
    query = sa.select(table).where(table.c.dataset_id == dataset_id)
    with database.reading() as connection:
        return {
            row.id: (row.path, row.label, row.status == "ok" and not row.excluded)
            for row in connection.execute(query)
        }


def at(dataset_id: str, revision: int) -> dict[int, tuple[str, str, bool]]:
    """Rebuild the same from the log."""
    with database.reading() as connection:
        past = rebuild.items_at(connection, dataset_id, revision)
    return {item.item_id: (item.path, item.label, item.in_use) for item in past}


def test_several_decisions_are_one_revision_and_one_undo_takes_all_back() -> None:
    dataset_id, ids = shelves.shelved(("cat", "cat", "cat", "dog"))
    decisions = (
        edits.Decision(kind="exclude", item_ids=(ids[0],)),
        edits.Decision(kind="relabel", item_ids=(ids[1],), label="dog"),
    )

    revision = edits.apply_all(dataset_id, operation_id="1", decisions=decisions)
    applied = edits.summary(dataset_id)
    edits.undo(dataset_id, operation_id="2")

    assert edits.list_log(dataset_id)[1].revision == revision
    assert (applied.n_excluded, applied.n_relabelled) == (1, 1)
    assert edits.summary(dataset_id) == edits.EditSummary(n_excluded=0, n_relabelled=0, n_kept=0)


def test_two_decisions_about_one_image_at_once_are_refused() -> None:
    dataset_id, ids = shelves.shelved(("cat", "cat"))
    twice = [edits.Decision(kind="exclude", item_ids=(ids[0],))] * 2

    with pytest.raises(InputError, match="decided about twice"):
        edits.apply_all(dataset_id, operation_id="1", decisions=twice)
