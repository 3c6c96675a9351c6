"""Browse: look through a dataset's images, filter them, decide about them, see statistics."""

import math

import pandas as pd
import streamlit as st

from core.datasets import catalog, edits
from core.domain.items import PARTS, Dataset
from pages.parts import catalog_charts, errors, gallery, look, state, text, toolbar

PAGE_SIZE = 200
STATUSES = ("in_use", "excluded", "relabelled", "broken", "gone")
LOG_KEY = "browse-log"


def main() -> None:
    """Draw the page."""
    dataset = toolbar.show()
    if dataset.scanned_at is None:
        st.info("This dataset has not been scanned yet.", icon=":material/hourglass_empty:")
        state.link("datasets", "Scan it", icon="refresh")
        return
    _welcome(dataset)
    images, statistics, log = st.tabs(["Images", "Statistics", "Edits"])
    with images:
        _images(dataset)
    with statistics:
        _statistics(dataset)
    with log:
        _log(dataset.id)
    state.listen(LOG_KEY)


def _welcome(dataset: Dataset) -> None:
    if st.session_state.get(state.WELCOME) != dataset.id:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            "**The sample is ready.** A few digits lie in the wrong folders: exclude or relabel "
            "what you spot, or train first and let the losses show you where they are."
        )
        state.link("batches", "Next: batches", icon="arrow_forward")


def _images(dataset: Dataset) -> None:
    classes = catalog.classes(dataset.id)
    filters = _filters(dataset, classes)
    split_id = state.find_split_id(dataset.id)
    number = _page_number(dataset.id, filters)
    page = catalog.list_items(
        dataset.id,
        filters=filters,
        split_id=split_id,
        offset=(number - 1) * PAGE_SIZE,
        limit=PAGE_SIZE,
    )
    n_pages = max(1, math.ceil(page.total / PAGE_SIZE))
    with st.container(horizontal=True, vertical_alignment="center"):
        passed = "" if filters == catalog.ItemFilter() else " that pass the filters"
        st.caption(f"{text.count(page.total, 'image')}{passed}", width="content")
        st.space("stretch")
        if n_pages > 1:
            st.pagination(n_pages, key=_page_key(dataset.id, filters))
    if not page.items:
        st.info("No image passes these filters.", icon=":material/filter_alt_off:")
        return
    tiles = [gallery.tile(item) for item in page.items]
    gallery.show(dataset.id, tiles, key=f"browse-{dataset.id}", classes=classes)
    state.link("batches", "Next: make batches", icon="arrow_forward")


def _filters(dataset: Dataset, classes: tuple[str, ...]) -> catalog.ItemFilter:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        labels = st.multiselect(
            "Class",
            classes,
            format_func=lambda name: text.plain(text.shorten(name, 40)),
            placeholder="All classes",
            key=f"browse-classes-{dataset.id}",
            width=220,
        )
        part = st.selectbox(
            "Part",
            PARTS,
            index=None,
            placeholder="All parts",
            key="part",
            bind="query-params",
            width=120,
        )
        status = st.selectbox(
            "Status",
            STATUSES,
            index=None,
            placeholder="All",
            key="status",
            bind="query-params",
            width=130,
        )
        name = st.text_input(
            "File name", key="name", bind="query-params", placeholder="contains…", width=190
        )
    return catalog.ItemFilter(
        labels=tuple(labels) or None,
        parts=(part,) if part else None,
        status=status,
        name_contains=name,
    )


def _page_key(dataset_id: str, filters: catalog.ItemFilter) -> str:
    return f"browse-page-{dataset_id}-{filters}"  # other filters begin with their first page


def _page_number(dataset_id: str, filters: catalog.ItemFilter) -> int:
    return int(st.session_state.get(_page_key(dataset_id, filters)) or 1)


def _statistics(dataset: Dataset) -> None:
    counts = toolbar.count(dataset)
    in_use = counts.groupby("label")["n_in_use"].sum()
    if not in_use.sum():
        st.info("No image is in use.", icon=":material/image_not_supported:")
        return
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Images per class", anchor=False)
        in_use = in_use[in_use > 0]
        st.caption(
            f"Smallest class {in_use.min():,}, largest {in_use.max():,} images. "
            + _balance(in_use.max() / in_use.min())
        )
        look.show(catalog_charts.images_per_class(counts), key="browse-per-class")
    with right:
        table = _sizes(dataset.id, revision=dataset.revision, scanned_at=dataset.scanned_at)
        shorter = table[["width_px", "height_px"]].min(axis=1)
        st.subheader("Image sizes", anchor=False)
        st.caption(_sizes_in_words(shorter.min(), shorter.median(), shorter.max()))
        look.show(catalog_charts.sizes(table), key="browse-sizes")


def _balance(ratio: float) -> str:
    if ratio < 1.5:
        return "The classes are about even."
    return (
        f"The largest has {ratio:.1f} times as many as the smallest: accuracy alone will flatter "
        "the large classes, so look at each class when you interpret."
    )


def _sizes_in_words(smallest: float, median: float, largest: float) -> str:
    if smallest == largest:
        return f"The shorter side is {largest:,.0f} px in all; training above enlarges images."
    return (
        f"Shorter side: {smallest:,.0f} to {largest:,.0f} px, half of them at least "
        f"{median:,.0f} px. Training above that size enlarges images."
    )


@st.cache_data(max_entries=16, show_spinner=False)
def _sizes(dataset_id: str, *, revision: int, scanned_at: float | None) -> pd.DataFrame:
    return catalog.sizes(dataset_id)


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
