"""The tab of what is taken for what: the matrix, its largest cells, and the images of one."""

import streamlit as st

from core.review import confusion
from core.review.confusion import Confusion
from pages.parts import look, run_charts, text
from pages.parts.interpret import tiles
from pages.parts.interpret.view import View

Cell = tuple[str, str]
"""A label and a pred; of several labels one that was missed and one that was wrongly given."""

HEADS = {False: ("actual", "predicted"), True: ("missed", "wrongly given")}


def show(view: View) -> None:
    """Draw the pairs of classes that are confused, and the images of the one that is chosen."""
    if view.is_multi:
        st.caption(
            "Images that miss the one label and are wrongly given the other. An image counts once "
            "for each such pair; one that only misses a label is found on the tab of labels."
        )
        cell = _most_confused(view)
    else:
        left, right = st.columns([3, 2], gap="large")
        with right:
            cell = _most_confused(view)
        with left:
            cell = _matrix(view) or cell
    if cell is None:
        choose = "Choose a pair" if view.is_multi else "Click a cell, or choose a pair,"
        st.caption(f"{choose} to see its images.")
        return
    _images(view, cell)


def _images(view: View, cell: Cell) -> None:
    ids = confusion.cell_items(view.found, label=cell[0], pred=cell[1])
    label, pred = (text.escape(name) for name in cell)
    said = f"{label} missed, {pred} given" if view.is_multi else f"{label} taken for {pred}"
    st.subheader(f"{said}: {text.count(len(ids), 'image')}", anchor=False)
    tiles.of_items(view, ids, key="cell")


def _matrix(view: View) -> Cell | None:
    classes = view.found.classes
    if len(classes) > run_charts.MOST_DRAWN_CLASSES:
        st.info(
            f"{len(classes)} classes are too many to draw as a matrix: "
            "use the list of the most confused pairs."
        )
        return None
    figure = run_charts.confusion(confusion.matrix(view.found), classes)
    event = st.plotly_chart(
        look.calm(figure),
        on_select="rerun",
        selection_mode="points",
        key=f"confusion-matrix-{view.run.id}-{view.is_with_tta}",
        config={"displayModeBar": False},
    )
    points = event.selection.points
    if not points:
        return None
    row, column = points[0]["customdata"][:2]
    return classes[int(row)], classes[int(column)]


def _most_confused(view: View) -> Cell | None:
    st.markdown("**Most confused**")
    least = st.number_input(
        "At least this many images",
        1,
        1000,
        value=2,
        key="min-count",
        width=240 if view.is_multi else "stretch",
    )
    pairs = confusion.most_confused(view.found, min_count=int(least))
    if not pairs:
        st.caption("No pair of classes is confused that often.")
        return None
    event = st.dataframe(
        _rows(pairs, HEADS[view.is_multi]),
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key=f"most-confused-{view.run.id}-{hash(tuple(pairs))}",  # a choice ends with its rows
        height=min(420, 35 * (len(pairs) + 1) + 3),
    )
    chosen = event.selection.rows
    return (pairs[chosen[0]].label, pairs[chosen[0]].pred) if chosen else None


def _rows(pairs: list[Confusion], heads: tuple[str, str]) -> dict[str, list[object]]:
    return {
        heads[0]: [text.plain(pair.label) for pair in pairs],
        heads[1]: [text.plain(pair.pred) for pair in pairs],
        "images": [pair.count for pair in pairs],
    }
