"""How far the review is, and what it has changed."""

import streamlit as st

from core.datasets.findings import Progress
from core.domain.items import Dataset
from core.runs import audits
from pages.parts import text


def show(dataset: Dataset, done: Progress) -> None:
    """Draw what was decided, what is left, and how many mistakes are to be expected."""
    whole = done.n_reviewed + done.n_left
    st.progress(done.n_reviewed / whole, text=" · ".join([*_decided(done), *_expected(dataset)]))


def _decided(done: Progress) -> list[str]:
    counted = (
        (done.n_excluded, "excluded"),
        (done.n_relabelled, "relabelled"),
        (done.n_kept, "kept"),
    )
    return [
        f"**{done.n_left:,} left**",
        f"{done.n_reviewed:,} reviewed",
        *(f"{number:,} {word}" for number, word in counted),
    ]


def _expected(dataset: Dataset) -> list[str]:
    """Say how many labels are likely to be wrong by the last audit, where it could tell."""
    result = audits.find_result(dataset.id) or {}
    number = result.get("n_label_issues")
    if number is None:
        return []
    return [f"about {text.count(number, 'wrong label')} expected, the likeliest come first"]
