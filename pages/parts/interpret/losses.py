"""The tab of top losses: of valid by the kept weights, of train as the fit saw them."""

import streamlit as st

from core.review import top_losses
from core.review.top_losses import TopLoss
from pages.parts.interpret import tiles
from pages.parts.interpret.view import View, stamp

WORDS = {
    "valid": "The validation images the kept weights got most wrong, as fastai's top losses.",
    "train": "The train images by their loss while training, averaged over the epochs but the "
    "first: mislabelled images come first. (The final weights' own losses hide the mistakes they "
    "have memorised.)",
}
ONE_LABEL = "Only those taken for another class"
SEVERAL_LABELS = {
    "valid": "Only those with a label missed or wrongly given",
    "train": "Only those whose most probable class is none of theirs",
}


def show(view: View) -> None:
    """Draw the images with the highest losses of a part."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        part = st.segmented_control(
            "Part", ["valid", "train"], default="valid", required=True, key="top-losses-part"
        )
        only_wrong = st.toggle(
            SEVERAL_LABELS[part] if view.is_multi else ONE_LABEL,
            value=part == "train",
            key=f"only-wrong-{part}",
        )
    st.caption(WORDS[part])
    shown = _valid(view, only_wrong) if part == "valid" else _train(view, only_wrong)
    if shown:
        tiles.show(view, shown, key=part)
    elif only_wrong:
        st.success("None: the model was right about every image of this part.")
    else:
        st.info("Nothing was collected of these images.")


def _valid(view: View, only_wrong: bool) -> list[TopLoss]:
    positions = top_losses.rank(view.found, only_wrong=only_wrong)
    return tiles.positions_page(view, positions, key="top-losses-page-valid")


def _train(view: View, only_wrong: bool) -> list[TopLoss]:
    seen = _ranked(view.run.id, stamp(view.run))
    ranked = [one for one in seen if not (only_wrong and one.is_right)]
    return ranked[tiles.page(len(ranked), key="top-losses-page-train")]


@st.cache_data(max_entries=8, show_spinner=False)
def _ranked(run_id: str, when: str) -> list[TopLoss]:
    return top_losses.of_train(run_id)
