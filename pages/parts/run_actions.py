"""What a person can do with a run: pause, stop, go on, continue, train more; each as a button."""

import streamlit as st

from core.domain.runs import Run
from core.runs import plans, runs
from pages.parts import errors, state, text


def show(run: Run) -> None:
    """Draw the buttons that fit the run's status, and say what was asked for already."""
    with st.container(horizontal=True, vertical_alignment="center"):
        match run.status:
            case "queued":
                _button("Take out of the queue", "stop", runs.stop, run)
            case "running" if run.wish is None:
                _working(run)
            case "running":
                st.caption(_wished(run))
                _button("Go on without that", "undo", runs.take_wish_back, run)
            case "paused":
                st.caption("Paused: it keeps the device and its memory until it goes on.")
                _button("Go on", "play_arrow", runs.resume, run)
                _button("Stop and keep what was learnt", "stop", runs.stop, run)
            case "stopping":
                st.caption("Stopping: the weights so far are being validated and kept.")
            case _:
                _ended(run)


def _working(run: Run) -> None:
    _button("Pause", "pause", runs.pause, run)
    _button(
        "Stop after this epoch",
        "timer",
        runs.stop_after_epoch,
        run,
        about="The epoch is trained and measured whole; Continue goes on from there.",
    )
    _button("Stop and keep what was learnt", "stop", runs.stop, run)


def _wished(run: Run) -> str:
    if run.wish == "pause":
        return "It pauses after the batch it is at."
    return "It stops once this epoch was measured."


def _ended(run: Run) -> None:
    if runs.can_continue(run):
        _button(
            "Continue",
            "resume",
            runs.resume,
            run,
            about="Goes on with this run from its last whole epoch, with all random states as "
            "they were: it ends as it would have without the break.",
        )
    if run.metrics:
        _button(
            "Train more",
            "add_circle",
            _train_more,
            run,
            about="Plans a new run that begins from these weights; this one stays as it is.",
        )


def begins_from(run_id: str, dataset_id: str) -> None:
    """Say above the form whose weights the next run begins with, and offer to begin afresh."""
    with st.container(horizontal=True, vertical_alignment="center"):
        name = text.escape(runs.get(run_id).name)
        st.info(
            f"The next run begins from the weights of **{name}** and trains the stages below.",
            icon=":material/account_tree:",
        )
        st.button("Begin afresh instead", on_click=_begin_afresh, args=(dataset_id,))


def _button(label: str, icon: str, do, run: Run, about: str | None = None) -> None:
    st.button(
        label,
        icon=f":material/{icon}:",
        key=f"run-{icon}-{run.id}",
        help=about,
        on_click=_do,
        args=(do, run.id),
    )


@errors.callback
def _do(do, run_id: str) -> None:
    do(run_id)


def _train_more(run_id: str) -> None:
    plans.save(runs.get(run_id).dataset_id, runs.plan_more(run_id))
    state.choose_run(None)
    st.toast("The form plans a run that begins from these weights.", icon=":material/check:")


@errors.callback
def _begin_afresh(dataset_id: str) -> None:
    plans.change(dataset_id, begins_from=None)
