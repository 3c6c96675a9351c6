"""The curve of a range test that a stage of a run made, with the rate it took."""

from typing import Any

import plotly.graph_objects as go


def figure(found: dict[str, Any]) -> go.Figure:
    """Draw the smoothed loss over the rate, on a logarithmic axis, and mark the chosen rate."""
    points = found["points"]
    drawn = go.Figure(
        go.Scatter(
            x=[point[0] for point in points],
            y=[point[2] for point in points],
            mode="lines",
            name="train loss, smoothed",
        )
    )
    drawn.add_vline(
        x=found["chosen"]["lr"],
        line_dash="dot",
        annotation_text=found["chosen"]["name"],
    )
    drawn.update_xaxes(type="log", title_text="learning rate")
    return drawn.update_layout(height=260, showlegend=False)
