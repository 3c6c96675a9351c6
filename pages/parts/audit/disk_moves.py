"""Edits carried out on disk: what would move, the confirmation, and the way back."""

import math

import pandas as pd
import streamlit as st

from core.datasets import applying
from core.domain.items import Dataset
from core.domain.jobs import ENDED
from core.domain.runs import Task
from core.runs import disk
from core.runs.disk import TableWish
from pages.parts import errors, task_view, text
from pages.parts.audit import disk_told

POLL_SECONDS = 1.0
PAGE_SIZE = 100


def show(dataset: Dataset) -> None:
    """Draw what is under way, what was left half done, or what applying would do."""
    task = disk.find_apply(dataset.id)
    if task is not None and task.status not in ENDED:
        _follow(dataset.id)
        return
    if task is not None:
        disk_told.show(task)
        disk_told.corrected(dataset.id)
    left = disk.find_open(dataset.id)
    if left is not None:
        if left.status == "undoing" and task is not None and task.status in ("finished", "failed"):
            _left_behind(left, task)
        else:
            _half_done(dataset.id, left)
        return
    standing = applying.find_standing(dataset.id)
    _preview(dataset, has_applied=standing is not None)
    if standing is not None:
        _way_back(dataset.id, standing)


@st.fragment(run_every=POLL_SECONDS)
@errors.boundary()
def _follow(dataset_id: str) -> None:
    """Draw how far it is; once it has ended, the page is drawn again."""
    task = disk.find_apply(dataset_id)
    if task is None or task.status in ENDED:
        st.rerun()
    task_view.show(task, key="disk-apply")


def _half_done(dataset_id: str, left: applying.Application) -> None:
    """Offer both ways out of an application that was stopped or killed."""
    done = disk_told.in_words(left.id)
    turned = left.status == "undoing"
    what = "Taking back" if turned else "Applying"
    with st.container(border=True):
        st.markdown(
            f":orange[**{what} was not finished**] ({text.moment(left.created_at)}). {done} "
            "No file is lost: each is either where it was or where it was going."
        )
        with st.container(horizontal=True):
            _finish_button("Finish taking back" if turned else "Finish", dataset_id, left)
            if not turned:
                _back_button("Take back", dataset_id, left)


def _left_behind(left: applying.Application, task: Task) -> None:
    """Count what a try has not brought back, and offer another try, or to leave it."""
    number = len(applying.list_behind(left.id))
    behind = text.count(number, "file")
    where = "Each is named above, with the reason." if task.result.get("left") else ""
    words = f"Leave these {behind} where they are" if number > 1 else "Leave this file where it is"
    with st.container(border=True):
        st.markdown(
            f":orange[**Taking back was not finished**] ({text.moment(left.created_at)}). "
            f"**{behind}** not brought back. {where}"
        )
        st.caption(
            "Where a folder was moved or a disk is not connected, put that right and try again. "
            "Where a file is gone for good, or may stay, leave it: then this ends, and is not "
            f"tried again. What lies in `{left.trash}` stays there."
        )
        with st.container(horizontal=True):
            _finish_button("Finish taking back", left.dataset_id, left)
            st.button(
                words,
                key="disk-leave",
                on_click=_leave,
                args=(left.dataset_id, left.id),
            )


def _way_back(dataset_id: str, standing: applying.Application) -> None:
    with st.container(border=True):
        st.markdown(
            f"**Applied on {text.moment(standing.created_at)}**, the edits of revision "
            f"{standing.revision}. {disk_told.in_words(standing.id)}"
        )
        st.caption(
            "Edits undone from now on do not move files back: a relabelled file stays in its new "
            "folder, which gives it its label, and an excluded one stays in the trash. Only this "
            "moves files back, all of them; decisions stay, and can be applied again."
        )
        with st.expander("Every file that moved"):
            _moved(standing)
        _back_button("Take it all back", dataset_id, standing)


def _finish_button(name: str, dataset_id: str, application: applying.Application) -> None:
    st.button(
        name,
        key="disk-finish",
        icon=":material/play_arrow:",
        type="primary",
        on_click=_finish,
        args=(dataset_id, application.id),
    )


def _back_button(name: str, dataset_id: str, application: applying.Application) -> None:
    st.button(
        name,
        key="disk-back",
        icon=":material/undo:",
        on_click=_take_back,
        args=(dataset_id, application.id),
    )


def _moved(application: applying.Application) -> None:
    total = sum(applying.count(application.id).values())
    number = _page_number(total, f"disk-moved-{application.id}")
    page = applying.page(application.id, offset=(number - 1) * PAGE_SIZE, limit=PAGE_SIZE)
    _table(page.moves, told=True)


@st.cache_data(max_entries=8, show_spinner="Working out what would move…")
def _plan(dataset_id: str, *, revision: int, scanned_at: float | None) -> applying.Plan:
    return applying.plan(dataset_id)


