"""The range test: how high the learning rate may be, drawn as it is measured."""

import functools

import streamlit as st

from core.domain.jobs import ENDED
from core.domain.plans import Plan
from core.domain.recipes import Auto, Recipe, trained_in_words
from core.domain.runs import Run, Suggestion, Task
from core.runs import lr_finds, plans, recipes, runs, tasks
from core.runs.lr_finds import LrFind
from pages.parts import errors, live_chart, measured_for, state, text, toolbar, words
from pages.parts.live_chart import Panel, Trace

POLL_SECONDS = 1.0
FROM_START = "start"
PICKED = "lr.picked"


def show() -> None:
    """Draw the page: where to begin, the curve, and the rates that it suggests."""
    dataset = toolbar.show()
    st.title("Learning rate finder", anchor=False)
    st.caption(
        "One short mock training with a rate that grows at every batch. A good rate lies where "
        "the loss falls fastest, well before it turns up. Nothing of it is kept but the curve."
    )
    plan = plans.get(dataset.id)
    task = tasks.find_latest("lr_find", dataset.id)
    _controls(dataset.id, plan.recipe, task)
    if task is None:
        st.info("No range test yet: press *Find the learning rate*.", icon=":material/show_chart:")
        return
    picked = _curve(task)
    measured_for.show(task, plan)
    if picked is not None:
        _offer_pick(dataset.id, plan, task, picked)
    _outcome(dataset.id, task.id, ended=task.status in ENDED)


def _controls(dataset_id: str, recipe: Recipe, task: Task | None) -> None:
    trained = {run.id: run for run in runs.list_runs(dataset_id) if _has_weights(run, recipe.arch)}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        begin = st.selectbox(
            "Begin from",
            [FROM_START, *trained],
            format_func=_begin_labels(trained, recipe).__getitem__,
            key=f"lr-begin-{dataset_id}-{recipe.arch}",
            width=420,
            help=f"Runs that have left weights of {recipe.arch}, the recipe's network.",
        )
        busy = task is not None and task.status not in ENDED
        if busy and task is not None:
            st.button("Stop", icon=":material/stop:", on_click=_stop, args=(task.id,))
        else:
            st.button(
                "Find the learning rate",
                type="primary",
                icon=":material/search:",
                on_click=_start,
                args=(dataset_id, None if begin == FROM_START else begin),
            )
    st.caption(f"Recipe: {text.escape(words.recipe(recipe))}.")


def _has_weights(run: Run, arch: str) -> bool:
    has_ended = run.status in ("finished", "stopped") and bool(run.metrics)
    return has_ended and run.recipe.arch == arch


def _begin_labels(trained: dict[str, Run], recipe: Recipe) -> dict[str, str]:
    first = trained_in_words(recipe.stages[0].train)
    names = text.distinct({run.id: run.name for run in trained.values()})
    after = {key: f"{name}: its weights, all layers unfrozen" for key, name in names.items()}
    return {FROM_START: f"the start of the recipe, training {first}", **after}


@errors.callback
def _start(dataset_id: str, run_id: str | None) -> None:
    lr_finds.start(dataset_id, plans.get(dataset_id), run_id=run_id)


@errors.callback
def _stop(task_id: str) -> None:
    tasks.stop(task_id)


def _curve(task: Task) -> float | None:
    panel = Panel(
        title="Loss over the learning rate: click a point to take its rate",
        x="lr",
        traces=(Trace(y="smooth_loss", name="train loss, smoothed", mode="lines+markers"),),
        x_title="learning rate",
        log_x=True,
    )
    live_chart.show(
        f"/api/lr/{task.id}/points",
        source_id=task.id,
        panels=(panel,),
        key="lr-curve",
        on_pick=functools.partial(_picked, task.id),
    )
    return st.session_state.get(PICKED, {}).get(task.id)


def _picked(task_id: str, point: live_chart.Pick) -> None:
    st.session_state[PICKED] = {task_id: point["x"]}


