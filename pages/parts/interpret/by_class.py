"""The tab of classes or labels, worst first; of several labels with the images behind each."""

import pandas as pd
import streamlit as st

from core.review import confusion, scores
from pages.parts import text
from pages.parts.interpret import tiles
from pages.parts.interpret.view import View

SHARES = ("precision", "recall", "f1", "f2")
HEADS = {"f1": "F1", "f2": "F2", "n_valid": "valid images", "n_predicted": "predicted"}
MEANING = (
    "Precision: of the images given this {noun}, the share that has it. Recall: of the images "
    "that have it, the share that was given it. F1: their harmonic mean.{more} Worst first."
)


def show(view: View) -> None:
    """Draw the scores of each class at the chosen threshold."""
    if view.is_multi:
        _labels(view)
    else:
        table = scores.per_class(view.found).sort_values("f1", kind="stable")
        st.dataframe(_plain(table), **_look(table, "class"))
        st.caption(MEANING.format(noun="class", more=""))


def _labels(view: View) -> None:
    table = scores.per_class(view.found).sort_values("f2", kind="stable")
    event = st.dataframe(
        _plain(table),
        **_look(table, "label"),
        on_select="rerun",
        selection_mode="single-row",
        key=f"labels-{view.run.id}-{hash(tuple(table['label']))}",  # a choice ends with its rows
    )
    more = " F2: the same, with recall counting more."
    st.caption(MEANING.format(noun="label", more=more))
    if event.selection.rows:
        _images(view, str(table["label"].iloc[event.selection.rows[0]]))
    else:
        st.caption("Choose a label to see the images that miss it, or were wrongly given it.")


def _images(view: View, label: str) -> None:
    found = {
        "missed": confusion.missed_items(view.found, label),
        "wrongly given": confusion.wrongly_given_items(view.found, label),
    }
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(text.escape(label), anchor=False, width="content")
        which = st.segmented_control(
            "Images",
            list(found),
            default="missed",
            required=True,
            key="labels-which",
            label_visibility="collapsed",
        )
        st.caption(text.count(len(found[which]), "image"), width="content")
    if found[which]:
        tiles.of_items(view, found[which], key=f"label-{which}")


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(label=[text.plain(name) for name in table["label"]])


def _look(table: pd.DataFrame, noun: str) -> dict[str, object]:
    bars = {
        name: st.column_config.ProgressColumn(
            HEADS.get(name, name), format="percent", min_value=0, max_value=1
        )
        for name in SHARES
        if name in table
    }
    heads = {name: head for name, head in HEADS.items() if name in table and name not in bars}
    return {
        "hide_index": True,
        "column_config": {**bars, **heads, "label": noun},
        "height": min(700, 35 * (len(table) + 1) + 3),
    }
