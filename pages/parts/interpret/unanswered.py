"""The tab of the images that are none of the classes, by a model with a sigmoid a class."""

import streamlit as st

from core.review import predictions, scores
from pages.parts import text
from pages.parts.interpret import tiles
from pages.parts.interpret.view import View


def show(view: View) -> None:
    """Draw the images that no class has a probability above the threshold for."""
    ids = scores.answered(view.found, view.found.threshold).none_of_these
    st.caption(
        f"{text.count(len(ids), 'validation image')} of {len(view.found.item_id):,} with no class "
        f"above {view.found.threshold:.2f}, the most probable first. The label is what the "
        "dataset says; after the arrow comes the class that was nearest."
    )
    if not ids:
        st.success("None: every image was given a class.")
        return
    positions = predictions.positions(view.found, ids)
    shown = tiles.positions_page(view, positions, key="none-of-these-page")
    tiles.show(view, shown, key="none-of-these")
