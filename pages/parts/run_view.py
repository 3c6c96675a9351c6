"""One run as it goes: its curves live, its status, its stop button, its result and its log."""

import streamlit as st

from core.datasets import catalog
from core.domain.jobs import ENDED
from core.domain.recipes import trained_in_words
from core.domain.runs import Run
from core.runs import recipes, runs
from pages.parts import (
    errors,
    live_chart,
    look,
    range_chart,
    run_actions,
    run_metrics,
    state,
    text,
    words,
)
from pages.parts.live_chart import Panel, Trace

POLL_SECONDS = 1.5

MOST_LOG = 20_000  # characters, from the end

LOSS = Panel(
    title="Loss",
    x="step",
    x_title="batch",
    traces=(
        Trace(y="loss", name="train, each batch", opacity=0.5),
        Trace(y="smooth_loss", name="train, smoothed"),
        Trace(y="valid_loss", name="valid", x="epoch_step", mode="lines+markers"),
    ),
)
RATE = Panel(
    title="Rate and momentum",
    x="step",
    x_title="batch",
    traces=(
        Trace(y="lr", name="rate of the head"),
        Trace(y="momentum", name="momentum", axis="right"),
    ),
)


def show(run: Run) -> None:
    """Draw the run; it follows by itself until the run has ended."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(text.escape(text.shorten(run.name)), anchor=False, width="content")
        st.space("stretch")
        st.button("Plan another run", icon=":material/add:", on_click=choose, args=(None,))
    _description(run)
    if run.status in ENDED:
        _draw_status(run)
    else:
        _status(run.id)
    live_chart.show(
        f"/api/runs/{run.id}/steps",
        source_id=f"{run.id}-{run.n_continued}",  # a continued run is followed anew
        panels=(LOSS, _metrics(run), RATE),
        key="run-curves",
        height_px=340,
    )
    _stages(run)
    _log(run.id)


def _description(run: Run) -> None:
    said = [
        text.escape(words.recipe(run.recipe)),
        text.escape(words.subset(run.subset)),
        f"seed {run.seed}",
        f"revision {run.revision}",
    ]
    changed = recipes.changed_fields(
        run.recipe, is_multi_label=catalog.get(run.dataset_id).is_multi_label
    )
    if changed:
        said.append(f"not as in the library: {text.escape(', '.join(changed))}")
    if run.begins_from is not None:
        said.append(f"from the weights of {text.escape(runs.get(run.begins_from).name)}")
    if run.n_continued:
        said.append(
            "continued once" if run.n_continued == 1 else f"continued {run.n_continued} times"
        )
    st.caption(", ".join(said))


def _metrics(run: Run) -> Panel:
    names = run_metrics.drawn(run)
    traces = [Trace(y=one, name=run_metrics.name(one), mode="lines+markers") for one in names]
    return Panel(title="Metrics on valid", x="epoch", x_title="epoch", traces=tuple(traces))


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
    run_actions.show(run)
    if run.error:
        st.error(
            f"{text.escape(run.error)}  \n{text.escape(run.hint or '')}", icon=":material/error:"
        )
    if run.status in ENDED and run.metrics:
        _result(run)


def _result(run: Run) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        for name in run_metrics.shown(run.metrics):
            value = run_metrics.value(name, run.metrics[name])
            st.metric(run_metrics.name(name), value, border=True, width=170)
    with st.container(horizontal=True):
        state.link("interpret", "Next: see what it got wrong", icon="arrow_forward", run=run.id)
        state.link("predict", "Try it on new images", icon="image_search", run=run.id)


def _stages(run: Run) -> None:
    """Say what each stage did otherwise than was written down before: a rate it found, a note."""
    for info, stage in zip(runs.list_stages(run.id), run.recipe.stages, strict=False):
        said = [info.note] if info.note else []
        if info.lr_find is not None:
            chosen = info.lr_find["chosen"]
            said.append(f"The range test chose {words.rate(chosen['lr'])} ({chosen['name']}).")
        if said:
            trained = trained_in_words(stage.train)
            st.caption(f"Stage {info.stage + 1}, {trained}: {text.escape(' '.join(said))}")
        if info.lr_find is not None:
            with st.expander(f"The range test of stage {info.stage + 1}"):
                look.show(range_chart.figure(info.lr_find), key=f"range-{info.stage}")


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
