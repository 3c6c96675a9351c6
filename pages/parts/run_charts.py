"""Plotly figures of recipes, runs and matrices; the theme colours them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.domain.schedules import Curve
from pages.parts import look

MOST_DRAWN_CLASSES = 60
MUTED = "#84918b"  # readable on light and on dark
MOST_NUMBERED_CLASSES = 30
SCALE = [[0.0, "rgba(47,111,94,0.06)"], [1.0, "rgb(47,111,94)"]]  # on light and on dark


def schedule(curve: Curve) -> go.Figure:
    """Draw rate and momentum over all batches, with a line where each stage begins."""
    figure = make_subplots(rows=1, cols=2, subplot_titles=("Learning rate", "Momentum"))
    figure.add_trace(go.Scatter(y=curve.lr, mode="lines", name="rate"), row=1, col=1)
    figure.add_trace(go.Scatter(y=curve.momentum, mode="lines", name="momentum"), row=1, col=2)
    for start in curve.stage_starts[1:]:
        figure.add_vline(x=start, line_dash="dot", line_width=1)
    figure.update_xaxes(title_text="batch")
    figure.update_yaxes(exponentformat="power", row=1, col=1)
    return figure.update_layout(height=240, showlegend=False)


def confusion(matrix: np.ndarray, classes: Sequence[str]) -> go.Figure:
    """Draw a matrix of shape (classes, classes) whose cells can be clicked.

    A heatmap gives no click events in Streamlit, so transparent markers lie over its cells; each
    carries the label's and the pred's name.
    """
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    positions = list(range(len(classes)))
    names = [look.tick(name) for name in classes]
    side = max(380, min(900, 44 * len(classes) + 120))
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=positions,
            y=positions,
            hoverinfo="skip",
            showscale=False,
            zmin=0,
            zmax=1,
            xgap=1,
            ygap=1,
            colorscale=SCALE,
        )
    )
    columns, rows = np.meshgrid(positions, positions)
    pairs = list(zip(rows.ravel(), columns.ravel(), strict=True))
    figure.add_trace(
        go.Scatter(
            x=columns.ravel(),
            y=rows.ravel(),
            mode="markers",
            customdata=[
                (str(row), str(column), str(matrix[row, column])) for row, column in pairs
            ],
            hovertext=[
                f"{names[row]} taken for {names[column]}: {matrix[row, column]}"
                for row, column in pairs
            ],
            hoverinfo="text",
            marker={
                "symbol": "square",
                "size": max(6, min(40, 0.62 * side / len(classes))),
                "color": "rgba(0,0,0,0)",
            },
            selected={"marker": {"color": "rgba(255,120,80,.45)"}},
            unselected={"marker": {"opacity": 1}},
        )
    )
    if len(classes) <= MOST_NUMBERED_CLASSES:
        figure.update_layout(annotations=_numbers(matrix, shares))
    axis = {
        "tickmode": "array",
        "tickvals": positions,
        "ticktext": names,
        "showgrid": False,
        "zeroline": False,
    }
    figure.update_xaxes(title_text="predicted", tickangle=-40, constrain="domain", **axis)
    figure.update_yaxes(
        title_text="actual", autorange="reversed", scaleanchor="x", constrain="domain", **axis
    )
    return figure.update_layout(height=side, showlegend=False, dragmode=False)


def _numbers(matrix: np.ndarray, shares: np.ndarray) -> list[dict[str, object]]:
    """Write the counts as annotations: unlike a trace's text they do not fade after a click."""
    return [
        {
            "x": int(column),
            "y": int(row),
            "text": str(matrix[row, column]),
            "showarrow": False,
            "font": {"color": "#fff" if shares[row, column] > 0.4 else MUTED},
        }
        for row, column in np.argwhere(matrix > 0)
    ]


def compared(curves: dict[str, pd.DataFrame], column: str) -> go.Figure:
    """Draw one column of several runs' tables over each other; their first column is x."""
    figure = go.Figure()
    for name, table in curves.items():
        x = table.columns[0]
        mode = "lines" if len(table) > 40 else "lines+markers"
        figure.add_trace(go.Scatter(x=table[x], y=table[column], mode=mode, name=look.tick(name)))
    figure.update_xaxes(title_text=next(iter(curves.values())).columns[0] if curves else "")
    return figure.update_layout(height=300)
