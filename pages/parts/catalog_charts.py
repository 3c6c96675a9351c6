"""Plotly figures of what a dataset holds."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from core.datasets.catalog import Range
from core.datasets.catalog.statistics import Bar, Measure
from pages.parts import look

MOST_CLASSES = 40
FEWEST_BARS = 6
SHAPES = {
    (0.5, 0.62): "9:16",
    (0.62, 0.7): "2:3",
    (0.7, 0.8): "3:4",
    (0.95, 1.05): "square",
    (1.25, 1.43): "4:3",
    (1.43, 1.6): "3:2",
    (1.6, 2): "16:9",
}


def drawn_classes(counts: pd.DataFrame) -> list[str]:
    """Give the classes that fit into a chart, the largest first: of too many, both ends.

    Where all are as large, none is at an end: they are the first ones.
    """
    totals = counts.groupby("label")["n_in_use"].sum()
    totals = totals[totals > 0].sort_values(ascending=False, kind="stable")
    labels, half = list(totals.index), MOST_CLASSES // 2
    if len(labels) <= MOST_CLASSES or totals.min() == totals.max():
        return labels[:MOST_CLASSES]
    return labels[:half] + labels[-half:]


def images_per_class(counts: pd.DataFrame) -> go.Figure:
    """Draw how many images in use each class has, by part; the points are `drawn_classes`."""
    labels = drawn_classes(counts)
    table = counts[counts["n_in_use"] > 0].copy()
    table["part"] = table["part"].astype(object).fillna("no part yet")
    figure = go.Figure()
    for part in ("train", "valid", "test", "no part yet"):
        of_part = table[table["part"] == part].groupby("label")["n_in_use"].sum()
        if len(of_part):
            figure.add_bar(
                y=list(range(len(labels))),
                x=of_part.reindex(labels, fill_value=0),
                name=part,
                orientation="h",
                customdata=[look.tick(label) for label in labels],
                hovertemplate="%{customdata}: %{x} " + part + "<extra></extra>",
            )
    ticks = {"tickvals": list(range(len(labels))), "ticktext": [look.tick(one) for one in labels]}
    figure.update_layout(
        barmode="stack",
        height=max(220, 26 * len(labels) + 90),
        yaxis={"autorange": "reversed", "automargin": True, **ticks},
        xaxis_title="images in use",
    )
    return figure


def histogram(bars: Sequence[Bar], measure: Measure) -> go.Figure:
    """Draw how many images lie between which edges; the points are the bars."""
    words = [limits_in_words(bar.limits, measure) for bar in bars]
    figure = go.Figure()
    figure.add_bar(
        x=words,
        y=[bar.n_items for bar in bars],
        hovertemplate="%{x}: %{y} images<extra></extra>",
    )
    figure.update_layout(height=300, bargap=0.08, showlegend=False, yaxis_title="images in use")
    figure.update_xaxes(type="category", autotickangles=[0, -45, -90], automargin=True)
    spare = max(0, FEWEST_BARS - len(bars)) / 2  # a bar alone is not as wide as the chart
    figure.update_xaxes(range=[-0.5 - spare, len(bars) - 0.5 + spare])
    return figure


def limits_in_words(limits: Range, measure: Measure) -> str:
    """Write the limits of a bar: `128–160`, `under 32`, `1–2 MB`, `1.25–1.43 (4:3)`."""
    low, high = limits
    largest = max(end for end in limits if end is not None)
    scale, unit = 1, ""
    if measure == "size_bytes":
        scale, unit = (1_000_000, " MB") if largest > 1_000_000 else (1_000, " kB")
    ends = [None if end is None else f"{end / scale:g}" for end in limits]
    if low is None or high is None:
        return f"under {ends[1]}{unit}" if low is None else f"from {ends[0]}{unit}"
    shape = SHAPES.get((low, high)) if measure == "aspect" else None
    return f"{ends[0]}–{ends[1]}{unit}" + (f" ({shape})" if shape else "")
