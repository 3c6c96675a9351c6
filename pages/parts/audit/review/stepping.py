"""The component that steps through the queue, and the decisions that it sends.

It shows decisions at once and sends them as numbered operations until they are acknowledged, as
the gallery does; `core.datasets.edits` counts an operation once, however often it arrives.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.datasets import catalog, edits
from core.datasets.findings import Entry
from core.domain.items import Dataset
from core.review import queue, undone
from core.review.queue import Queue
from pages.parts import assets, errors, gallery, item_dialog, state
from pages.parts.audit.review import cards

KEY = "review"
BEFORE, N_CARDS = 8, 40
MOST_ACKNOWLEDGED = 500
_component = st.components.v2.component(
    "winnow_review", html='<div class="gallery review"></div>', js=assets.bootstrap("review.js")
)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a person is in the queue: the image, and its position in case it is not there."""

    item_id: int | None = None
    index: int = 0
    filters: str = ""


def show(dataset: Dataset, whole: Queue, entries: Sequence[Entry], *, filters: str) -> None:
    """Draw the component with a window of the entries, and open an image that it asks for."""
    at = _position(entries, _place(dataset.id), filters)
    start = max(0, at - BEFORE)
    window = queue.window(whole, entries, start=start, n=N_CARDS)
    jump = _jump(whole)
    extra = queue.cards(whole, [whole.by_item[jump["id"]]] if jump else [])
    history = edits.get_history(dataset.id)
    data = {
        "store": f"review:{dataset.id}",
        "multi": dataset.is_multi_label,
        "classes": list(catalog.classes(dataset.id)),
        "filters": filters,
        "total": len(entries),
        "start": start,
        "at": at,
        "cards": [cards.card(one) for one in window],
        "extra": [cards.card(one) for one in extra],
        "pictures": cards.pictures([*window, *extra]),
        "jump": jump,
        "nothing": "Nothing is left here." if not entries else "",
        "acked": _acknowledged(dataset.id),
        "can_undo": history.undo_target is not None,
        "can_redo": history.redo_target is not None,
    }
    result = _component(
        key=_component_key(dataset.id),
        data=data,
        on_operations_change=functools.partial(_receive, dataset.id),
        on_looked_change=functools.partial(_look, dataset.id),
        on_opened_change=errors.nothing,
    )
    if result.opened:
        _open(dataset.id, result.opened)


def _component_key(dataset_id: str) -> str:
    return f"review-{dataset_id}"


def _place(dataset_id: str) -> Place:
    found: Place = st.session_state.get(_place_key(dataset_id), Place())
    return found


def _place_key(dataset_id: str) -> str:
    return f"review.place.{dataset_id}"


def _position(entries: Sequence[Entry], place: Place, filters: str) -> int:
    """Find the position of a place; other filters begin with their first image."""
    if place.filters != filters:
        return 0
    known = (at for at, one in enumerate(entries) if one.item_id == place.item_id)
    return next(known, max(0, min(place.index, len(entries) - 1)))


def _jump(whole: Queue) -> dict[str, int] | None:
    """Give the image to come back to after an undo, with the number that tells undos apart."""
    found = undone.find_newest(whole.dataset_id)
    if found is None:
        return None
    back = (item_id for item_id in found.item_ids if item_id in whole.by_item)
    item_id = next(back, None)
    return None if item_id is None else {"id": item_id, "nonce": found.revision}


def _open(dataset_id: str, opened: dict[str, Any]) -> None:
    order = tuple(int(item_id) for item_id in opened["order"])
    known = catalog.get_items(order)
    mine = tuple(one for one in order if one in known and known[one].dataset_id == dataset_id)
    if int(opened["id"]) in mine:
        item_dialog.show(dataset_id, mine, first=int(opened["id"]))


@errors.callback
def _look(dataset_id: str) -> None:
    looked = st.session_state[_component_key(dataset_id)]["looked"]
    if looked:
        _remember(dataset_id, looked)


def _remember(dataset_id: str, where: dict[str, Any]) -> None:
    place = Place(item_id=where["id"], index=int(where["index"]), filters=str(where["filters"]))
    st.session_state[_place_key(dataset_id)] = place


@errors.callback
def _receive(dataset_id: str) -> None:
    sent = st.session_state[_component_key(dataset_id)]["operations"]
    done = _acknowledged(dataset_id)
    for operation in sent["operations"] if sent else ():
        if operation["id"] not in done:
            done.append(operation["id"])
            _carry_out(dataset_id, operation)
    del done[:-MOST_ACKNOWLEDGED]
    if sent:
        _remember(dataset_id, sent["where"])
    st.rerun([KEY, *(key for key in state.listeners() if key != KEY)])


def _carry_out(dataset_id: str, operation: dict[str, Any]) -> None:
    """Put one operation into the log; a refused one is told, and is over as well."""
    try:
        apply(dataset_id, operation)
    except Exception as error:  # noqa: BLE001  # told like every error; the others go on
        errors.leave(errors.explain(error))


def apply(dataset_id: str, operation: dict[str, Any]) -> None:
    """Carry out an operation as the browser sends it; raises ConflictError for the last copy."""
    for one in operation["decisions"]:
        if one["kind"] == "exclude":
            queue.check_one_is_left(one["copies"], excluded=one["item_ids"])
    gallery.apply(dataset_id, operation)


def _acknowledged(dataset_id: str) -> list[str]:
    found: list[str] = st.session_state.setdefault(f"review.acked.{dataset_id}", [])
    return found
