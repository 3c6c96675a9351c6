"""A task that brings a folder: followed in this tab, and its folder filled in when it has come."""

import streamlit as st

from core.domain.jobs import ENDED
from core.runs import tasks
from pages.parts import errors, task_view
from pages.parts.ways_in import folder_form

WAY = "ways_in.way"
NEXT_WAY = "ways_in.next"


def begin(name: str, task_id: str) -> None:
    """Follow a task in this tab."""
    st.session_state[_key(name)] = task_id


def show(name: str) -> None:
    """Draw the task that this tab follows, if any; turn to its folder when it has finished."""
    task_id = st.session_state.get(_key(name))
    if task_id is None:
        return
    task = tasks.get(task_id)
    if task.status == "finished":
        del st.session_state[_key(name)]
        folder_form.fill(folder_form.folder_of(task))
        st.session_state[NEXT_WAY] = "folder"
        st.rerun()
    if task.status in ENDED:
        task_view.ended(task, key=f"{name}-ended")
    else:
        _follow(name, task_id)


@st.fragment(run_every=0.7)
@errors.boundary()
def _follow(name: str, task_id: str) -> None:
    task = tasks.get(task_id)
    if task.status in ENDED:
        st.rerun()
    task_view.show(task, key=f"{name}-task")


def _key(name: str) -> str:
    return f"ways_in.task.{name}"
