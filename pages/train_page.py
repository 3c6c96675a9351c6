"""Choose a recipe, see what it will do, launch it, and watch it learn."""

import streamlit as st

from core.datasets import catalog, subsets
from core.domain import schedules
from core.domain.archs import ARCHS
from core.domain.errors import InputError
from core.domain.items import Dataset
from core.domain.jobs import ENDED
from core.domain.plans import Plan
from core.domain.recipes import Recipe
from core.domain.runs import Run
from core.runs import plans, previews, recipes, runs, weights
from pages.parts import (
    errors,
    live_chart,
    look,
    plan_form,
    run_charts,
    state,
    text,
    toolbar,
    words,
)
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


def show() -> None:
    """Draw the page: a run that is being watched, or the form of the next one."""
    dataset = toolbar.show()
    run_id = state.find_run_id()
    run = runs.get(run_id) if run_id else None
    if run is not None and run.dataset_id == dataset.id:
        _watch(run)
    else:
        _plan(dataset)


def _plan(dataset: Dataset) -> None:
    st.title("Train", anchor=False)
    plan = plans.get(dataset.id)
    left, right = st.columns([2, 3], gap="large")
    with left, st.container(border=True):
        _form(dataset, plan)
    with right:
        obstacle = _obstacle(dataset, plan)
        _what_will_happen(dataset, plan, obstacle)
        st.button(
            "Start training",
            type="primary",
            icon=":material/play_arrow:",
            disabled=obstacle is not None,
            on_click=_start,
            args=(dataset.id,),
        )
    _other_runs(dataset)


def _form(dataset: Dataset, plan: Plan) -> None:
    recipe = plan.recipe
    _widget(
        st.segmented_control,
        "Recipe",
        dataset.id,
        "name",
        [offer.name for offer in recipes.LIBRARY],
        value=recipes.offer(recipe.name).name,
    )
    st.caption(recipes.offer(recipe.name).about)
    choices = [name for name, arch in ARCHS.items() if arch.weights_file or not recipe.pretrained]
    _widget(st.selectbox, "Network", dataset.id, "arch", choices, value=recipe.arch)
    st.caption(text.escape(ARCHS[recipe.arch].about))
    _pretrained(dataset, recipe)
    left, right = st.columns(2)
    with left:
        _number(dataset.id, "epochs", "Epochs", recipe.stages[-1].epochs, (1, 200))
    with right:
        _number(dataset.id, "seed", "Seed", plan.seed, (0, 2**31 - 1))
    _rate(dataset.id, recipe)
    plan_form.sizes(dataset.id, plan)
    plan_form.subset(dataset.id, plan)
    _number(dataset.id, "n_workers", "Loader processes", recipe.n_workers, (0, 16))


def _pretrained(dataset: Dataset, recipe: Recipe) -> None:
    if not recipe.pretrained:
        return
    if weights.find(recipe.arch) is None:
        st.warning(text.escape(weights.advice(recipe.arch)), icon=":material/download:")
        st.button(
            "Train from scratch instead",
            on_click=_change,
            args=(dataset.id, "name", None, "From scratch"),
        )


def _widget(
    draw, label: str, dataset_id: str, name: str, options: list[str], *, value: str
) -> None:
    key = f"train-{name}-{dataset_id}"
    st.session_state[key] = value
    draw(label, options, key=key, on_change=_change, args=(dataset_id, name, key))


def _number(dataset_id: str, name: str, label: str, value: int, limits: tuple[int, int]) -> None:
    key = f"train-{name}-{dataset_id}"
    st.session_state[key] = value
    st.number_input(label, *limits, key=key, on_change=_change, args=(dataset_id, name, key))


def _rate(dataset_id: str, recipe: Recipe) -> None:
    key = f"train-rate-{dataset_id}"
    st.session_state[key] = words.rate(recipes.top_rate(recipe.stages[0]))
    st.text_input(
        "Learning rate",
        key=key,
        on_change=_rate_typed,
        args=(dataset_id, key),
        help="The top rate of the first stage; the other stages keep their ratio to it. "
        "The LR finder measures one.",
    )


@errors.callback
def _rate_typed(dataset_id: str, key: str) -> None:
    typed = st.session_state[key]
    try:
        lr = float(typed.replace(",", "."))
    except ValueError:
        lr = 0.0
    if not 0 < lr <= 100:
        raise InputError(
            f"The learning rate {typed!r} is not a number above 0 and up to 100.",
            hint="Write it as 0.002 or 2e-3. The rate was not changed.",
        )
    recipe = plans.get(dataset_id).recipe
    stages = tuple(range(len(recipe.stages)))
    plans.change(dataset_id, recipe=recipes.with_rate(recipe, lr, stages=stages))


@errors.callback
def _change(dataset_id: str, name: str, key: str | None, value: object = None) -> None:
    chosen = value if key is None else st.session_state[key]
    recipe = plans.get(dataset_id).recipe
    if chosen is None:
        return
    if name == "seed":
        plans.change(dataset_id, seed=chosen)
    elif name == "name":
        plans.change(
            dataset_id,
            recipe=recipes.rebuild(recipe, name=chosen, epochs=recipe.stages[-1].epochs),
        )
    elif name == "epochs":
        plans.change(
            dataset_id, recipe=recipes.rebuild(recipe, name=recipe.name, epochs=int(chosen))
        )
    else:
        plans.change_recipe(dataset_id, **{name: chosen})


def _n_train(dataset: Dataset, plan: Plan) -> int:
    return sum(subsets.train_counts(dataset.id, plan.split_id, plan.subset).values())


def _obstacle(dataset: Dataset, plan: Plan) -> str | None:
    """Say why the plan cannot be trained as it stands."""
    if len(catalog.classes(dataset.id)) < 2:
        return "A classifier needs images of at least two classes."
    n_train = _n_train(dataset, plan)
    if n_train < plan.recipe.batch_size:
        return (
            f"The batch size {plan.recipe.batch_size} is above the number of train images "
            f"({n_train}): take a smaller one."
        )
    return None


def _what_will_happen(dataset: Dataset, plan: Plan, obstacle: str | None) -> None:
    st.subheader("What will happen", anchor=False)
    if obstacle is not None:
        st.warning(obstacle, icon=":material/warning:")
        return
    n_batches = _n_train(dataset, plan) // plan.recipe.batch_size
    _stages(dataset, plan)
    curve = schedules.curve(plan.recipe, n_batches=n_batches)
    look.show(run_charts.schedule(curve), key="schedule")
    st.caption(
        f"{n_batches * plan.recipe.n_epochs:,} batches of {plan.recipe.batch_size} images: "
        f"{n_batches:,} an epoch, {plan.recipe.n_epochs} epochs."
    )


def _stages(dataset: Dataset, plan: Plan) -> None:
    n_classes = len(catalog.classes(dataset.id))
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
                on_click=_show_run,
                args=(run.id,),
            )


@errors.callback
def _show_run(run_id: str | None) -> None:
    state.choose_run(run_id)


def _watch(run: Run) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(text.escape(text.shorten(run.name)), anchor=False, width="content")
        st.space("stretch")
        st.button("Plan another run", icon=":material/add:", on_click=_show_run, args=(None,))
    st.caption(
        f"{text.escape(words.recipe(run.recipe))}, seed {run.seed}, revision {run.revision}"
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


show()
