"""The figure of suspicion by rank: bins with their intervals, the smooth curve, and the cut."""

import plotly.graph_objects as go

from core.review.late_rank import Curve
from pages.parts import run_charts

ALL = "all classes together"
SMOOTH, CUT = "#2fa37c", "#d9534f"  # on light and on dark


def draw(curve: Curve, whole: Curve) -> go.Figure:
    """Draw the bins with their intervals, the smooth curve, and the mean of all classes."""
    figure = go.Figure()
    if curve.label is not None and whole.bins:
        figure.add_trace(_line(whole, name=ALL, colour=run_charts.MUTED, dash="dot"))
    bins = curve.bins
    figure.add_trace(
        go.Scatter(
            x=_middles(curve),
            y=[one.mean for one in bins],
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [one.high - one.mean for one in bins],
                "arrayminus": [one.mean - one.low for one in bins],
                "thickness": 1.5,
            },
            mode="markers",
            name="mean with 95 % interval",
            hovertext=[
                f"ranks {one.first_rank:,} to {one.last_rank:,}: {one.mean:.2f}, n = {one.n:,}"
                for one in bins
            ],
            hoverinfo="text",
        )
    )
    figure.add_trace(_line(curve, name="smoothed", colour=SMOOTH))
    if curve.last_rank is not None:
        figure.add_vline(x=curve.last_rank + 0.5, line_dash="dash", line_color=CUT)
    figure.update_xaxes(title_text="rank in the search results", rangemode="tozero")
    figure.update_yaxes(title_text="suspicion of the label", range=[0, 1])
    return figure.update_layout(height=380)


def _line(curve: Curve, *, name: str, colour: str, dash: str = "solid") -> go.Scatter:
    return go.Scatter(
        x=_middles(curve),
        y=[one.smooth for one in curve.bins],
        mode="lines",
        name=name,
        line={"color": colour, "dash": dash, "shape": "hvh"},
        hoverinfo="skip",
    )


def _middles(curve: Curve) -> list[float]:
    return [(one.first_rank + one.last_rank) / 2 for one in curve.bins]
