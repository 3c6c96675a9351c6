"""The tab of top losses: of valid by the kept weights, of train as the fit saw them."""

from typing import Literal

import streamlit as st

from core.review import top_losses
from core.review.top_losses import TopLoss
from pages.parts import state
from pages.parts.interpret import tiles
from pages.parts.interpret.view import View, stamp

Which = Literal["valid", "train", "hardest"]
NAMES: dict[Which, str] = {
    "valid": "valid",
    "train": "train",
    "hardest": "hardest for this model",
}
WORDS: dict[Which, str] = {
    "valid": "The validation images the kept weights got most wrong, as fastai's top losses.",
    "train": "The train images by their loss while training, averaged over the epochs but the "
    "first: mislabelled images come first. (The final weights' own losses hide the mistakes they "
    "have memorised.)",
    "hardest": "The train images by their loss in the last epoch alone: what this model still "
    "finds hard. :orange[After a long fit, mistakes that it has memorised hide from this list:] "
    "to find mislabelled images, choose train.",
}
ONE_LABEL = "Only those taken for another class"
MOST_PROBABLE = "Only those whose most probable class is none of theirs"
SEVERAL_LABELS: dict[Which, str] = {
    "valid": "Only those with a label missed or wrongly given",
    "train": MOST_PROBABLE,
    "hardest": MOST_PROBABLE,
}


def show(view: View) -> None:
    """Draw the images with the highest losses of a part."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        which: Which = st.segmented_control(
            "Part",
            list(NAMES),
            default="valid",
            required=True,
            format_func=NAMES.__getitem__,
            key="top-losses-part",
        )
        only_wrong = st.toggle(
            SEVERAL_LABELS[which] if view.is_multi else ONE_LABEL,
            value=which == "train",
            key=f"only-wrong-{which}",
        )
        st.space("stretch")
        state.link("audit", "All suspicions, in one queue", icon="policy")
    st.caption(WORDS[which])
    shown = _valid(view, only_wrong) if which == "valid" else _train(view, which, only_wrong)
    if shown:
        tiles.show(view, shown, key=which)
    elif only_wrong:
        st.success("None: the model was right about every image of this part.")
    else:
        st.info("Nothing was collected of these images.")


def _valid(view: View, only_wrong: bool) -> list[TopLoss]:
    positions = top_losses.rank(view.found, only_wrong=only_wrong)
    return tiles.positions_page(view, positions, key="top-losses-page-valid")


def _train(view: View, which: Which, only_wrong: bool) -> list[TopLoss]:
    seen = _ranked(view.run.id, which, stamp(view.run))
    ranked = [one for one in seen if not (only_wrong and one.is_right)]
    return ranked[tiles.page(len(ranked), key=f"top-losses-page-{which}")]


@st.cache_data(max_entries=8, show_spinner=False)
def _ranked(run_id: str, which: Which, when: str) -> list[TopLoss]:
    return top_losses.hardest(run_id) if which == "hardest" else top_losses.of_train(run_id)
