"""The figure of the map: a point an image, coloured by class, by suspicion or by decision."""

from collections.abc import Sequence
from typing import Literal

import pandas as pd
import plotly.graph_objects as go

from core.review import map_points
from pages.parts import look

Colour = Literal["class", "suspicion", "decision"]
COLOURS: tuple[Colour, ...] = ("class", "suspicion", "decision")
OTHERS = "#9aa5a0"  # recedes on light and on dark
PALETTE = (
    *("#4c78dd", "#e8893c", "#2fa37c", "#b065c4", "#d9534f", "#c9a227"),
    *("#35a9c9", "#d46aa0", "#7a8f2a", "#8a6d5a", "#5f5fc4", "#1f8a5b"),
)
"""As many classes as can be told apart; all others are grey together."""
STATES = {
    "undecided": OTHERS,
    "kept": "#2fa37c",
    "relabelled": "#4c78dd",
    "excluded": "#d9534f",
}
SCALE = [[0.0, "#8fb5aa"], [0.5, "#e8b13c"], [1.0, "#c2413b"]]
HEIGHT_PX = 560


def draw(table: pd.DataFrame, colour: Colour, classes: Sequence[str], *, multi: bool) -> go.Figure:
    """Draw the points of a map; every point carries the id of its item.

    `classes` are those with a colour of their own, at most as many as the palette has.
    """
    shown = table[::-1]  # the most suspicious last, so that they lie on top
    if colour == "suspicion":
        traces = _by_suspicion(shown)
    elif colour == "decision":
        traces = [
            _plain(shown[shown["state"] == state], state, of) for state, of in STATES.items()
        ]
    else:
        traces = _by_class(shown, classes, multi=multi)
    figure = go.Figure([trace for trace in traces if len(trace.x)])
    figure.update_traces(marker_size=_size_px(len(table)))
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return look.calm(figure).update_layout(
        height=HEIGHT_PX, dragmode="lasso", hovermode="closest", showlegend=colour != "suspicion"
    )


def _by_class(table: pd.DataFrame, classes: Sequence[str], *, multi: bool) -> list[go.Scattergl]:
    group = map_points.groups(table, list(classes), multi=multi)
    others = _plain(table[group == -1], "other classes" if classes else "images", OTHERS)
    own = [_plain(table[group == at], name, PALETTE[at]) for at, name in enumerate(classes)]
    return [others, *own]


def _by_suspicion(table: pd.DataFrame) -> list[go.Scattergl]:
    is_known = table["suspicion"].notna()
    known = table[is_known]
    shown = _plain(known, "suspicion", OTHERS)
    bar = {"title": {"text": "suspicion"}, "thickness": 12, "outlinewidth": 0}
    shown.marker.update(
        color=known["suspicion"].round(3), colorscale=SCALE, cmin=0, cmax=1, colorbar=bar
    )
    return [_plain(table[~is_known], "not judged", OTHERS), shown]


def _plain(table: pd.DataFrame, name: str, colour: str) -> go.Scattergl:
    return go.Scattergl(
        x=table["x"].round(3),
        y=table["y"].round(3),
        mode="markers",
        name=look.tick(name),
        customdata=table["item_id"],
        hovertext=_hover(table),
        hoverinfo="text",
        marker={"color": colour, "opacity": 0.8},
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 0.15}},
    )


def _hover(table: pd.DataFrame) -> list[str]:
    """Write label, file and suspicion of each point; plotly reads tags in what it hovers."""
    labels = {label: look.tick(label.replace("|", ", ")) for label in table["label"].unique()}
    names = [look.tick(path.rsplit("/", 1)[-1]) for path in table["path"]]
    said = ["" if value != value else f"<br>suspicion {value:.2f}" for value in table["suspicion"]]
    return [
        f"{labels[label] or 'no label'}<br>{name}{more}"
        for label, name, more in zip(table["label"], names, said, strict=True)
    ]


def _size_px(n_points: int) -> float:
    return 8 if n_points < 1_000 else 6 if n_points < 5_000 else 4
