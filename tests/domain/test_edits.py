from hypothesis import given
from hypothesis import strategies as st

from core.domain import edits
from core.domain.edits import Edit, ItemState, Revision


def test_an_undo_takes_the_last_edit_in_force_back_and_a_redo_brings_it_again():
    log = [
        Revision(revision=1, kind="scan"),
        Revision(revision=2, kind="edit"),
        Revision(revision=3, kind="edit"),
        Revision(revision=4, kind="undo", target_revision=3),
    ]

    after_undo = edits.history(log)
    after_redo = edits.history([*log, Revision(revision=5, kind="redo", target_revision=3)])

    assert after_undo.done == (2,)
    assert after_undo.redo_target == 3
    assert after_redo.done == (2, 3)
    assert after_redo.redo_target is None


def test_a_new_edit_forgets_what_was_undone():
    log = [
        Revision(revision=1, kind="edit"),
        Revision(revision=2, kind="undo", target_revision=1),
        Revision(revision=3, kind="edit"),
    ]

    found = edits.history(log)

    assert found == edits.History(done=(3,), undone=())


def test_a_relabel_brings_an_excluded_item_back_and_a_keep_is_a_decision_alone():
    excluded = ItemState(label="cat", excluded=True, decision="exclude")

    relabelled = edits.apply(excluded, Edit(revision=2, item_id=1, kind="relabel", label="dog"))
    kept = edits.apply(excluded, Edit(revision=2, item_id=1, kind="keep"))

    assert relabelled == ItemState(label="dog", excluded=False, decision="relabel")
    assert kept == ItemState(label="cat", excluded=True, decision="keep")


@given(st.lists(st.sampled_from(["scan", "edit", "undo", "redo"]), max_size=60))
def test_every_edit_is_either_in_force_or_undone_or_forgotten_and_never_twice(kinds):
    log, made = [], edits.History(done=(), undone=())
    for revision, kind in enumerate(kinds, 1):
        if (kind == "undo" and not made.done) or (kind == "redo" and not made.undone):
            continue
        log.append(Revision(revision=revision, kind=kind))
        made = edits.history(log)

    everything = [*made.done, *made.undone]

    assert len(everything) == len(set(everything))
    assert set(everything) <= {entry.revision for entry in log if entry.kind == "edit"}
    assert list(made.done) == sorted(made.done)
