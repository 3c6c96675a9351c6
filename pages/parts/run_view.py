"""One run as it goes: its curves live, its status, its stop button, its result and its log."""

import streamlit as st

from core.domain.jobs import ENDED
from core.domain.runs import Run
from core.runs import runs
from pages.parts import errors, live_chart, state, text, words
from pages.parts.live_chart import Panel, Trace

POLL_SECONDS = 1.5

MOST_LOG = 20_000  # characters, from the end

PANELS = (
    Panel(
        title="Loss",
        x="step",
        traces=(
            Trace(y="loss", name="train, each batch", opacity=0.25),
            Trace(y="smooth_loss", name="train, smoothed"),
            Trace(y="valid_loss", name="valid", x="epoch_step", mode="lines+markers"),
        ),
    ),
    Panel(
        title="Metrics on valid",
        x="epoch",
        traces=(
            Trace(y="accuracy", name="accuracy", mode="lines+markers"),
            Trace(y="top_5_accuracy", name="top-5 accuracy", mode="lines+markers"),
        ),
    ),
    Panel(
        title="Rate and momentum",
        x="step",
        traces=(
            Trace(y="lr", name="rate of the head"),
            Trace(y="momentum", name="momentum", axis="right"),
        ),
    ),
)


def show(run: Run) -> None:
    """Draw the run; it follows by itself until the run has ended."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(text.escape(text.shorten(run.name)), anchor=False, width="content")
        st.space("stretch")
        st.button("Plan another run", icon=":material/add:", on_click=choose, args=(None,))
    st.caption(
        f"{text.escape(words.recipe(run.recipe))}, {text.escape(words.subset(run.subset))}, "
        f"seed {run.seed}, revision {run.revision}"
    )
    if run.status in ENDED:
        _draw_status(run)
    else:
        _status(run.id)
    live_chart.show(
        f"/api/runs/{run.id}/steps",
        source_id=run.id,
        panels=PANELS,
        key="run-curves",
        height_px=340,
    )
    _log(run.id)


@st.fragment(run_every=POLL_SECONDS)
@errors.boundary()
def _status(run_id: str) -> None:
    run = runs.get(run_id)
    if run.status in ENDED:
        st.rerun()
    _draw_status(run)


def _draw_status(run: Run) -> None:
    if run.status == "queued":
        ahead = runs.queue_position(run)
        waits = f"{text.count(ahead, 'job')} before it" if ahead else "starting in a moment"
        st.info(f"Waiting for the device: {waits}.", icon=":material/hourglass_empty:")
    if run.status in ("queued", "running"):
        st.button(
            "Stop and keep what was learnt"
            if run.status == "running"
            else "Take out of the queue",
            icon=":material/stop:",
            on_click=_stop,
            args=(run.id,),
        )
    if run.status == "stopping":
        st.info("Stopping: the weights so far are being validated and kept.")
    if run.error:
        st.error(
            f"{text.escape(run.error)}  \n{text.escape(run.hint or '')}", icon=":material/error:"
        )
    if run.status in ("finished", "stopped") and run.metrics:
        _result(run)


@errors.callback
def _stop(run_id: str) -> None:
    runs.stop(run_id)


def _result(run: Run) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        for name, label in (("accuracy", "Accuracy"), ("top_5_accuracy", "Top-5 accuracy")):
            if name in run.metrics:
                st.metric(label, f"{run.metrics[name]:.1%}", border=True, width=170)
        st.metric("Valid loss", f"{run.metrics['valid_loss']:.3f}", border=True, width=170)
    state.link("interpret", "Next: see what it got wrong", icon="arrow_forward", run=run.id)


@st.fragment
@errors.boundary()
def _log(run_id: str) -> None:
    with st.expander("Log"):
        st.code(text.plain_lines(runs.log(run_id)[-MOST_LOG:]) or "Nothing yet.", language=None)
        st.button("Read it again", icon=":material/refresh:")


@errors.callback
def choose(run_id: str | None) -> None:
    """Show another run, or with None the form of the next one; a callback."""
    state.choose_run(run_id)
