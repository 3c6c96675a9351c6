"""Widgets that choose and change the recipe of a dataset's plan; each change is kept at once."""

import streamlit as st

from core.domain.archs import ARCHS
from core.domain.errors import InputError
from core.domain.items import Dataset
from core.domain.plans import Plan
from core.domain.recipes import Recipe
from core.runs import plans, recipes, weights
from pages.parts import errors, plan_form, text, words


def show(dataset: Dataset, plan: Plan) -> None:
    """Draw recipe, network, epochs, seed, rate, sizes and subset."""
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
