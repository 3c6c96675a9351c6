"""A chart that follows something under way: the browser polls a route, so no script reruns.

`st.plotly_chart` remounts at each change of data in our Streamlit and loses zoom and hidden
traces. This component owns its Plotly figures and keeps both. Its route answers
`GET url&since=n` with

    {"n": the next since, "rows": {name: [new values]}, "whole": {name: [all values]},
     "marks": [{"x": 12, "text": "all layers"}], "facts": [["Status", "running"]], "done": false}
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import streamlit as st

from pages.parts import assets, errors

Pick = dict[str, float]
_component = st.components.v2.component(
    "winnow_live_chart",
    html='<div class="live-chart"></div>',
    css=assets.read("live_chart.css"),
    js=assets.bootstrap("live_chart.js"),
    isolate_styles=False,  # Plotly puts its styles into the page's head
)


@dataclass(frozen=True, kw_only=True)
class Trace:
    """One line or cloud of points; `x` and `y` name arrays of the route's answer."""

    y: str
    name: str
    mode: Literal["lines", "markers", "lines+markers"] = "lines"
    axis: Literal["left", "right"] = "left"
    x: str | None = None  # None: the panel's
    dash: Literal["solid", "dot", "dash"] = "solid"
    width: float = 1.8
    opacity: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One figure of a chart; the panels stand side by side where there is room.

    The answer's marks are drawn where `x` is one of its `rows`: they count in batches or rates.
    """

    title: str
    x: str
    traces: tuple[Trace, ...]
    x_title: str = ""
    y_title: str = ""
    right_title: str = ""
    log_x: bool = False
    log_y: bool = False


def show(  # noqa: PLR0913  # the whole surface of the component
    url: str,
    *,
    source_id: str,
    panels: Sequence[Panel],
    key: str,
    height_px: int = 420,
    poll_ms: int = 700,
    on_pick: Callable[[Pick], None] | None = None,
) -> Pick | None:
    """Draw the panels and keep them up to date until the route says that it is done.

    Another `source_id` starts afresh. With `on_pick` a click on a point calls it with the point's
    `x` and `y`, and is given back in that rerun.
    """
    data = {
        "url": url,
        "source_id": source_id,
        "panels": [asdict(panel) for panel in panels],
        "height_px": height_px,
        "poll_ms": poll_ms,
        "can_pick": on_pick is not None,
        "plotly": "/assets/plotly.min.js",
    }
    result = _component(
        key=key, data=data, on_pick_change=functools.partial(_picked, key, on_pick)
    )
    return _point(result.pick)


@errors.callback
def _picked(key: str, on_pick: Callable[[Pick], None] | None) -> None:
    point = _point(st.session_state[key]["pick"])
    if on_pick is not None and point is not None:
        on_pick(point)


def _point(pick: dict[str, Any] | None) -> Pick | None:
    return {"x": float(pick["x"]), "y": float(pick["y"])} if pick else None
