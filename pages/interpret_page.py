"""What a run got wrong, and the images behind it: click the bad ones away, then retrain."""

from collections.abc import Callable

import streamlit as st

from core.domain.items import Dataset
from core.domain.runs import Run
from core.review import predictions
from core.runs import runs
from pages.parts import errors, run_metrics, score_words, state, text, toolbar
from pages.parts.interpret import (
    by_class,
    confused,
    losses,
    measured,
    thresholds,
    unanswered,
    view,
)
from pages.parts.interpret.view import View

IN_A_CHOICE = ("accuracy", "f2_samples", "f1_samples", "accuracy_multi")
"""What names a run's quality in the list of runs: the first of these that it has."""


def show() -> None:
    """Draw the page for the run in the address, or the newest that has predictions."""
    dataset = toolbar.show()
    st.title("Interpret", anchor=False)
    trained = [run for run in runs.list_runs(dataset.id) if predictions.exist(run.id)]
    if not trained:
        st.info("No run has finished yet: train one first.", icon=":material/school:")
        state.link("train", "Train", icon="arrow_forward")
        return
    if _is_without_predictions(dataset, trained):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        run = _choose(trained)
        looked_at = view.choose(dataset, run)
    _show(looked_at)


def _show(looked_at: View) -> None:
    row = st.container()
    if looked_at.is_multi:
        left, right = st.columns([2, 3], gap="large", vertical_alignment="center")
        with left:
            looked_at = looked_at.at(view.threshold(looked_at))
        with right:
            thresholds.show(looked_at)
    else:
        looked_at = looked_at.at(view.threshold(looked_at))
    with row:
        measured.row(looked_at)
    measured.judge(looked_at)
    drawn = _tabs(looked_at)
    for tab, draw in zip(st.tabs(list(drawn), key="interpret-tab"), drawn.values(), strict=True):
        with tab:
            draw(looked_at)


def _tabs(looked_at: View) -> dict[str, Callable[[View], None]]:
    if looked_at.is_multi:
        middle = {"Missed and wrongly given": confused.show, "Labels": by_class.show}
    else:
        middle = {"Confusion": confused.show, "Classes": by_class.show}
    if looked_at.found.threshold is not None and not looked_at.is_multi:
        middle["None of these"] = unanswered.show
    return {"Top losses": losses.show, **middle}


def _is_without_predictions(dataset: Dataset, trained: list[Run]) -> bool:
    """Say so where the run in the address has left nothing to interpret."""
    run_id = state.find_run_id()
    if run_id is None or run_id in {run.id for run in trained}:
        return False
    run = runs.get(run_id)
    if run.dataset_id != dataset.id:
        return False
    st.info(
        f"The run {text.escape(run.name)} is {run.status} and has left no predictions.",
        icon=":material/hourglass_empty:",
    )
    with st.container(horizontal=True):
        state.link("train", "See how it went", icon="show_chart", run=run.id)
        state.link(
            "interpret", "Interpret the newest that has", icon="troubleshoot", run=trained[0].id
        )
    return True


def _choose(trained: list[Run]) -> Run:
    by_id = {run.id: run for run in trained}
    wanted = state.find_run_id()
    own = [run for run in trained if not run.is_control]
    current = wanted if wanted in by_id else (own or trained)[0].id
    if wanted != current:  # else another would be shown as soon as a newer run ends
        state.choose_run(current)
    key = f"interpret-run-{current}"
    names = text.distinct({run.id: run.name for run in trained})
    labels = {run.id: f"{names[run.id]}{_score(run)}" for run in trained}
    chosen = st.selectbox(
        "Run",
        list(by_id),
        index=list(by_id).index(current),
        format_func=labels.__getitem__,
        key=key,
        on_change=_run_chosen,
        args=(key,),
        label_visibility="collapsed",
        width=480,
    )
    return by_id[chosen]


def _score(run: Run) -> str:
    metric = next((one for one in IN_A_CHOICE if one in run.metrics), None)
    score = ""
    if metric is not None:
        said = run_metrics.value(metric, run.metrics[metric])
        score = f", {score_words.in_a_sentence(metric)} {said}"
    return f" · revision {run.revision}{score}"


@errors.callback
def _run_chosen(key: str) -> None:
    state.choose_run(st.session_state[key])


show()
