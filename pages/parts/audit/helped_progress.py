"""How far the runs of a comparison are, the button that stops them, and the one that goes on."""

import streamlit as st

from core.runs import experiments
from core.runs.experiments import Experiment, Progress
from pages.parts import errors, text

POLL_SECONDS = 2.0


def show(experiment: Experiment) -> None:
    """Draw the progress of a comparison, or what is missing of it."""
    progress = experiments.progress(experiment)
    if not progress.is_over:
        _follow(experiment.id, progress.n_finished + progress.n_failed)
    elif progress.n_failed:
        _missing(experiment, progress)


@st.fragment(run_every=POLL_SECONDS)
@errors.boundary()
def _follow(experiment_id: str, n_seen: int) -> None:
    progress = experiments.progress(experiments.get(experiment_id))
    n_ended = progress.n_finished + progress.n_failed
    if n_ended != n_seen:
        st.rerun()
    st.progress(n_ended / progress.n_total, text=_words(progress))
    st.button(
        "Stop",
        icon=":material/stop_circle:",
        key=f"stop-{experiment_id}",
        help="What has finished is compared; the rest can be trained later.",
        on_click=_stop,
        args=(experiment_id,),
    )


def _words(progress: Progress) -> str:
    said = [f"{progress.n_finished} of {text.count(progress.n_total, 'run')} finished"]
    if progress.n_failed:
        said.append(f"{progress.n_failed} ended early")
    if progress.remaining_seconds is not None:
        said.append(f"about {text.duration(progress.remaining_seconds)} left")
    return " · ".join(said)


def _missing(experiment: Experiment, progress: Progress) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.warning(
            f"{progress.n_failed} of {text.count(progress.n_total, 'run')} failed or were stopped "
            "and are left out.",
            icon=":material/error:",
        )
        st.button(
            "Train what is missing",
            icon=":material/replay:",
            key=f"missing-{experiment.id}",
            on_click=_go_on,
            args=(experiment.id,),
        )


@errors.callback
def _stop(experiment_id: str) -> None:
    experiments.stop(experiment_id)


@errors.callback
def _go_on(experiment_id: str) -> None:
    experiments.go_on(experiment_id)
