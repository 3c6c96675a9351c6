"""What was predicted: the score, a table with the unsure images first, and one image closely."""

import functools
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np
import streamlit as st

from core.datasets import catalog
from core.domain.jobs import ENDED
from core.domain.runs import Task
from core.review import unsure
from core.review.unsure import Guess, Predicted
from core.runs import predictions, runs, tasks
from pages.parts import errors, guess_view, task_view, text

A_PAGE = 100
WHILE_RUNNING = 20
POLL_SECONDS = 1.0
ROW_PX, HEAD_PX = 76, 38
TABLE_PX = 640
ORDINALS = ("1st", "2nd", "3rd")


def show(task: Task) -> None:
    """Draw a prediction; it follows by itself until its task has ended."""
    if task.status not in ENDED:
        _follow(task.id)
        return
    task_view.ended(task, key="predict-ended")
    found = _load(task.id, n_parts=unsure.count_parts(task.id))
    if found is not None:
        _results(task, found)


@st.fragment(run_every=POLL_SECONDS)
@errors.boundary()
def _follow(task_id: str) -> None:
    """Draw how far it is, and the images that have come."""
    task = tasks.get(task_id)
    if task.status in ENDED:
        st.rerun()
    if task.status == "queued":
        st.caption("Waiting for a process …")
    task_view.show(task, key="predict-task")
    found = _load(task_id, n_parts=unsure.count_parts(task_id))
    if found is None:
        return
    _score(found, found.threshold)
    order = _order(found, task_id, n_images=len(found.table), threshold=found.threshold)
    shown = unsure.guesses(found, order[:WHILE_RUNNING].tolist(), found.threshold)
    st.dataframe(_rows(found, shown), **_look(len(shown)), key="predict-coming")


@st.cache_data(max_entries=4, show_spinner=False)
def _load(task_id: str, *, n_parts: int) -> Predicted | None:
    """Keep what was read until more is written."""
    return unsure.load(task_id) if n_parts else None


@st.cache_data(max_entries=4, show_spinner=False)
def _order(
    _found: Predicted,
    task_id: str,
    *,
    n_images: int,
    threshold: float | None,
    sure_first: bool = False,
    only_wrong: bool = False,
) -> np.ndarray:
    """Keep the order: with a threshold it is made of the probabilities of all classes."""
    return unsure.rank(_found, sure_first=sure_first, threshold=threshold, only_wrong=only_wrong)


@st.cache_data(max_entries=16, show_spinner=False)
def _guesses(
    _found: Predicted, task_id: str, positions: tuple[int, ...], threshold: float | None
) -> list[Guess]:
    """Keep what was read of a page of the table: its rows may lie in many files."""
    return unsure.guesses(_found, positions, threshold)


def _results(task: Task, found: Predicted) -> None:
    st.caption(_about(task, found))
    threshold = _threshold(task, found)
    _score(found, threshold)
    sure_first, only_wrong = _switches(task, found, threshold)
    order = _order(
        found,
        task.id,
        n_images=len(found.table),
        threshold=threshold,
        sure_first=sure_first,
        only_wrong=only_wrong,
    )
    if len(order):
        _table_and_one(task, found, order.tolist(), threshold)
    elif only_wrong:
        st.success("None: every labelled image was given its own class.")
    _broken(found)


def _about(task: Task, found: Predicted) -> str:
    run = runs.get(str(task.run_id))
    words = [f"Model of **{text.escape(text.shorten(run.name))}**"]
    if found.views is not None:
        weight = found.views["beta"]
        words.append(
            f"{text.count(found.views['n'], 'varied view')}, the plain one weighs {weight:g}"
        )
    if task.result.get("seconds"):
        words.append(f"took {text.duration(task.result['seconds'])}")
    if task.params.get("archive"):
        words.append(text.escape(text.shorten(predictions.source(task), 90)))
    elif not task.params.get("upload_id"):
        words.append(text.escape(text.shorten(found.folder, 90)))
    passed = [f"{number:,} {reason}" for reason, number in sorted(found.ignored.items())]
    if passed:
        words.append(f"passed over: {text.escape(', '.join(passed))}")
    return " · ".join(words)


def _threshold(task: Task, found: Predicted) -> float | None:
    if found.threshold is None:
        return None
    return st.slider(
        "A class counts above a probability of",
        0.01,
        0.99,
        value=found.threshold,
        step=0.01,
        key=f"predict-threshold-{task.id}",
        help="The model gives each class a probability of its own. Where none is above this, the "
        "answer is none of these. Unsure are images with a probability close to it.",
        width=420,
    )


