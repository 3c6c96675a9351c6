"""The tab that says what cleaning was worth: comparisons of before and after, or a new one."""

import streamlit as st

from core.domain.items import Dataset
from core.review import before_after
from core.review.before_after import Comparison
from core.runs import experiments
from core.runs.experiments import Experiment
from pages.parts import text
from pages.parts.audit import helped_form, helped_progress, helped_result

NEW = "new"


def show(dataset: Dataset) -> None:
    """Draw the comparison that is chosen, or the form of a new one."""
    found = experiments.list_experiments(dataset.id, experiments.BEFORE_AFTER)
    chosen = _choose(dataset, found)
    if chosen is None:
        helped_form.show(dataset, key=_key(dataset))
        return
    helped_progress.show(chosen)
    compared = _kept(chosen.id, dataset.revision, _finished(chosen))
    is_over = experiments.progress(chosen).is_over
    if compared is not None:
        helped_result.show(dataset, chosen, compared, is_over=is_over)
    elif not is_over:
        st.caption("The first numbers are shown when the first seed has trained on both.")
    helped_result.list_runs(chosen)


def _key(dataset: Dataset) -> str:
    return f"helped-{dataset.id}"


def _choose(dataset: Dataset, found: list[Experiment]) -> Experiment | None:
    if not found:
        return None
    names = text.distinct({one.id: one.name for one in found})
    labels = {one.id: f"{names[one.id]}, {text.ago(one.created_at)}" for one in found}
    labels[NEW] = "Another comparison…"
    if st.session_state.get(_key(dataset)) not in labels:
        st.session_state[_key(dataset)] = found[0].id
    chosen = st.selectbox(
        "Comparison", list(labels), format_func=lambda one: labels[one], key=_key(dataset)
    )
    return next((one for one in found if one.id == chosen), None)


def _finished(experiment: Experiment) -> tuple[str, ...]:
    return tuple(
        run.id for _, run in experiments.list_runs(experiment) if run.status == "finished"
    )


@st.cache_data(max_entries=16, show_spinner="Comparing…")
def _kept(
    experiment_id: str, revision: int, finished: tuple[str, ...]
) -> Comparison | None:  # the last two are there to tell one state from another
    return before_after.compare(experiments.get(experiment_id))
