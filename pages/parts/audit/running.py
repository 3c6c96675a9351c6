"""The audit itself: the button that starts it, how far it is, and what it was of."""

import streamlit as st

from core.domain.items import Dataset
from core.domain.jobs import ENDED
from core.runs import audits, tasks
from pages.parts import errors, task_view, text

POLL_SECONDS = 1.0


def show(dataset: Dataset) -> None:
    """Draw the audit under way, or the button that starts one with what the last one was of."""
    active = audits.find_active(dataset.id)
    if active is not None:
        _follow(active.id)
        return
    latest = audits.find_latest(dataset.id)
    if latest is not None:
        task_view.ended(latest, key="audit-ended")
    result = audits.find_result(dataset.id)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Audit" if result is None else "Audit again",
            icon=":material/policy:",
            type="primary" if result is None else "secondary",
            key="audit-start",
            on_click=_start,
            args=(dataset.id,),
        )
        if result is not None:
            st.caption(_of_what(dataset, result))


@st.fragment(run_every=POLL_SECONDS)
@errors.boundary()
def _follow(task_id: str) -> None:
    task = tasks.get(task_id)
    if task.status in ENDED:
        st.rerun()
    task_view.show(task, key="audit")


def _of_what(dataset: Dataset, result: dict[str, object]) -> str:
    behind = dataset.revision - int(str(result["revision"]))
    words = f"Audited at revision {result['revision']} with {text.escape(str(result['arch']))}"
    return f"{words}; the dataset has changed since." if behind else f"{words}."


@errors.callback
def _start(dataset_id: str) -> None:
    audits.start(dataset_id)
