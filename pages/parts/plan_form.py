"""Widgets that edit the plan of a dataset; each change is kept at once, for all pages."""

import streamlit as st

from core.datasets import catalog, splits, subsets
from core.datasets.catalog import queries
from core.datasets.subsets import Taken
from core.domain.plans import Plan, Subset
from core.runs import plans
from pages.parts import augmentation_form, class_form, errors, fields, text
from pages.parts.fields import Form


def take(dataset_id: str, split_id: str, found: Subset) -> Taken:
    """Count what a run of a subset would use now; kept for each revision and scan."""
    dataset = catalog.get(dataset_id)
    return _kept(
        dataset_id, split_id, found.model_dump_json(), dataset.revision, dataset.scanned_at
    )


@st.cache_data(max_entries=64, show_spinner=False)
def _kept(
    dataset_id: str, split_id: str, found: str, revision: int, scanned_at: float | None
) -> Taken:  # the last two are there to tell one state of the dataset from another
    return subsets.take(dataset_id, split_id, Subset.model_validate_json(found))


def subset(dataset_id: str, plan: Plan) -> None:
    """Draw the choice of classes and the images-per-class slider, and say what they give."""
    whole = take(dataset_id, plan.split_id, Subset())
    taken = take(dataset_id, plan.split_id, plan.subset)
    class_form.show(dataset_id, plan, whole)
    offered = {name: whole.train.get(name, 0) for name in taken.classes}
    _per_class(dataset_id, plan, most=max(offered.values(), default=0))
    short = [name for name, n in offered.items() if n < (plan.subset.per_class or 0)]
    st.caption(_taken_words(plan, whole, taken, n_short=len(short)))


def _per_class(dataset_id: str, plan: Plan, *, most: int) -> None:
    if most < 2:
        st.caption("There are too few train images to take fewer of them.")
        return
    key = f"subset-{dataset_id}-{plan.split_id}"
    st.session_state[key] = min(plan.subset.per_class or most, most)
    st.slider(
        "Train images a class",
        1,
        most,
        key=key,
        on_change=_per_class_changed,
        args=(dataset_id, key, most),
        help="The same images come first at every position: 25 a class lie within 50 a class.",
    )
    if queries.has_ranks(dataset_id):
        _by_rank(dataset_id, plan)


def _by_rank(dataset_id: str, plan: Plan) -> None:
    key = f"by-rank-{dataset_id}"
    st.session_state[key] = plan.subset.by_rank
    st.toggle(
        "The first of the search results",
        key=key,
        on_change=_by_rank_changed,
        args=(dataset_id, key),
        help="On: those with the lowest ranks. Off: drawn by chance from all ranks.",
    )


def _taken_words(plan: Plan, whole: Taken, taken: Taken, *, n_short: int) -> str:
    said = (
        f"**{taken.n_train:,}** of {whole.n_train:,} train images in "
        f"{text.count(len(taken.classes), 'class', 'classes')}. "
    )
    if plan.subset.classes:
        said += f"Valid has the **{taken.n_valid:,}** images of these classes."
    else:
        said += f"Valid stays whole: **{taken.n_valid:,}** images."
    if n_short:
        has = "has" if n_short == 1 else "have"
        said += f" {text.count(n_short, 'class', 'classes')} {has} fewer than that."
    if taken.n_test:
        aside = text.count(taken.n_test, "test image")
        said += f" Set aside: **{aside}**, which a run neither trains on nor measures."
    return said


def sizes(dataset_id: str, plan: Plan) -> None:
    """Draw presize, train size and batch size."""
    form = Form(dataset_id=dataset_id, recipe=plan.recipe)
    left, middle, right = st.columns(3, vertical_alignment="bottom")
    with left:
        fields.whole(form, ("presize_px",), "Presize (px)", (8, 2048, 4))
    with middle:
        fields.whole(form, ("size_px",), "Train size (px)", (8, 2048, 4))
    with right:
        fields.whole(form, ("batch_size",), "Batch size", (2, 4096, 8))
    st.caption(
        "Each image is first cropped to the presize on its own, then a whole batch is augmented "
        "and cut to the train size in one step. Presize should be larger by half or more."
    )


def augmentation(dataset_id: str, plan: Plan) -> None:
    """Draw how images are varied, resized, mixed and normalised."""
    augmentation_form.show(dataset_id, plan.recipe)


def split(dataset_id: str, plan: Plan) -> None:
    """Draw the choice among the dataset's splits."""
    found = {one.id: one for one in splits.list_splits(dataset_id)}
    key = f"split-{dataset_id}-{len(found)}"
    st.selectbox(
        "Split",
        list(found),
        index=list(found).index(plan.split_id),
        format_func=lambda one: _split_words(found[one]),
        key=key,
        on_change=_split_chosen,
        args=(dataset_id, key),
        help="The master split was made once, stratified by class, with equal and nearly equal "
        "images in the same part. Cleaning never moves an image between parts.",
    )


def _split_words(found: splits.Split) -> str:
    name = "Master split" if found.is_master else "Split"
    if found.is_given:
        return f"{name}, as the files give it: {found.valid_fraction:.0%} valid"
    return f"{name}: {found.valid_fraction:.0%} valid, seed {found.seed}"


@errors.callback
def _per_class_changed(dataset_id: str, key: str, most: int) -> None:
    chosen = st.session_state[key]
    plans.change_subset(dataset_id, per_class=None if chosen >= most else chosen)


@errors.callback
def _by_rank_changed(dataset_id: str, key: str) -> None:
    plans.change_subset(dataset_id, by_rank=st.session_state[key])


@errors.callback
def _split_chosen(dataset_id: str, key: str) -> None:
    plans.change(dataset_id, split_id=st.session_state[key])