def _preview(dataset: Dataset, *, has_applied: bool) -> None:
    """Say what would happen, file by file, and offer to do it."""
    plan = _plan(dataset.id, revision=dataset.revision, scanned_at=dataset.scanned_at)
    if not plan.moves and not plan.n_in_table:
        if not has_applied:
            st.info(
                "Nothing to apply: no image is excluded, and none has another label than its "
                "place on disk says.",
                icon=":material/check:",
            )
        return
    st.markdown(_will_do(plan))
    st.caption(
        "Nothing happens to any file before you confirm. Winnow never writes over a file and "
        "never deletes one, and all of it can be taken back."
    )
    trash, table = True, None
    if not applying.moves_files(dataset.labeller):
        trash, table = _choices(plan)
    if plan.moves:
        with st.expander(f"Every move: {text.count(len(plan.moves), 'file')}"):
            number = _page_number(len(plan.moves), f"disk-plan-{dataset.id}-{plan.revision}")
            _table(plan.moves[(number - 1) * PAGE_SIZE : number * PAGE_SIZE], told=False)
    label = "Apply to disk" if trash and plan.moves else "Write the table"
    if st.button(f"{label}…", key="disk-apply-ask", type="primary", icon=":material/save:"):
        _confirm(dataset, plan, trash=trash, table=table)


def _will_do(plan: applying.Plan) -> str:
    words = []
    if plan.n_trashed:
        words.append(f"**{text.count(plan.n_trashed, 'excluded file')}** can go into the trash")
    if plan.n_relabelled:
        number = text.count(plan.n_relabelled, "relabelled file")
        words.append(f"**{number}** can go into the folder of the new class")
    if plan.n_in_table:
        number = text.count(plan.n_in_table, "relabelled image")
        words.append(f"**{number}** can be written into a corrected table: the class is no folder")
    size = f" ({text.size(plan.n_bytes)} in all)" if plan.moves else ""
    return f"{'; '.join(words)}{size}."


def _choices(plan: applying.Plan) -> tuple[bool, TableWish]:
    """Ask what to do where a class is no folder: the files stay unless somebody says so."""
    trash = False
    if plan.n_trashed:
        trash = st.checkbox("Move the excluded files into the trash", key="disk-trash")
    drop = st.checkbox("Leave excluded images out of the table", value=True, key="disk-drop")
    beside = st.checkbox(
        "Also write the table into the dataset's folder, under a new name",
        key="disk-beside",
        help="Beside the table that the labels are read from; that one stays as it is.",
    )
    return trash, TableWish(drop_excluded=drop, beside=beside)


def _page_number(total: int, key: str) -> int:
    n_pages = max(1, math.ceil(total / PAGE_SIZE))
    return st.pagination(n_pages, key=key, width=320) if n_pages > 1 else 1


def _table(moves: tuple[applying.Move, ...], *, told: bool) -> None:
    rows = [
        {
            "file": text.plain(move.source),
            "what": disk_told.what(move),
            "to": text.plain(move.target),
            "size": text.size(move.size_bytes),
            **({"state": disk_told.STATES[move.status]} if told else {}),
        }
        for move in moves
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True)


@st.dialog("Apply to disk", icon=":material/save:")
@errors.boundary()
def _confirm(
    dataset: Dataset, plan: applying.Plan, *, trash: bool, table: TableWish | None
) -> None:
    """Say for the last time what will happen, and start it."""
    n_moves = len(plan.moves) if trash else 0
    if n_moves:
        st.markdown(
            f"**{text.count(n_moves, 'file')}** will move within "
            f"{text.escape(text.shorten(dataset.root, 80))}: {plan.n_trashed:,} into "
            f"`{applying.TRASH}` and {plan.n_relabelled:,} into other class folders."
        )
    if table is not None:
        where = "for download, and beside the original" if table.beside else "for download"
        st.markdown(f"A corrected table will be written {where}.")
    st.caption("The folder is scanned afterwards. It can be stopped, and taken back as a whole.")
    with st.container(horizontal=True):
        name = f"Move {text.count(n_moves, 'file')}" if n_moves else "Write it"
        asked = (dataset.id, plan.revision, n_moves > 0, table)
        if st.button(name, key="disk-apply-yes", type="primary", on_click=_apply, args=asked):
            st.rerun()
        if st.button("Not now", key="disk-apply-no"):
            st.rerun()


@errors.callback
def _apply(dataset_id: str, revision: int, moves: bool, table: TableWish | None) -> None:
    disk.apply(dataset_id, revision=revision, moves=moves, table=table)


@errors.callback
def _finish(dataset_id: str, application_id: str) -> None:
    disk.finish(dataset_id, application_id)


@errors.callback
def _take_back(dataset_id: str, application_id: str) -> None:
    disk.take_back(dataset_id, application_id)


@errors.callback
def _leave(dataset_id: str, application_id: str) -> None:
    disk.leave(dataset_id, application_id)
