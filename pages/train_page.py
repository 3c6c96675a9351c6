"""Choose a recipe, see what it will do, launch it, and watch it learn."""

import streamlit as st

from core.datasets.subsets import Taken
from core.domain.errors import RecipeError
from core.domain.items import Dataset
from core.domain.jobs import ENDED
from core.domain.plans import Plan
from core.domain.recipes import trained_in_words
from core.runs import plans, previews, runs
from pages.parts import (
    errors,
    look,
    plan_form,
    recipe_form,
    run_actions,
    run_charts,
    run_view,
    state,
    text,
    toolbar,
    words,
)

POLL_SECONDS = 1.5
TOLD = "train.told"  # the warnings that were shown last


def show() -> None:
    """Draw the page: a run that is being watched, or the form of the next one."""
    dataset = toolbar.show()
    run_id = state.find_run_id()
    run = runs.get(run_id) if run_id else None
    if run is not None and run.dataset_id == dataset.id:
        run_view.show(run)
    else:
        _plan(dataset)


def _plan(dataset: Dataset) -> None:
    st.title("Train", anchor=False)
    plan = plans.get(dataset.id)
    taken = plan_form.take(dataset.id, plan.split_id, plan.subset)
    if plan.begins_from is not None:
        run_actions.begins_from(plan.begins_from, dataset.id)
    left, right = st.columns(2, gap="large")
    with left, st.container(border=True):
        recipe_form.show(dataset, plan)
    with right:
        refused = _advice(dataset, plan, taken)
        _what_will_happen(dataset, plan, taken)
        st.button(
            "Start training",
            type="primary",
            icon=":material/play_arrow:",
            disabled=refused,
            on_click=_start,
            args=(dataset.id,),
        )
    _other_runs(dataset)


def _advice(dataset: Dataset, plan: Plan, taken: Taken) -> bool:
    """Say what speaks against the plan; give whether it cannot be trained as it stands."""
    try:
        found = plans.advise(dataset, plan, taken)
    except RecipeError as error:
        st.warning(_said([(error.sentence, error.hint)]), icon=":material/block:")
        return True
    refusals = [(one.sentence, one.hint) for one in found if one.level == "refused"]
    warnings = [(one.sentence, one.hint) for one in found if one.level == "warning"]
    if refusals:
        st.warning(_said(refusals), icon=":material/block:")
    if warnings:
        st.info(_said(warnings), icon=":material/lightbulb:")
    _tell_new(dataset.id, warnings)
    return bool(refusals)


def _tell_new(dataset_id: str, warnings: list[tuple[str, str]]) -> None:
    """Show a warning that a change has just brought where the person looks, too."""
    before = st.session_state.get(f"{TOLD}-{dataset_id}")
    st.session_state[f"{TOLD}-{dataset_id}"] = warnings
    for one in warnings if before is not None else []:
        if one not in before:
            st.toast(_said([one]), icon=":material/lightbulb:")


def _said(found: list[tuple[str, str]]) -> str:
    return "\n\n".join(f"{text.escape(sentence)} {text.escape(hint)}" for sentence, hint in found)


def _what_will_happen(dataset: Dataset, plan: Plan, taken: Taken) -> None:
    st.subheader("What will happen", anchor=False)
    recipe = plan.recipe
    lengths = [
        stage.epochs * (taken.n_train // recipe.batch_size_of(stage)) for stage in recipe.stages
    ]
    if not all(lengths) or not taken.classes:
        st.caption("Nothing, as the plan stands.")
        return
    look.show(run_charts.schedule(recipe, n_train=taken.n_train), key="schedule")
    st.caption(
        f"{sum(lengths):,} batches in {text.count(recipe.n_epochs, 'epoch')}, on "
        f"{text.escape(words.subset(plan.subset))}."
    )
    _stages(dataset, plan, n_classes=len(taken.classes))


def _stages(dataset: Dataset, plan: Plan, *, n_classes: int) -> None:
    if n_classes < 2:  # which was refused above
        return
    found = previews.request_parameters(dataset.id, plan, n_classes=n_classes)
    counted = found.result["stages"] if found.result else [None] * len(plan.recipe.stages)
    for number, (stage, count) in enumerate(zip(plan.recipe.stages, counted, strict=True), 1):
        trains = trained_in_words(stage.train)
        said = f"**{number}.** {trains[:1].upper()}{trains[1:]}"
        if count is not None:
            said += f": {count['n_params_trained']:,} of {count['n_params']:,} parameters"
        st.caption(f"{said}.")
    if found.result is None and found.error is None:
        _await_count(dataset.id, n_classes)
    elif found.error:
        st.caption(f"The parameters could not be counted: {text.escape(found.error)}")


@st.fragment(run_every=POLL_SECONDS)
@errors.boundary()
def _await_count(dataset_id: str, n_classes: int) -> None:
    plan = plans.get(dataset_id)
    found = previews.request_parameters(dataset_id, plan, n_classes=n_classes)
    if found.result is not None or found.error is not None:
        st.rerun()
    st.caption("Counting the parameters …")


@errors.callback
def _start(dataset_id: str) -> None:
    run = runs.start(dataset_id, plans.get(dataset_id))
    plans.change(dataset_id, begins_from=None)  # the next run begins afresh, unless that is chosen
    state.choose_run(run.id)


def _other_runs(dataset: Dataset) -> None:
    active = [run for run in runs.list_runs(dataset.id) if run.status not in ENDED]
    if not active:
        return
    st.subheader("Running and waiting", anchor=False)
    for run in active:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(run.status, color="blue")
            st.button(
                f"Watch {text.escape(run.name)}",
                key=f"watch-{run.id}",
                on_click=run_view.choose,
                args=(run.id,),
            )


show()
