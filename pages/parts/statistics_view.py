"""What a dataset's images are like, in charts and sentences; a click shows the images."""

import functools
from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.datasets import catalog
from core.datasets.catalog import ItemFilter, statistics
from core.datasets.catalog.statistics import Description, Measure
from core.domain.items import Dataset
from pages.parts import (
    catalog_charts,
    errors,
    gallery,
    image_filters,
    item_words,
    look,
    state,
    text,
)
from pages.parts import statistics_words as words

TAB, IMAGES = "view", "Images"  # the key of the page's tabs, and the name of the gallery's
N_SMALLEST = 12
TITLES: dict[Measure, str] = {
    "shorter_px": "Shorter side in pixels",
    "aspect": "Width divided by height",
    "size_bytes": "File sizes",
}


def show(dataset: Dataset, counts: pd.DataFrame) -> None:
    """Draw the statistics of the images in use; `counts` is by class and part."""
    found = _describe(dataset.id, revision=dataset.revision, scanned_at=dataset.scanned_at)
    if not found.colours.n_items:
        st.info("No image is in use.", icon=":material/image_not_supported:")
        return
    st.caption("Of the images in use. Click a bar to see its images.")
    left, right = st.columns(2, gap="large")
    with left:
        _classes(dataset, counts, found)
        _formats(dataset.id, found)
        _copies(dataset.id, found)
    with right:
        for measure in TITLES:
            _histogram(dataset.id, found, measure)
    _smallest(dataset)


@st.cache_data(max_entries=16, show_spinner="Adding up…")
def _describe(dataset_id: str, *, revision: int, scanned_at: float | None) -> Description:
    return statistics.describe(dataset_id)


def _classes(dataset: Dataset, counts: pd.DataFrame, found: Description) -> None:
    st.subheader("Images per class", anchor=False)
    st.caption(words.balance(counts))
    if dataset.is_multi_label:
        st.caption(words.labels_per_image(found.labels_per_image))
    labels = catalog_charts.drawn_classes(counts)
    if not labels:
        st.info("No image in use has a class.", icon=":material/label_off:")
        return
    bars = [{image_filters.classes_key(dataset.id): [label]} for label in labels]
    _chart(dataset.id, catalog_charts.images_per_class(counts), bars, key="statistics-classes")


def _histogram(dataset_id: str, found: Description, measure: Measure) -> None:
    st.subheader(TITLES[measure], anchor=False)
    if measure not in found.spreads:
        st.caption("Unknown until the next scan.")
        return
    st.caption(words.spread(measure, found.spreads[measure]))
    if words.is_one_value(measure, found.spreads[measure]):
        return
    bars = found.histograms[measure]
    figure = catalog_charts.histogram(bars, measure)
    chosen = [image_filters.within(measure, bar.limits) for bar in bars]
    _chart(dataset_id, figure, chosen, key=f"statistics-{measure}")


def _chart(
    dataset_id: str, figure: go.Figure, bars: Sequence[Mapping[str, object]], *, key: str
) -> None:
    """Draw a figure whose points, in order, each stand for the values of a filter."""
    figure.update_xaxes(fixedrange=True).update_yaxes(fixedrange=True)  # a click, not a drag
    st.plotly_chart(
        look.calm(figure).update_layout(dragmode=False),
        key=key,
        on_select=functools.partial(_bar_clicked, key, dataset_id, bars),
        selection_mode="points",
        config={"displaylogo": False, "displayModeBar": False},
    )


@errors.callback
def _bar_clicked(key: str, dataset_id: str, bars: Sequence[Mapping[str, object]]) -> None:
    """Turn to the images of the bar that was clicked."""
    points = st.session_state[key].selection.points
    if points:
        _turn(dataset_id, **bars[int(points[0]["point_index"])])


@errors.callback
def _turn(dataset_id: str, **values: object) -> None:
    """Turn to the images that one filter lets through."""
    image_filters.choose(dataset_id, **values)
    st.session_state[TAB] = IMAGES


def _formats(dataset_id: str, found: Description) -> None:
    st.subheader("Formats and colours", anchor=False)
    colours = found.colours
    is_known = colours.n_misnamed_unknown < colours.n_items
    st.dataframe(
        {
            "format": [one.name for one in found.formats],
            "images": [one.n_items for one in found.formats],
            "named otherwise": [one.n_misnamed if is_known else None for one in found.formats],
        },
        hide_index=True,
        key="statistics-formats",
        column_config=dict.fromkeys(
            ("images", "named otherwise"), st.column_config.NumberColumn(format="localized")
        ),
    )
    if not is_known:
        st.markdown(words.UNKNOWN)
        return
    _told(words.misnamed(colours), colours.n_misnamed, dataset_id, misnamed=True)
    _told(words.grey(colours), colours.n_grey, dataset_id, colours="grey")
    unusual = words.modes(colours)
    if unusual:
        st.markdown(unusual)


def _copies(dataset_id: str, found: Description) -> None:
    st.subheader("Exact copies", anchor=False)
    across = found.copies.n_across_classes
    _told(words.copies(found.copies), found.copies.n_exact, dataset_id, copies="exact")
    if across:
        _told(words.across_classes(across), across, dataset_id, copies="across classes")


def _told(sentence: str, number: int, dataset_id: str, **values: object) -> None:
    """Draw a sentence with a button that shows the images it is about."""
    st.markdown(sentence)
    if number:
        name = "-".join(f"{key}-{value}" for key, value in values.items())
        st.button(
            f"Show {text.count(number, 'image')}",
            key=f"statistics-show-{name}",
            icon=":material/photo_library:",
            type="tertiary",
            on_click=_turn,
            args=(dataset_id,),
            kwargs=values,
        )


def _smallest(dataset: Dataset) -> None:
    st.subheader("Smallest images", anchor=False)
    wanted = ItemFilter(status="in_use", order="smallest")
    page = catalog.list_items(
        dataset.id, filters=wanted, split_id=state.find_split_id(dataset.id), limit=N_SMALLEST
    )
    st.caption(words.smallest(page.items))
    gallery.show(
        dataset.id,
        [gallery.tile(one, caption=f"{item_words.size(one)}\n{one.name}") for one in page.items],
        key=f"smallest-{dataset.id}",
        classes=catalog.classes(dataset.id),
        multi=dataset.is_multi_label,
        tile_px=110,
    )