def _score(found: Predicted, threshold: float | None) -> None:
    scored = unsure.score(found, threshold)
    with st.container(horizontal=True):
        st.metric("Images predicted", f"{len(found.table):,}", border=True, width=170)
        if len(found.broken):
            st.metric("Broken files", f"{len(found.broken):,}", border=True, width=170)
        if scored is not None:
            st.metric("Accuracy", f"{scored.accuracy:.1%}", border=True, width=170)
            if scored.top_5_accuracy is not None:
                st.metric("Top-5 accuracy", f"{scored.top_5_accuracy:.1%}", border=True, width=170)
    if scored is not None:
        n = text.count(scored.n, "image")
        st.caption(f"Scored on the {n} in folders that are named as classes.")


def _switches(task: Task, found: Predicted, threshold: float | None) -> tuple[bool, bool]:
    """Draw what orders and filters the table, and the button that takes it away."""
    with st.container(horizontal=True, vertical_alignment="center"):
        sure_first = st.toggle("Sure ones first", key="predict-sure-first")
        only_wrong = found.is_labelled and st.toggle("Only wrong ones", key="predict-only-wrong")
        st.space("stretch")
        st.download_button(
            "Download CSV",
            data=functools.partial(_csv, found, threshold),
            file_name=_file_name(task),
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="predict-csv",
        )
    return sure_first, only_wrong


def _file_name(task: Task) -> str:
    run = runs.get(str(task.run_id))
    dataset, source = catalog.get(run.dataset_id), predictions.source(task)
    return text.file_name(dataset.name, "run", run.name, "predictions", source, ending=".csv")


def _csv(found: Predicted, threshold: float | None) -> BinaryIO:
    return unsure.write_csv(found, threshold).open("rb")


def _table_and_one(
    task: Task, found: Predicted, order: Sequence[int], threshold: float | None
) -> None:
    n_pages = -(-len(order) // A_PAGE)
    key = f"predict-page-{task.id}-{n_pages}"
    page = st.pagination(n_pages, key=key) if n_pages > 1 else 1
    positions = order[(page - 1) * A_PAGE : page * A_PAGE]
    shown = _guesses(found, task.id, tuple(positions), threshold)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        event = st.dataframe(
            _rows(found, shown),
            **_look(len(shown)),
            on_select="rerun",
            selection_mode="single-row",
            key=f"predict-table-{task.id}-{hash(tuple(positions))}",  # a choice ends with its rows
        )
    chosen = event.selection.rows
    with right:
        guess_view.show(task, found, positions[chosen[0] if chosen else 0], threshold)


def _rows(found: Predicted, shown: Sequence[Guess]) -> dict[str, list[str]]:
    columns = {"image": [f"/thumb/{one.content_hash}/256" for one in shown]}
    if found.is_labelled:
        columns["label"] = [_label(one) for one in shown]
    if found.threshold is not None:
        columns["pred"] = [text.plain(one.pred.replace("|", ", ")) for one in shown]
    for at, name in enumerate(ORDINALS[: len(found.classes)]):
        columns[name] = [_with_percent(*one.top[at]) for one in shown]
    columns["file"] = [text.plain(one.path) for one in shown]
    return columns


def _with_percent(name: str, probability: float) -> str:
    return f"{probability:.1%} {text.plain(text.shorten(name, 28))}"


def _label(one: Guess) -> str:
    if one.is_right is None:
        return ""
    return f"{'✓' if one.is_right else '✗'} {text.plain(one.label or '')}"


def _look(n_rows: int) -> dict[str, object]:
    return {
        "column_config": {"image": st.column_config.ImageColumn("", width=ROW_PX)},
        "hide_index": True,
        "row_height": ROW_PX,
        "height": min(TABLE_PX, ROW_PX * n_rows + HEAD_PX),
    }


def _broken(found: Predicted) -> None:
    if found.broken.empty:
        return
    with st.expander(f"Broken files: {len(found.broken):,}", key="predict-broken"):
        sentences = [
            text.plain(f"{path} {reason}.")
            for path, reason in zip(found.broken["path"], found.broken["reason"], strict=True)
        ]
        st.dataframe({"file": sentences}, hide_index=True, key="predict-broken-table")
