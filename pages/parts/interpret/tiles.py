"""Images with what the model made of them, a page at a time, to decide about."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.datasets import catalog
from core.domain import labellers
from core.review import predictions, top_losses
from core.review.top_losses import Probable, TopLoss
from pages.parts import gallery, item_words, text
from pages.parts.interpret.view import View

A_PAGE = 48
MOST_NAMED = 2  # a caption has two lines
MOST_LETTERS = 28  # of names in a line of a caption, whatever else stands there
SHORT = 10  # letters of a name that stands beside numbers
MOST_BEHIND = 200  # images behind a cell, a pair or a label


def of_items(view: View, item_ids: Sequence[int], *, key: str) -> None:
    """Show validation items in the given order, the first two hundred of them."""
    positions = predictions.positions(view.found, item_ids[:MOST_BEHIND])
    show(view, top_losses.of_valid(view.found, positions), key=key)
    if len(item_ids) > MOST_BEHIND:
        st.caption(f"The first {MOST_BEHIND} of {len(item_ids):,}.")


def page(n_items: int, *, key: str) -> slice:
    """Draw the page numbers where one page is too small; give what the chosen one shows."""
    n_pages = max(1, -(-n_items // A_PAGE))
    number = st.pagination(n_pages, key=f"{key}-{n_pages}") if n_pages > 1 else 1
    return slice((number - 1) * A_PAGE, number * A_PAGE)


def positions_page(view: View, positions: np.ndarray, *, key: str) -> list[TopLoss]:
    """Tell of the validation items of one page."""
    return top_losses.of_valid(view.found, positions[page(len(positions), key=key)])


def show(view: View, shown: Sequence[TopLoss], *, key: str) -> None:
    """Show items that may be excluded or relabelled, the model's own answer offered first."""
    items = catalog.get_items([one.item_id for one in shown], split_id=None)
    multi = view.dataset.is_multi_label
    tiles = [
        gallery.tile(
            items[one.item_id],
            caption=caption(one, multi=multi),
            suggestion=_suggestion(one, multi=multi),
        )
        for one in shown
        if one.item_id in items
    ]
    gallery.show(
        view.dataset.id,
        tiles,
        key=f"losses-{view.run.id}-{key}",
        classes=catalog.classes(view.dataset.id),
        staged=True,
        multi=multi,
        tile_px=220,
    )


def caption(one: TopLoss, *, multi: bool) -> str:
    """Write what an item is, what it was taken for, and how sure the model was; plain text."""
    if multi:
        labels = text.shorten(item_words.label(one.label, multi=True), MOST_LETTERS)
        return f"{labels} · loss {one.loss:.2f}\n{_of_several(one)}"
    own = "" if one.label_probability is None else f", {one.label_probability:.0%} own"
    label, pred = (text.shorten(name, MOST_LETTERS // 2) for name in (one.label, one.pred))
    sure = f"{one.probability:.0%} {text.shorten(one.pred, SHORT)}"
    return f"{label} → {pred}\nloss {one.loss:.2f} · {sure}{own}"


def _of_several(one: TopLoss) -> str:
    if one.probability is not None:  # of train only the most probable class is known
        return f"mostly {text.shorten(one.pred, MOST_LETTERS // 2)}, {one.probability:.0%}"
    said = [
        f"{word} {_named(some)}"
        for word, some in (("missed", one.missed), ("wrongly", one.wrongly_given))
        if some
    ]
    return "; ".join(said) or "all right"


def _named(some: Sequence[Probable]) -> str:
    listed = ", ".join(
        f"{text.shorten(name, SHORT)} {probability:.0%}" for name, probability in some[:MOST_NAMED]
    )
    n_more = len(some) - MOST_NAMED
    return f"{listed} and {n_more} more" if n_more > 0 else listed


def _suggestion(one: TopLoss, *, multi: bool) -> str | None:
    """Offer the pred as the new label; of train's several labels it is one besides its own."""
    if one.is_right:
        return None
    if multi and one.probability is not None:
        return labellers.join([*labellers.split(one.label, multi=True), one.pred])
    return one.pred or None
