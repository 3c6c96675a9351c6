"""Differences of a comparison, a metric a row, with the interval for other seeds and images."""

from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from core.review.before_after import Comparison, Difference
from pages.parts import look, run_metrics

APART = 0.16  # of a row: how far the two conditions stand from its middle
ROW_PX = 64
LEFT_OUT = (*run_metrics.NOT_SHARES, "error_rate")
"""Losses have another unit, and the error rate is the accuracy once more."""


def figure(found: Comparison) -> go.Figure:
    """Draw the differences of all shares in points; a faint mark is one seed."""
    rows = [row for row in found.rows if row.metric not in LEFT_OUT]
    colours = st.get_option("theme.chartCategoricalColors")
    drawn = go.Figure()
    cleaning = [(at - APART, row.cleaning) for at, row in enumerate(rows)]
    _add(drawn, "after cleaning", cleaning, colours[0])
    random = [(at + APART, row.random) for at, row in enumerate(rows) if row.random is not None]
    if random:
        _add(drawn, "less at random", random, colours[1])
    drawn.add_vline(x=0, line_width=1, line_dash="dot", line_color=colours[-1])
    drawn.update_xaxes(title_text="difference to before, in points", zeroline=False)
    drawn.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[look.tick(run_metrics.name(row.metric)) for row in rows],
        range=[len(rows) - 0.5, -0.5],
        zeroline=False,
    )
    return drawn.update_layout(height=110 + ROW_PX * len(rows))


def _add(
    drawn: go.Figure, name: str, found: Sequence[tuple[float, Difference]], colour: str
) -> None:
    """Add a condition at its heights: its seeds, and the means with their intervals."""
    seeds = [(100 * value, at) for at, one in found for value in one.by_seed]
    drawn.add_trace(
        go.Scatter(
            x=[value for value, _ in seeds],
            y=[at for _, at in seeds],
            mode="markers",
            marker={"size": 9, "symbol": "line-ns-open", "color": colour},
            opacity=0.5,
            showlegend=False,
            hovertemplate="one seed: %{x:+.1f} points<extra></extra>",
        )
    )
    drawn.add_trace(
        go.Scatter(
            x=[100 * one.mean for _, one in found],
            y=[at for at, _ in found],
            error_x=_bars([one for _, one in found]),
            mode="markers",
            marker={"size": 10, "color": colour},
            name=name,
            hovertemplate="%{x:+.1f} points<extra></extra>",
        )
    )


def _bars(found: Sequence[Difference]) -> dict[str, object]:
    """Give how far the widest known interval reaches above and below each mean."""
    ends = [(one.mean, one.both or one.seeds or one.images) for one in found]
    return {
        "type": "data",
        "symmetric": False,
        "array": [100 * (interval.high - mean) if interval else 0 for mean, interval in ends],
        "arrayminus": [100 * (mean - interval.low) if interval else 0 for mean, interval in ends],
    }
