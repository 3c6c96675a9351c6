"""The tab of ranks: how suspicion grows with the rank in the search results, and where to cut."""

import pandas as pd
import streamlit as st

from core.datasets import findings, splits
from core.domain.items import Dataset
from core.review import late_rank
from core.review.late_rank import Curve
from core.runs import plans
from pages.parts import errors, look, state, text
from pages.parts.audit import rank_chart, suspects
from pages.parts.audit.rank_chart import ALL

MOST_SHOWN = 200
SUBSET = "audit-ranks-subset"
WITHOUT_RANKS = (
    "These images have no ranks. Lists of addresses give them: the position of each address in "
    "its class's list is its rank in the search results. Open such lists as a dataset, and late "
    "results that fit their class less are found here."
)


def show(dataset: Dataset) -> None:
    """Draw the curve of a class, what it suggests, and the images after its cut."""
    if not late_rank.has_ranks(dataset.id):
        st.info(WITHOUT_RANKS, icon=":material/format_list_numbered:")
        state.link("datasets", "Bring images from lists of addresses", icon="link")
        return
    table, curves = _curves(dataset.id, dataset.revision, findings.stamp(dataset.id))
    if table.empty:
        st.info(
            "No ranked image has been judged yet: start an audit above.", icon=":material/policy:"
        )
        return
    _suggested(dataset, table, curves[0])
    curve = _choose(dataset.id, curves)
    st.markdown(_in_words(curve))
    if not curve.bins:
        return
    look.show(rank_chart.draw(curve, curves[0]), key=f"audit-ranks-{dataset.id}")
    _after(dataset, table, curve)


@st.cache_data(max_entries=4, show_spinner="Adding up…")
def _curves(
    dataset_id: str, revision: int, found: tuple[int, int, float]
) -> tuple[pd.DataFrame, list[Curve]]:  # the last two are there to tell states apart
    table = late_rank.load(dataset_id)
    return table, late_rank.curves(table)


def _suggested(dataset: Dataset, table: pd.DataFrame, whole: Curve) -> None:
    number = late_rank.images_a_class(table, whole)
    if number is None:
        st.markdown("On the whole suspicion does not grow with the rank: use all images.")
        return
    st.markdown(
        f"On the whole suspicion grows with the rank, clearly so after rank {whole.last_rank:,}. "
        f"Up to there a class has **{text.count(number, 'train image')}** (median of the classes)."
    )
    _use(dataset.id, number)


@st.fragment(key=SUBSET)
@errors.boundary()
def _use(dataset_id: str, number: int) -> None:
    if splits.get_master(dataset_id) is None:
        return
    subset = plans.get(dataset_id).subset
    is_set = subset.per_class == number and subset.by_rank
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"Use the first {text.count(number, 'image')} a class",
            icon=":material/content_cut:",
            key="audit-ranks-use",
            disabled=is_set,
            on_click=_set_subset,
            args=(dataset_id, number),
        )
        if is_set:
            state.link("batches", "The next run takes as many: see its batches", icon="grid_view")
        else:
            st.caption("For the next run: those with the lowest ranks. No image is excluded.")


@errors.callback
def _set_subset(dataset_id: str, number: int) -> None:
    plans.change_subset(dataset_id, per_class=number, by_rank=True)


def _choose(dataset_id: str, curves: list[Curve]) -> Curve:
    """Draw the choice of a class: the one with the most images after its cut comes first."""
    whole, *others = curves
    ordered = [whole, *sorted(others, key=lambda one: -one.n_after)]
    by_name = {one.label or "": one for one in ordered}
    labels = text.distinct({name: name or ALL for name in by_name})
    chosen = st.selectbox(
        "Class",
        list(by_name),
        format_func=labels.__getitem__,
        key=f"audit-ranks-class-{dataset_id}",
        width=360,
    )
    return by_name[chosen]


def _in_words(curve: Curve) -> str:
    name = "All classes together" if curve.label is None else text.escape(curve.label)
    images = text.count(curve.n, "ranked image") + _decided(curve)
    if not curve.bins:
        least = late_rank.PER_BIN * late_rank.FEWEST_BINS
        return f"{name}: {images}, too few to tell; {least} are needed."
    if curve.last_rank is None:
        return f"{name}: of {images} the late ones are not clearly more suspicious. No cut."
    return (
        f"{name}: of {images} those after **rank {curve.last_rank:,}** are clearly more "
        f"suspicious than the first: {text.count(curve.n_after, 'image')}."
    )


def _decided(curve: Curve) -> str:
    """Say how many images of a curve count as a person has decided, and how."""
    if not curve.n_decided:
        return ""
    return (
        f" ({curve.n_decided:,} of them decided about: as excluded or relabelled they count as "
        "suspicious, 1, as kept ones not, 0)"
    )


def _after(dataset: Dataset, table: pd.DataFrame, curve: Curve) -> None:
    late = late_rank.after(table, curve)
    if late.empty:
        return
    on = st.toggle(
        f"Show the {text.count(len(late), 'undecided image')} after the cut",
        key=f"audit-ranks-show-{dataset.id}",
    )
    if not on:
        return
    if len(late) > MOST_SHOWN:
        st.caption(f"The {MOST_SHOWN} most suspicious of {len(late):,}.")
    suspects.show(dataset, late[:MOST_SHOWN], key="ranks")
