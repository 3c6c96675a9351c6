"""Browse: look through a dataset's images, filter them, decide about them, see statistics."""

import math

import streamlit as st

from core.datasets import catalog, edits
from core.domain.items import Dataset
from pages.parts import errors, gallery, image_filters, state, statistics_view, text, toolbar

PAGE_SIZE = 200
LOG_KEY = "browse-log"
TABS = (statistics_view.IMAGES, "Statistics", "Edits")


def main() -> None:
    """Draw the page."""
    dataset = toolbar.show()
    if dataset.scanned_at is None:
        st.info("This dataset has not been scanned yet.", icon=":material/hourglass_empty:")
        state.link("datasets", "Scan it", icon="refresh")
        return
    _welcome(dataset)
    images, statistics, log = st.tabs(TABS, key=statistics_view.TAB, bind="query-params")
    with images:
        _images(dataset)  # always, for its filters live on while another tab is looked at
    if statistics.open:
        with statistics:
            statistics_view.show(dataset, toolbar.count(dataset))
    if log.open:
        with log:
            _log(dataset.id)
        state.listen(LOG_KEY)


def _welcome(dataset: Dataset) -> None:
    if st.session_state.get(state.WELCOME) != dataset.id:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            "**The sample is ready.** A few digits lie in the wrong folders: let the audit show "
            "you where, or train first and see what the losses say."
        )
        state.link("audit", "Next: find what is wrong", icon="policy")


def _images(dataset: Dataset) -> None:
    classes = catalog.classes(dataset.id)
    filters = image_filters.show(dataset, classes)
    number = _page_number(dataset.id, filters)
    page = catalog.list_items(
        dataset.id,
        filters=filters,
        split_id=state.find_split_id(dataset.id),
        offset=(number - 1) * PAGE_SIZE,
        limit=PAGE_SIZE,
    )
    n_pages = max(1, math.ceil(page.total / PAGE_SIZE))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(_found(page.total, filters), width="content")
        st.space("stretch")
        if n_pages > 1:
            key = _page_key(dataset.id, filters)
            st.pagination(n_pages, key=key, width=320)  # by content, two pages would show as one
    if not page.items:
        _nothing(dataset.id, filters)
        return
    multi = dataset.is_multi_label
    tiles = [gallery.tile(item) for item in page.items]
    gallery.show(dataset.id, tiles, key=f"browse-{dataset.id}", classes=classes, multi=multi)
    with st.container(horizontal=True):
        state.link("audit", "Next: find what is wrong", icon="policy")
        state.link("batches", "Make batches", icon="arrow_forward")


def _found(number: int, filters: catalog.ItemFilter) -> str:
    counted = text.count(number, "image")
    if filters.lets_all_through:
        return counted
    return f"{counted} that {'passes' if number == 1 else 'pass'} the filters"


def _nothing(dataset_id: str, filters: catalog.ItemFilter) -> None:
    if filters.lets_all_through:
        st.info("This dataset has no images yet.", icon=":material/image_not_supported:")
        state.link("datasets", "Add some and scan", icon="refresh")
        return
    told = "  \n".join(["No image passes these filters.", *image_filters.empty_ranges(filters)])
    st.info(told, icon=":material/filter_alt_off:")
    st.button(
        "Clear all filters",
        key="browse-clear-all",
        icon=":material/close:",
        on_click=image_filters.clear_all,
        args=(dataset_id,),
    )


def _page_key(dataset_id: str, filters: catalog.ItemFilter) -> str:
    return f"browse-page-{dataset_id}-{filters}"  # other filters begin with their first page


def _page_number(dataset_id: str, filters: catalog.ItemFilter) -> int:
    return int(st.session_state.get(_page_key(dataset_id, filters)) or 1)


@st.fragment(key=LOG_KEY)
@errors.boundary()
def _log(dataset_id: str) -> None:
    entries = edits.list_log(dataset_id, limit=200)
    st.caption("Everything that changed this dataset, newest first. Undo and redo are on top.")
    st.dataframe(
        [
            {
                "revision": entry.revision,
                "what": text.plain(entry.note or entry.kind),
                "state": _in_words(entry),
                "when": text.moment(entry.created_at),
            }
            for entry in entries
        ],
        hide_index=True,
        key="browse-log-table",
        column_config={"revision": st.column_config.NumberColumn(width="small")},
    )


def _in_words(entry: edits.LogEntry) -> str:
    if entry.kind == "edit":
        return "in force" if entry.in_force else "undone"
    return ""


main()
