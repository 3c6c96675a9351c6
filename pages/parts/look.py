"""How every Plotly figure looks: the theme's colours, thin margins, names that stay names."""

import plotly.graph_objects as go
import streamlit as st

from pages.parts import text

LEGEND = {"traceorder": "normal", "orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}


def calm(figure: go.Figure) -> go.Figure:
    """Give a figure the theme's colours and thin margins."""
    return figure.update_layout(
        margin={"l": 8, "r": 8, "t": 34, "b": 8},
        colorway=st.get_option("theme.chartCategoricalColors"),
        legend=LEGEND,
    )


def tick(name: str) -> str:
    """Cut a name for an axis or a legend, and keep plotly from reading tags in it."""
    short = text.plain(text.shorten(name, 28))
    return short.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def show(figure: go.Figure, *, key: str) -> None:
    """Draw a figure that nobody clicks."""
    config = {"displaylogo": False, "displayModeBar": False}
    st.plotly_chart(calm(figure), key=key, config=config)
