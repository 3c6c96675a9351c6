"""The audit itself: what it will do, the button that starts it, how far it is, what it found."""

from typing import Any

import streamlit as st

from core.datasets import catalog
from core.domain.items import Dataset
from core.domain.jobs import ENDED
from core.runs import audits, tasks
from pages.parts import errors, state, task_view
from pages.parts.audit import network, outcome

KEY = "audit-last"
POLL_SECONDS = 1.0
WILL_DO = (
    "An audit looks at every image once and says what may be wrong: files that cannot be read, "
    "copies (also cropped, mirrored or saved anew, and those that lie in train and in valid), "
    "drawings and screenshots, odd, dark and blurred ones, and labels that the other images "
    "speak against. It needs no training. It changes nothing: you decide, an image at a time, and "
    "every decision can be taken back."
)


def show(dataset: Dataset) -> None:
    """Draw the audit under way, or the button that starts one with what the last one found."""
    active = audits.find_active(dataset.id)
    if active is not None:
        _follow(active.id)
        return
    latest = audits.find_latest(dataset.id)
    if latest is not None:
        task_view.ended(latest, key="audit-ended")
    result = audits.find_result(dataset.id)
    if result is None:
        _first(dataset)
        return
    _again(dataset.id, result)
    state.listen(KEY)


def _first(dataset: Dataset) -> None:
    with st.container(border=True):
        st.subheader("Find what is wrong with this dataset", anchor=False)
        st.markdown(WILL_DO)
        arch = network.chosen(dataset.id)
        st.caption(network.in_words(arch))
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Audit",
                icon=":material/policy:",
                type="primary",
                key="audit-start",
                on_click=_start,
                args=(dataset.id, arch),
            )
            network.choose(dataset.id)


@st.fragment(key=KEY)
@errors.boundary()
def _again(dataset_id: str, result: dict[str, Any]) -> None:
    if audits.find_active(dataset_id) is not None:
        st.rerun()
    revision = catalog.get(dataset_id).revision
    arch = network.chosen(dataset_id)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Audit again",
            icon=":material/policy:",
            key="audit-start",
            help=network.in_words(arch),
            on_click=_start,
            args=(dataset_id, arch),
        )
        network.choose(dataset_id)
        outcome.popover(result)
        st.space("stretch")
        state.link("interpret", "What a model got wrong", icon="troubleshoot")
    st.caption(outcome.in_short(result, revision=revision))
    outcome.notes(result)


@st.fragment(run_every=POLL_SECONDS)
@errors.boundary()
def _follow(task_id: str) -> None:
    task = tasks.get(task_id)
    if task.status in ENDED:
        st.rerun()
    task_view.show(task, key="audit")


@errors.callback
def _start(dataset_id: str, arch: str) -> None:
    audits.start(dataset_id, arch=arch)
