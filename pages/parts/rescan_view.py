"""What changed in a dataset's folder since its scan, shown before it is taken in."""

import pandas as pd
import streamlit as st

from core.domain.items import Dataset
from core.domain.runs import Task
from core.runs import tasks
from pages.parts import errors, task_view, text

DISMISSED = "rescan_view.dismissed"
WORDS = {
    "new": ("new", "They join the split; no image that has a part moves."),
    "moved": ("moved", "By name, size and time; the scan makes sure by content."),
    "changed": ("changed", "Their files have another size or time, and are read again."),
    "labelled": ("with another label", "Edits stay in force above the new label."),
    "back": ("back again", "They are as they were before they went."),
    "missing": ("missing", "Set aside; edits and parts are kept in case they come back."),
}


def button(dataset: Dataset, *, disabled: bool) -> None:
    """Draw the button that looks for changes."""
    st.button(
        "Look for changes",
        icon=":material/refresh:",
        on_click=_look,
        args=(dataset.id,),
        help="See what was added, changed, moved or deleted, before it is taken in.",
        disabled=disabled,
    )


def show(dataset: Dataset) -> None:
    """Show what the last look has found, as long as it is news."""
    task = tasks.find_latest("compare", dataset.id)
    if task is None or task.id == st.session_state.get(DISMISSED) or task.params.get("root"):
        return
    if task.created_at < (dataset.scanned_at or 0):
        return
    if task.status != "finished":
        task_view.ended(task, key="compare-ended")
        return
    counts = {kind: n for kind, n in task.result["counts"].items() if n}
    if not counts:
        st.success("Nothing has changed since the last scan.", icon=":material/check:")
        return
    _changes(dataset.id, task, counts)


def _changes(dataset_id: str, task: Task, counts: dict[str, int]) -> None:
    found = ", ".join(f"**{number:,}** {WORDS[kind][0]}" for kind, number in counts.items())
    with st.container(border=True):
        st.markdown(f"Since the last scan: {found}.")
        for kind, number in counts.items():
            with st.expander(f"{number:,} {WORDS[kind][0]}"):
                st.caption(WORDS[kind][1])
                paths = [text.plain(path) for path in task.result["examples"][kind]]
                st.dataframe(pd.DataFrame({"file": paths}), hide_index=True)
                if len(paths) < number:
                    st.caption(f"The first {len(paths)} are listed.")
        with st.container(horizontal=True):
            st.button(
                "Take these changes",
                type="primary",
                icon=":material/check:",
                on_click=_take,
                args=(dataset_id,),
            )
            st.button("Not now", on_click=_dismiss, args=(task.id,))


@errors.callback
def _look(dataset_id: str) -> None:
    st.session_state.pop(DISMISSED, None)
    tasks.start("compare", dataset_id=dataset_id)


@errors.callback
def _take(dataset_id: str) -> None:
    tasks.start("scan", dataset_id=dataset_id)


@errors.callback
def _dismiss(task_id: str) -> None:
    st.session_state[DISMISSED] = task_id
