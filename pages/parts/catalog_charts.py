"""Plotly figures of what a dataset holds."""

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.parts import text

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
                y=[_tick(label) for label in labels],
                x=heights,
                name=part,
                orientation="h",
                hovertemplate="%{y}: %{x} " + part + "<extra></extra>",
            )
    figure.update_layout(
        barmode="stack",
        height=max(220, 26 * len(labels) + 90),
        yaxis={"autorange": "reversed", "automargin": True, "type": "category"},
        **_calm("images in use"),
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
    figure.update_layout(height=300, bargap=0.1, **_calm("px"))
    figure.update_xaxes(range=[0, bins["end"]])
    return figure


def show(figure: go.Figure, *, key: str) -> None:
    """Draw a figure that nobody clicks."""
    config = {"displaylogo": False, "displayModeBar": False}
    st.plotly_chart(figure, key=key, config=config)


def _tick(label: str) -> str:
    short = text.plain(text.shorten(label, 28))
    return short.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _calm(x_title: str) -> dict[str, object]:
    return {
        "margin": {"l": 8, "r": 8, "t": 30, "b": 8},
        "xaxis_title": x_title,
        "colorway": st.get_option("theme.chartCategoricalColors"),
        "legend": {
            "traceorder": "normal",
            "orientation": "h",
            "y": 1.02,
            "yanchor": "bottom",
            "x": 0,
        },
    }
