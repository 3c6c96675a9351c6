"""Metrics of runs and comparisons as columns of a table and as cards."""

from collections import Counter
from collections.abc import Mapping, Sequence

import streamlit as st

from pages.parts import run_metrics

HIDDEN = "train_loss"
LOSSES = ("log_loss", "valid_loss")
ORDER = (*(one for one in run_metrics.NAMES if one not in LOSSES), *LOSSES)


def in_a_sentence(metric: str) -> str:
    """Name a metric within a sentence or as the head of a column; `F1` stays as it is."""
    said = run_metrics.name(metric)
    is_name = said.startswith(("F1", "F2", "Cohen"))
    return said if is_name else f"{said[:1].lower()}{said[1:]}"


def measured(runs: Sequence[Mapping[str, float]]) -> list[str]:
    """List the metrics that any of some runs has: those of most runs first."""
    counted = Counter(metric for one in runs for metric in one if metric != HIDDEN)
    return sorted(counted, key=lambda metric: (-counted[metric], _place(metric), metric))


def columns(metrics: Sequence[str]) -> dict[str, object]:
    """Say how a table shows metrics: shares in per cent, losses as numbers."""
    return {
        metric: st.column_config.NumberColumn(
            in_a_sentence(metric),
            format="%.4f" if metric in run_metrics.NOT_SHARES else "percent",
        )
        for metric in metrics
    }


def _place(metric: str) -> int:
    """Order as a person reads it: accuracy and its kind first, losses last."""
    if metric.startswith("top_"):
        return 1
    return ORDER.index(metric) if metric in ORDER else len(ORDER)
