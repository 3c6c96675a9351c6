"""How the scores of several labels move with the threshold."""

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.review import label_scores, predictions
from pages.parts import look, run_charts, run_metrics
from pages.parts.interpret.view import View, stamp

DRAWN = ("f2_samples", "f1_samples", "accuracy_multi")


def show(view: View) -> None:
    """Draw F2, F1 and accuracy over the threshold, with a line at the chosen one."""
    table = _scores(view.run.id, stamp(view.run), tta=view.is_with_tta)
    look.show(figure(table, chosen=view.found.threshold), key="thresholds")
    best = table.loc[table["f2_samples"].idxmax()]
    st.caption(
        f"F2 is highest at {best['threshold']:.2f} ({best['f2_samples']:.1%}), F1 at "
        f"{table.loc[table['f1_samples'].idxmax(), 'threshold']:.2f}. Chosen on these images, a "
        "threshold scores a little better here than on new ones."
    )


def figure(table: pd.DataFrame, *, chosen: float) -> go.Figure:
    """Make the chart of a table with a threshold a row."""
    drawn = go.Figure()
    for metric in DRAWN:
        name = run_metrics.name(metric)
        drawn.add_trace(go.Scatter(x=table["threshold"], y=table[metric], mode="lines", name=name))
    drawn.add_vline(x=chosen, line_dash="dot", line_width=2, line_color=run_charts.MUTED)
    drawn.update_xaxes(title_text="threshold", range=[0, 1])
    drawn.update_yaxes(tickformat=".0%", rangemode="tozero")
    return drawn.update_layout(height=260)


@st.cache_data(max_entries=8, show_spinner=False)
def _scores(run_id: str, when: str, *, tta: bool) -> pd.DataFrame:
    found = predictions.load(run_id, tta=tta)
    return label_scores.by_threshold(found)
