"""What stands where nothing is left to decide about, and where to go from there."""

import streamlit as st

from core.domain.items import Dataset
from core.runs import audits
from pages.parts import state, text
from pages.parts.audit.review import filters

NEXT = {
    "Did it help?": ("Compare before and after", "difference"),
    "To disk": ("Write it to disk", "drive_file_move"),
}
"""By their names the other tabs of the page that go on from here: words and icon of the link."""


def nothing_found(dataset: Dataset) -> None:
    """Say why the queue is empty although nobody has decided about anything."""
    if audits.find_active(dataset.id) is not None:
        st.info("The audit is looking. What it finds comes here.", icon=":material/policy:")
    elif audits.find_result(dataset.id) is None:
        st.info(
            "Nothing was audited yet. Press **Audit** above: it looks for broken files, copies, "
            "odd images and wrong labels, and what it finds comes here, one image at a time.",
            icon=":material/policy:",
        )
    else:
        st.success("The audit has found nothing to decide about.", icon=":material/check:")


def nothing_passes(dataset_id: str) -> None:
    """Say that the filters leave nothing, and offer to take them away."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info("Nothing that is left passes these filters.", icon=":material/filter_alt_off:")
        st.button(
            "Clear the filters",
            key="review-clear",
            icon=":material/close:",
            on_click=filters.clear,
            args=(dataset_id,),
        )


def all_done(dataset: Dataset) -> None:
    """Say that everything was decided about, and what comes next."""
    with st.container(border=True):
        st.markdown(
            f"**All done.** You have decided about all that was found in "
            f"{text.escape(text.shorten(dataset.name, 40))}. Your decisions hold for every later "
            "run; no file was touched."
        )
        with st.container(horizontal=True):
            state.link("train", "Train again", icon="play_circle")
            for tab, (words, icon) in NEXT.items():
                state.link("audit", words, icon=icon, **{"audit-tab": tab})
