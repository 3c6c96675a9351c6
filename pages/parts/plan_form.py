"""Widgets that edit the plan of a dataset; each change is kept at once, for all pages."""

from collections.abc import Callable

import streamlit as st

from core.datasets import catalog, splits, subsets, trainable
from core.datasets.subsets import Taken
from core.domain.errors import RecipeError
from core.domain.items import Dataset
from core.domain.plans import Plan, Subset
from core.domain.recipes import NO_AUGMENTATION, Augmentation
from core.runs import plans
from pages.parts import class_form, errors, text

Change = Callable[[str, str], None]


def is_refused(dataset: Dataset) -> bool:
    """Say on the page why nothing can be trained on a dataset, where that is so."""
    try:
        trainable.check_labels(dataset)
    except RecipeError as error:
        st.info(
            f"{text.escape(error.sentence)}  \n{text.escape(error.hint)}", icon=":material/label:"
        )
        return True
    return False


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
    recipe = plan.recipe
    left, middle, right = st.columns(3, vertical_alignment="bottom")
    with left:
        _number(dataset_id, "presize_px", "Presize (px)", recipe.presize_px, (16, 1024, 4))
    with middle:
        _number(dataset_id, "size_px", "Train size (px)", recipe.size_px, (16, 1024, 4))
    with right:
        _number(dataset_id, "batch_size", "Batch size", recipe.batch_size, (2, 1024, 8))
    st.caption(
        "Each image is first cropped to the presize on its own, then a whole batch is augmented "
        "and cut to the train size in one step. Presize should be larger by half or more."
    )


def augmentation(dataset_id: str, plan: Plan) -> None:
    """Draw the strengths of the augmentation; the preview follows each change."""
    found = plan.recipe.augmentation
    _toggle(dataset_id, "flip", "Flip left to right", found.flip)
    _toggle(dataset_id, "flip_vert", "All flips and right angles", found.flip_vert)
    for name, label, low, high, step in SLIDERS:
        key = f"aug-{name}-{dataset_id}"
        value = float(getattr(found, name))
        st.session_state[key] = value
        st.slider(
            label,
            low,
            high,
            step=step,
            key=key,
            on_change=_augmentation_changed,
            args=(dataset_id, name, key),
        )
    with st.container(horizontal=True):
        st.button("fastai's defaults", on_click=_augment, args=(dataset_id, Augmentation()))
        st.button("None at all", on_click=_augment, args=(dataset_id, NO_AUGMENTATION))


SLIDERS = (
    ("max_rotate", "Rotate (degrees, at most)", 0.0, 90.0, 1.0),
    ("max_zoom", "Zoom (times, at most)", 1.0, 2.0, 0.05),
    ("max_warp", "Perspective warp", 0.0, 0.5, 0.05),
    ("max_lighting", "Lighting (brightness and contrast)", 0.0, 0.9, 0.05),
    ("p_affine", "Share of images rotated, zoomed or warped", 0.0, 1.0, 0.05),
    ("p_lighting", "Share of images with other lighting", 0.0, 1.0, 0.05),
    ("min_scale", "Smallest crop (share of the area)", 0.1, 1.0, 0.05),
)


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


def _number(
    dataset_id: str, name: str, label: str, value: int, limits: tuple[int, int, int]
) -> None:
    low, high, step = limits
    key = f"{name}-{dataset_id}"
    st.session_state[key] = value
    st.number_input(
        label,
        low,
        high,
        step=step,
        key=key,
        on_change=_field_changed,
        args=(dataset_id, name, key),
    )


def _toggle(dataset_id: str, name: str, label: str, value: bool) -> None:
    key = f"aug-{name}-{dataset_id}"
    st.session_state[key] = value
    st.toggle(label, key=key, on_change=_augmentation_changed, args=(dataset_id, name, key))


@errors.callback
def _per_class_changed(dataset_id: str, key: str, most: int) -> None:
    chosen = st.session_state[key]
    plans.change_subset(dataset_id, per_class=None if chosen >= most else chosen)


@errors.callback
def _split_chosen(dataset_id: str, key: str) -> None:
    plans.change(dataset_id, split_id=st.session_state[key])


@errors.callback
def _field_changed(dataset_id: str, name: str, key: str) -> None:
    plans.change_recipe(dataset_id, **{name: st.session_state[key]})


@errors.callback
def _augmentation_changed(dataset_id: str, name: str, key: str) -> None:
    now = plans.get(dataset_id).recipe.augmentation.model_dump()
    plans.change_recipe(
        dataset_id, augmentation=Augmentation(**{**now, name: st.session_state[key]})
    )


@errors.callback
def _augment(dataset_id: str, found: Augmentation) -> None:
    plans.change_recipe(dataset_id, augmentation=found)
