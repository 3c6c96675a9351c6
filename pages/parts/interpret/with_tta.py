"""Predict a run's valid images anew with test-time augmentation, where that was not done yet."""

import streamlit as st

from core.domain.jobs import ENDED
from core.domain.recipes import Tta
from core.domain.runs import Run, Task
from core.runs import predictions, tasks
from pages.parts import errors, task_view

POLL_SECONDS = 1.0


def show(run: Run) -> None:
    """Draw the button, or how far it is."""
    task = predictions.find_of_valid(run.id)
    if task is not None and task.status not in ENDED:
        _follow(task.id)
        return
    with st.popover("With test-time augmentation", icon=":material/auto_awesome_motion:"):
        st.caption(
            "Each valid image is predicted in several varied views, as training sees it, and the "
            "answers are averaged. Often a little more accurate; takes as many times as long."
        )
        n = st.number_input("Varied views", 1, 64, value=Tta().n, key=f"tta-n-{run.id}")
        beta = st.slider(
            "Weight of the plain view", 0.0, 1.0, value=0.25, key=f"tta-beta-{run.id}"
        )
        st.button(
            "Predict the valid images so",
            type="primary",
            key=f"tta-start-{run.id}",
            on_click=_start,
            args=(run.id, n, beta),
        )
    if task is not None:
        task_view.ended(task, key=f"tta-ended-{run.id}")


@st.fragment(run_every=POLL_SECONDS)
@errors.boundary()
def _follow(task_id: str) -> None:
    task: Task = tasks.get(task_id)
    if task.status in ENDED:
        st.rerun()
    task_view.show(task, key="tta")


@errors.callback
def _start(run_id: str, n: int, beta: float) -> None:
    predictions.of_valid(run_id, Tta(n=n, beta=beta))
