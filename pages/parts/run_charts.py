"""Plotly figures of recipes, runs and matrices; the theme colours them."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.domain import schedules
from core.domain.recipes import Auto, Recipe
from core.domain.schedules import Curve
from pages.parts import look

MOST_DRAWN_BATCHES = 1500
MOST_DRAWN_CLASSES = 60
MUTED = "#84918b"  # readable on light and on dark
MOST_NUMBERED_CLASSES = 30
SCALE = [[0.0, "rgba(47,111,94,0.06)"], [1.0, "rgb(47,111,94)"]]  # on light and on dark


def schedule(recipe: Recipe, *, n_train: int) -> go.Figure:
    """Draw rate and momentum over all batches, with a line where each stage begins.

    Long trainings are drawn as if of fewer images: the same curve, with fewer points on it.
    """
    thin = _thinned(recipe, n_train)
    drawn, whole = schedules.curve(recipe, n_train=thin), _starts(recipe, n_train)
    x = _stretched(drawn, whole)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08)
    lines = [(drawn.lr, "head", 1), (drawn.momentum, "momentum", 2)]
    lower = _lower(drawn)
    if any(low is not None for low in lower):
        lines.insert(1, (lower, "first layers", 1))
    for y, name, row in lines:
        legend = row == 1 and len(lines) > 2
        trace = go.Scatter(x=x, y=list(y), mode="lines", name=name, showlegend=legend)
        figure.add_trace(trace, row=row, col=1)
    for start in whole[1:-1]:
        figure.add_vline(x=start, line_dash="dot", line_width=1, line_color=MUTED)
    for gap in _gaps(recipe, whole):
        _mark_gap(figure, gap)
    _set_axes(figure, drawn, n_batches=whole[-1])
    return figure.update_layout(height=360)


def _lower(drawn: Curve) -> list[float | None]:
    """Give the first layers' rate where it is below the head's."""
    return [
        None if low is None or high is None or math.isclose(low, high) else low
        for low, high in zip(drawn.lr_first, drawn.lr, strict=True)
    ]


def _set_axes(figure: go.Figure, drawn: Curve, *, n_batches: int) -> None:
    known = any(rate is not None for rate in drawn.lr)
    rates = {} if known else {"range": [0, 1], "showticklabels": False}
    flat = {"range": [0, 1]} if len(set(drawn.momentum)) == 1 else {}
    figure.update_xaxes(range=[0, n_batches])
    figure.update_xaxes(title_text="batch", row=2, col=1)
    figure.update_yaxes(title_text="learning rate", exponentformat="power", row=1, col=1, **rates)
    figure.update_yaxes(title_text="momentum", row=2, col=1, **flat)


def _thinned(recipe: Recipe, n_train: int) -> int:
    """Give a number of train images whose curve has some 1,500 points, and no empty epoch."""
    n_batches = _starts(recipe, n_train)[-1]
    largest = max(recipe.batch_size_of(stage) for stage in recipe.stages)
    share = min(1.0, MOST_DRAWN_BATCHES / max(1, n_batches))
    return min(n_train, max(largest, round(n_train * share)))


def _starts(recipe: Recipe, n_train: int) -> list[int]:
    """Give the batch at which each stage begins, and the one after the last."""
    lengths = [stage.epochs * (n_train // recipe.batch_size_of(stage)) for stage in recipe.stages]
    return [sum(lengths[:number]) for number in range(len(lengths) + 1)]


def _stretched(drawn: Curve, whole: Sequence[int]) -> list[float]:
    """Give each drawn batch its place among all batches."""
    bounds = [*drawn.stage_starts, len(drawn.lr)]
    x: list[float] = []
    for number, (begin, end) in enumerate(itertools.pairwise(bounds)):
        first, after = whole[number], whole[number + 1]
        step = (after - first) / max(1, end - begin)
        x.extend(first + step * index for index in range(end - begin))
    return x


def _gaps(recipe: Recipe, whole: Sequence[int]) -> list[list[tuple[int, int]]]:
    """Give from where to where the rate is not known yet, stage by stage, neighbours together."""
    gaps: list[list[tuple[int, int]]] = []
    for number, stage in enumerate(recipe.stages):
        if not isinstance(stage.lr, Auto):
            continue
        span = (whole[number], whole[number + 1])
        if gaps and gaps[-1][-1][1] == span[0]:
            gaps[-1].append(span)
        else:
            gaps.append([span])
    return gaps


def _mark_gap(figure: go.Figure, gap: Sequence[tuple[int, int]]) -> None:
    first, last = gap[0][0], gap[-1][1]
    figure.add_vrect(x0=first, x1=last, fillcolor=MUTED, opacity=0.12, line_width=0, row=1, col=1)
    begin, end = max(gap, key=lambda span: span[1] - span[0])
    figure.add_annotation(
        x=(begin + end) / 2,
        y=0.5,
        yref="y domain",
        text="found when<br>the stage begins",
        showarrow=False,
        font={"color": MUTED},
        row=1,
        col=1,
    )


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
