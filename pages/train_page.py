"""Choose a recipe, see what it will do, launch it, and watch it learn."""

import streamlit as st

from core.datasets import trainable
from core.datasets.subsets import Taken
from core.domain import schedules
from core.domain.errors import RecipeError
from core.domain.items import Dataset
from core.domain.jobs import ENDED
from core.domain.plans import Plan
from core.runs import plans, previews, runs
from pages.parts import (
    errors,
    look,
    plan_form,
    recipe_form,
    run_charts,
    run_view,
    state,
    text,
    toolbar,
    words,
)

POLL_SECONDS = 1.5


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
    if plan_form.is_refused(dataset):
        return
    plan = plans.get(dataset.id)
    taken = plan_form.take(dataset.id, plan.split_id, plan.subset)
    left, right = st.columns([2, 3], gap="large")
    with left, st.container(border=True):
        recipe_form.show(dataset, plan)
    with right:
        obstacle = _obstacle(plan, taken)
        _what_will_happen(dataset, plan, taken, obstacle)
        st.button(
            "Start training",
            type="primary",
            icon=":material/play_arrow:",
            disabled=obstacle is not None,
            on_click=_start,
            args=(dataset.id,),
        )
    _other_runs(dataset)


def _obstacle(plan: Plan, taken: Taken) -> str | None:
    """Say why the plan cannot be trained as it stands."""
    try:
        trainable.check_classes(plan.subset, taken.classes)
    except RecipeError as error:
        return f"{text.escape(error.sentence)}  \n{text.escape(error.hint)}"
    if len(taken.classes) < 2:
        return "A classifier needs images of at least two classes."
    if taken.n_train < plan.recipe.batch_size:
        return (
            f"The batch size {plan.recipe.batch_size} is above the number of train images "
            f"({taken.n_train}): take a smaller one."
        )
    return None


def _what_will_happen(dataset: Dataset, plan: Plan, taken: Taken, obstacle: str | None) -> None:
    st.subheader("What will happen", anchor=False)
    if obstacle is not None:
        st.warning(obstacle, icon=":material/warning:")
        return
    n_batches = taken.n_train // plan.recipe.batch_size
    _stages(dataset, plan, n_classes=len(taken.classes))
    curve = schedules.curve(plan.recipe, n_train=taken.n_train)
    look.show(run_charts.schedule(curve), key="schedule")
    st.caption(
        f"{n_batches * plan.recipe.n_epochs:,} batches of {plan.recipe.batch_size} images: "
        f"{n_batches:,} an epoch, {plan.recipe.n_epochs} epochs, on "
        f"{text.escape(words.subset(plan.subset))}."
    )


def _stages(dataset: Dataset, plan: Plan, *, n_classes: int) -> None:
    found = previews.request_parameters(dataset.id, plan, n_classes=n_classes)
    counted = found.result["stages"] if found.result else [None] * len(plan.recipe.stages)
    for number, (stage, count) in enumerate(zip(plan.recipe.stages, counted, strict=True), 1):
        st.markdown(f"**{number}.** {words.stage(stage)}")
        if count is not None:
            st.caption(
                f"{count['n_params_trained']:,} of {count['n_params']:,} parameters are trained."
            )
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
