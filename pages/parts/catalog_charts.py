"""Plotly figures of what a dataset holds."""

import pandas as pd
import plotly.graph_objects as go

from pages.parts import look

MOST_CLASSES = 40


def images_per_class(counts: pd.DataFrame) -> go.Figure:
    """Draw how many images in use each class has, by part; the largest classes come first."""
    table = counts[counts["n_in_use"] > 0].copy()
    table["part"] = table["part"].fillna("no part yet")
    totals = table.groupby("label")["n_in_use"].sum().sort_values(ascending=False)
    labels = totals.index[:MOST_CLASSES]
    figure = go.Figure()
    for part in ("train", "valid", "test", "no part yet"):
        of_part = table[table["part"] == part].groupby("label")["n_in_use"].sum()
        if len(of_part):
            heights = of_part.reindex(labels, fill_value=0)
            figure.add_bar(
                y=[look.tick(label) for label in labels],
                x=heights,
                name=part,
                orientation="h",
                hovertemplate="%{y}: %{x} " + part + "<extra></extra>",
            )
    figure.update_layout(
        barmode="stack",
        height=max(220, 26 * len(labels) + 90),
        yaxis={"autorange": "reversed", "automargin": True, "type": "category"},
        xaxis_title="images in use",
    )
    return figure


def sizes(table: pd.DataFrame) -> go.Figure:
    """Draw how many images have which width and height, in pixels."""
    largest = float(table[["width_px", "height_px"]].max().max())
    bins = {"start": 0, "end": largest * 1.05, "size": max(1.0, largest / 40)}
    figure = go.Figure()
    for name, column in (("width", "width_px"), ("height", "height_px")):
        figure.add_histogram(
            x=table[column],
            xbins=bins,
            name=name,
            hovertemplate=f"{name} %{{x}} px: %{{y}} images<extra></extra>",
        )
    figure.update_layout(height=300, bargap=0.1, xaxis_title="px")
    figure.update_xaxes(range=[0, bins["end"]])
    return figure
