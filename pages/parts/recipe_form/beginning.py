"""What a person chooses first: recipe, network, epochs, rate, seed."""

import streamlit as st

from core.domain import archs
from core.domain.items import Dataset
from core.domain.plans import Plan
from core.domain.recipes import MOST_RATE, Recipe, Sgdr
from core.runs import extras, plans, recipes, weights
from pages.parts import errors, fields, text, words
from pages.parts.fields import Form

MOST_SEED = 2**31 - 1


def show(form: Form, dataset: Dataset, plan: Plan) -> None:
    """Draw recipe, network, start, epochs, rate and seed."""
    _recipe(dataset, form.recipe)
    _network(form, begins_from_a_run=plan.begins_from is not None)
    left, middle, right = st.columns(3, vertical_alignment="bottom")
    with left:
        _epochs(form)
    with middle:
        _rate(form)
    with right:
        _seed(dataset.id, plan)


def _recipe(dataset: Dataset, recipe: Recipe) -> None:
    offers = {offer.name: offer for offer in recipes.LIBRARY}
    own = [] if recipe.name in offers else [recipe.name]
    key = f"train-name-{dataset.id}"
    st.session_state[key] = recipe.name
    st.selectbox(
        "Recipe",
        [*own, *offers],
        format_func=text.plain,
        key=key,
        on_change=_recipe_chosen,
        args=(dataset.id, key),
    )
    if own:
        st.caption("A recipe of your own. To find it again later, save it in My recipes.")
        return
    found = offers[recipe.name]
    st.caption(
        f"{found.about}  \n**Source:** {found.source}  \n**Measured here:** {found.measured}"
    )
    _changed(dataset, recipe)


def _changed(dataset: Dataset, recipe: Recipe) -> None:
    """Say in what the recipe is not the library's any more, and offer to go back."""
    found = recipes.changed_fields(recipe, is_multi_label=dataset.is_multi_label)
    if not found:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"Changed from the library: {text.escape(', '.join(found))}.")
        st.button(
            "Back to the library's",
            type="tertiary",
            icon=":material/restart_alt:",
            on_click=_back,
            args=(dataset.id, recipe.name),
            help="Sizes, augmentation and network stay.",
        )


@errors.callback
def _back(dataset_id: str, name: str) -> None:
    plans.begin_from(dataset_id, name)


def _network(form: Form, *, begins_from_a_run: bool) -> None:
    recipe = form.recipe
    names = [*archs.ARCHS, *extras.list_timm()]
    key = form.key(("arch",))
    st.session_state[key] = recipe.arch
    st.selectbox(
        "Network",
        names if recipe.arch in names else [recipe.arch, *names],
        key=key,
        on_change=_network_chosen,
        args=(form.dataset_id, key),
        accept_new_options=True,
        help="Type a part of a name to search. Names that begin with timm: are of the timm "
        "library; one with a tag, such as timm:resnet18.a1_in1k, is typed whole.",
    )
    arch = archs.find(recipe.arch)
    about = arch.about if arch else ""
    more = "" if extras.is_installed("timm") else " More networks with: pip install timm."
    fields.note(f"{about[:1].upper()}{about[1:]}.{more}")
    if begins_from_a_run:
        return
    if arch is not None and arch.is_pretrained:
        said = "Helps nearly always: the body has seen a million photos before it sees yours."
        fields.toggle(form, ("pretrained",), "Begin from pretrained weights", said)
    else:
        fields.note("It has no pretrained weights, so it is trained from scratch.")
    if arch is not None and arch.library == "torchvision" and recipe.pretrained:
        _weights(form)


def _weights(form: Form) -> None:
    if weights.find(form.recipe.arch) is not None:
        return
    st.warning(text.escape(weights.advice(form.recipe.arch)), icon=":material/download:")
    st.button("Train from scratch instead", on_click=_from_scratch, args=(form.dataset_id,))


def _epochs(form: Form) -> None:
    last = form.recipe.stages[-1]
    key = f"train-epochs-{form.dataset_id}"
    if isinstance(last.schedule, Sgdr):
        fields.note(f"{text.count(last.epochs, 'epoch')} in the last stage, by its cycles.")
        return
    st.session_state[key] = last.epochs
    st.number_input(
        "Epochs", 1, 1000, key=key, on_change=_epochs_changed, args=(form.dataset_id, key)
    )


def _rate(form: Form) -> None:
    if recipes.finds_rates(form.recipe):
        fields.note("A stage finds its rate itself; see below.")
        return
    key = f"train-rate-{form.dataset_id}"
    st.session_state[key] = words.rate(recipes.top_rate(form.recipe.stages[0]))
    st.text_input(
        "Learning rate",
        key=key,
        on_change=_rate_typed,
        args=(form.dataset_id, key),
        help="The top rate of the first stage; the other stages keep their ratio to it. "
        "The LR finder measures one.",
    )


def _seed(dataset_id: str, plan: Plan) -> None:
    key = f"train-seed-{dataset_id}"
    st.session_state[key] = plan.seed
    st.number_input("Seed", 0, MOST_SEED, key=key, on_change=_seeded, args=(dataset_id, key))


@errors.callback
def _recipe_chosen(dataset_id: str, key: str) -> None:
    _begin(dataset_id, st.session_state[key])


@errors.callback
def _from_scratch(dataset_id: str) -> None:
    _begin(dataset_id, "From scratch")


def _begin(dataset_id: str, name: str) -> None:
    recipe = plans.get(dataset_id).recipe
    if name == recipe.name:
        return
    plans.begin_from(dataset_id, name)


@errors.callback
def _network_chosen(dataset_id: str, key: str) -> None:
    name = st.session_state[key].strip()
    extras.check_timm(name)
    arch = archs.find(name)
    kept = plans.get(dataset_id).recipe.pretrained
    pretrained = kept and arch is not None and arch.is_pretrained
    plans.change_recipe(dataset_id, arch=name, pretrained=pretrained)


@errors.callback
def _epochs_changed(dataset_id: str, key: str) -> None:
    recipe = plans.get(dataset_id).recipe
    plans.change(dataset_id, recipe=recipes.with_epochs(recipe, st.session_state[key]))


@errors.callback
def _seeded(dataset_id: str, key: str) -> None:
    plans.change(dataset_id, seed=st.session_state[key])


@errors.callback
def _rate_typed(dataset_id: str, key: str) -> None:
    lr = fields.parse(st.session_state[key], "The learning rate", 1e-12, MOST_RATE)
    recipe = plans.get(dataset_id).recipe
    stages = tuple(range(len(recipe.stages)))
    plans.change(dataset_id, recipe=recipes.with_rate(recipe, lr, stages=stages))