def _offer_pick(dataset_id: str, plan: Plan, task: Task, lr: float) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"Picked from the curve: **{words.rate(lr)}**", width="content")
        _use_button(dataset_id, plan, task, lr, key="picked")


@st.fragment(run_every=POLL_SECONDS)
@errors.boundary()
def _await_end(task_id: str) -> None:
    if tasks.get(task_id).status in ENDED:
        st.rerun()


def _outcome(dataset_id: str, task_id: str, *, ended: bool) -> None:
    if not ended:
        _await_end(task_id)
        return
    task, plan = tasks.get(task_id), plans.get(dataset_id)
    if task.error:
        hint = f"  \n{text.escape(task.hint or '')}"
        st.error(f"{text.escape(task.error)}{hint}", icon=":material/error:")
    found = lr_finds.find(task_id)
    if found is not None and found.suggestions:
        _suggestions(dataset_id, plan, task, found)
    with st.expander("Log"):
        st.code(tasks.log(task_id) or "Nothing was printed.", language=None)


def _suggestions(dataset_id: str, plan: Plan, task: Task, found: LrFind) -> None:
    st.subheader("Suggestions", anchor=False)
    for column, suggestion in zip(
        st.columns(len(found.suggestions)), found.suggestions, strict=True
    ):
        with column, st.container(border=True, height="stretch"):
            _suggestion(dataset_id, plan, task, suggestion)
    set_to = "; ".join(
        f"{trained_in_words(stage.train)} at {words.rates(stage.lr)}"
        for stage in plan.recipe.stages
    )
    st.caption(f"The recipe now trains {set_to}.")
    state.link("train", "Next: train", icon="arrow_forward")


def _suggestion(dataset_id: str, plan: Plan, task: Task, found: Suggestion) -> None:
    if found.lr is None:
        st.metric(found.name, "–")
        st.caption(text.escape(found.why_not or ""))
        return
    st.metric(found.name, words.rate(found.lr))
    st.caption(text.escape(found.about))
    _use_button(dataset_id, plan, task, found.lr, key=found.name)


def _use_button(dataset_id: str, plan: Plan, task: Task, lr: float, *, key: str) -> None:
    stages = _stages_to_set(plan.recipe, task)
    st.button(
        f"Use {words.rate(lr)}",
        key=f"use-{key}",
        help=f"{_help(plan.recipe, stages)}{_beginning(plan, task)}",
        on_click=_use,
        args=(dataset_id, lr, stages),
    )


def _stages_to_set(recipe: Recipe, task: Task) -> tuple[int, ...]:
    """From the start every stage follows; from trained weights those that train the body too."""
    everything = tuple(range(len(recipe.stages)))
    if task.run_id is None:
        return everything
    frozen = ("features", "head")
    unfrozen = tuple(n for n in everything if recipe.stages[n].train not in frozen)
    return unfrozen or everything


def _help(recipe: Recipe, stages: tuple[int, ...]) -> str:
    first = recipe.stages[stages[0]]
    trained = trained_in_words(first.train)
    if isinstance(first.lr, Auto):
        return f"Sets the rate of {trained}, in place of one that the stage would find itself."
    if len(stages) == 1:
        return f"Sets the rate of {trained}."
    return "Sets the first stage's rate; the other stages keep their ratio to it."


def _beginning(plan: Plan, task: Task) -> str:
    """Say that the tested weights are not what the next run begins with, where that is so."""
    if task.run_id is None or task.run_id == plan.begins_from:
        return ""
    start = "afresh" if plan.begins_from is None else "from the weights of another run"
    name = text.escape(text.shorten(runs.get(task.run_id).name))
    return f" The next run begins {start} unless you choose Train more of {name}."


@errors.callback
def _use(dataset_id: str, lr: float, stages: tuple[int, ...]) -> None:
    recipe = plans.get(dataset_id).recipe
    plans.change(dataset_id, recipe=recipes.with_rate(recipe, lr, stages=stages))
    st.toast(f"The recipe's rate is now {words.rate(lr)}.", icon=":material/check:")


show()
