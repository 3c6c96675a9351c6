"""The tab of the map: images that look alike lie together; a lasso opens them in the gallery.

While images are selected the figure stays as it was drawn, also when they are decided about:
Streamlit forgets the selection of a figure that changes. A button draws it anew.
"""

import functools
from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st

from core.datasets import catalog, findings
from core.domain.items import Dataset
from core.review import map_points
from core.review.map_points import Points
from pages.parts import errors, state, text
from pages.parts.audit import map_chart, suspects
from pages.parts.audit.map_chart import COLOURS, PALETTE, Colour

REDRAW = "audit-map-redraw"
N_FIRST = 10  # classes that have a colour of their own at first
MOST_SHOWN = 200  # of the selected images
WAITS = "Draw a line around points, or drag a box, to see their images."


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What the figure was drawn of; the findings change whenever suspicions do."""

    stamp: str  # of the map itself
    revision: int
    found: tuple[int, int]


def show(dataset: Dataset) -> None:
    """Draw the map of the last audit, and the images that are selected on it."""
    stamp = map_points.stamp(dataset.id)
    if stamp is None:
        st.info(
            "There is no map yet: an audit draws it. Start one above.",
            icon=":material/scatter_plot:",
        )
        return
    points = _load(dataset.id, _drawn(dataset.id, stamp))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        colour: Colour = st.segmented_control(
            "Coloured by", COLOURS, default="class", required=True, key="audit-map-colour"
        )
        classes = _classes(dataset, points) if colour == "class" else []
        _redraw_button(dataset.id)
    state.listen(REDRAW)
    multi = dataset.is_multi_label
    _chart(dataset.id, map_chart.draw(points.table, colour, classes, multi=multi))
    _say_how_many(points)
    _selected(dataset, points)


def _drawn(dataset_id: str, stamp: str) -> Drawn:
    """Give what the figure shows: all as it is now, unless a selection on it must be kept."""
    key = _key("drawn", dataset_id)
    kept: Drawn | None = st.session_state.get(key)
    is_held = kept is not None and kept.stamp == stamp and bool(_picked(dataset_id))
    if kept is None or not is_held:
        kept = st.session_state[key] = _now(dataset_id, stamp)
    return kept


def _picked(dataset_id: str) -> frozenset[int]:
    return frozenset(st.session_state.get(_key("picked", dataset_id), ()))


def _now(dataset_id: str, stamp: str) -> Drawn:
    revision = catalog.get(dataset_id).revision
    return Drawn(stamp=stamp, revision=revision, found=findings.stamp(dataset_id))


@st.cache_data(max_entries=4, show_spinner="Reading the map…")
def _load(dataset_id: str, drawn: Drawn) -> Points:  # the last is there to tell states apart
    return map_points.load(dataset_id)


def _classes(dataset: Dataset, points: Points) -> list[str]:
    offered = map_points.largest_classes(points.table, multi=dataset.is_multi_label)
    return st.multiselect(
        "Classes with a colour of their own",
        offered,
        default=offered[:N_FIRST],
        format_func=lambda name: text.plain(text.shorten(name, 40)),
        max_selections=len(PALETTE),
        key=_key("classes", dataset.id),
        width=560,
    )


@st.fragment(key=REDRAW)
@errors.boundary()
def _redraw_button(dataset_id: str) -> None:
    kept: Drawn = st.session_state[_key("drawn", dataset_id)]
    if kept == _now(dataset_id, kept.stamp):
        return
    clicked = st.button(
        "Draw anew",
        icon=":material/refresh:",
        help="The colours are those of before your last decisions.",
        key="audit-map-anew",
    )
    if clicked:
        del st.session_state[_key("drawn", dataset_id)]
        st.rerun()


def _chart(dataset_id: str, figure: go.Figure) -> None:
    key = f"audit-map-{dataset_id}-{st.session_state.get(_key('cleared', dataset_id), 0)}"
    st.plotly_chart(
        figure,
        key=key,
        on_select=functools.partial(_pick, dataset_id, key),
        selection_mode=("lasso", "box"),
        config={"displaylogo": False, "scrollZoom": True},
    )


@errors.callback
def _pick(dataset_id: str, key: str) -> None:
    """Keep what was selected, also when the figure is drawn in another way."""
    points = st.session_state[key].selection.points
    st.session_state[_key("picked", dataset_id)] = [int(one["customdata"]) for one in points]


def _say_how_many(points: Points) -> None:
    n_drawn = len(points.table)
    if n_drawn < points.n_all:
        st.caption(
            f"{n_drawn:,} of {points.n_all:,} images are drawn, taken by chance: more would lie "
            "upon each other."
        )


def _selected(dataset: Dataset, points: Points) -> None:
    table = points.table
    chosen = table[table["item_id"].isin(_picked(dataset.id))]
    if chosen.empty:
        st.caption(WAITS)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        more = f"; the {MOST_SHOWN} most suspicious" if len(chosen) > MOST_SHOWN else ""
        st.markdown(f"**{text.count(len(chosen), 'image')} selected**{more}")
        st.button(
            "Clear the selection",
            type="tertiary",
            icon=":material/close:",
            key="audit-map-clear",
            on_click=_clear,
            args=(dataset.id,),
        )
    suspects.show(dataset, chosen[:MOST_SHOWN], key=f"map-{dataset.id}")


@errors.callback
def _clear(dataset_id: str) -> None:
    """Forget the selection; under another key the figure forgets it, too."""
    st.session_state.pop(_key("picked", dataset_id), None)
    key = _key("cleared", dataset_id)
    st.session_state[key] = st.session_state.get(key, 0) + 1


def _key(what: str, dataset_id: str) -> str:
    return f"audit-map-{what}-{dataset_id}"
