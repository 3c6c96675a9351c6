"""Audit: find what is wrong with a dataset, decide about it, and see what that was worth."""

from collections.abc import Callable

import streamlit as st

from core.domain.items import Dataset
from pages.parts import state, toolbar
from pages.parts.audit import helped, map_view, ranks, review, running, to_disk

TABS: dict[str, Callable[[Dataset], None]] = {
    "Review": review.show,
    "Map": map_view.show,
    "By rank": ranks.show,
    "Did it help?": helped.show,
    "To disk": to_disk.show,
}
"""By name what draws each tab; only the one that is open is drawn."""


def main() -> None:
    """Draw the page."""
    dataset = toolbar.show()
    st.title("Audit", anchor=False)
    if dataset.scanned_at is None:
        st.info("This dataset has not been scanned yet.", icon=":material/hourglass_empty:")
        state.link("datasets", "Scan it", icon="refresh")
        return
    running.show(dataset)
    tabs = st.tabs(list(TABS), key="audit-tab", bind="query-params") if TABS else ()
    for tab, draw in zip(tabs, TABS.values(), strict=True):
        if tab.open:
            with tab:
                draw(dataset)


main()
