"""The gallery: many images, selected with mouse or keys, and decided about.

The component shows decisions at once and sends them as numbered operations until they are
acknowledged; `core.datasets.edits` counts an operation once, however often it arrives.
"""

import functools
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import streamlit as st

from core.datasets import catalog, edits
from core.domain import labellers
from core.domain.items import Item, ItemStatus
from pages.parts import assets, errors, item_dialog, item_words, state, text

MOST_ACKNOWLEDGED = 500
_component = st.components.v2.component(
    "winnow_gallery", html='<div class="gallery"></div>', js=assets.bootstrap("gallery.js")
)


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One image in a gallery; the order of the tiles is the order on screen."""

    item_id: int
    content_hash: str | None
    caption: str  # plain text
    tooltip: str
    label: str  # as it is now
    recorded_label: str
    excluded: bool = False
    kept: bool = False  # a person said that it is right as it is
    status: ItemStatus = "ok"
    shows_label: bool = False  # in a line above the caption, which follows every decision
    suggestion: str | None = None  # the class that a relabel offers first


def tile(item: Item, *, caption: str | None = None, suggestion: str | None = None) -> Tile:
    """Make the tile of an item; without a caption it shows the label and what is its file."""
    own = item_words.problem(item) if item.status == "broken" else item.name
    return Tile(
        item_id=item.id,
        content_hash=item.content_hash,
        caption=text.plain_lines(str(own) if caption is None else caption),
        tooltip=text.plain(item.path),
        label=item.label,
        recorded_label=item.recorded_label,
        excluded=item.excluded,
        kept=item.decision == "keep",
        status=item.status,
        shows_label=caption is None,
        suggestion=suggestion,
    )


def show(  # noqa: PLR0913  # the whole surface of the component
    dataset_id: str,
    tiles: Sequence[Tile],
    *,
    key: str,
    classes: Sequence[str],
    staged: bool = False,
    multi: bool = False,
    tile_px: int = 160,
    height_px: int | None = None,
) -> None:
    """Show images to decide about: exclude, relabel, keep, undo, open large.

    With `staged` decisions are only marked until "Apply" is pressed; otherwise each is sent at
    once. With `multi` a relabel adds a class to the images, or takes it away where all have it.
    Only the gallery and what listens (`state.listen`) is redrawn after a decision.
    """
    view = {
        "store": f"{dataset_id}:{key}",
        "classes": list(classes),
        "staged": staged,
        "multi": multi,
        "tile_px": tile_px,
        "height_px": height_px,
    }
    fragment = st.fragment(_draw, key=fragment_key(key))
    fragment(dataset_id, tuple(tiles), key=key, view=view)


def fragment_key(key: str) -> str:
    """Name the fragment of a gallery, for those who want it redrawn."""
    return f"gallery-{key}"


@errors.boundary()
def _draw(dataset_id: str, tiles: tuple[Tile, ...], *, key: str, view: dict[str, Any]) -> None:
    fresh = _refresh(dataset_id, tiles)
    history = edits.get_history(dataset_id)
    data = {
        **view,
        "classes": _with_new(view["classes"], fresh, multi=view["multi"]),
        "tiles": [_plain(one) for one in fresh],
        "acked": _acknowledged(key),
        "can_undo": history.undo_target is not None,
        "can_redo": history.redo_target is not None,
    }
    result = _component(
        key=key,
        data=data,
        on_operations_change=functools.partial(_receive, dataset_id, key),
        on_opened_change=errors.nothing,
    )
    if result.opened:
        order = tuple(one.item_id for one in fresh)
        item_dialog.show(dataset_id, order, first=int(result.opened["id"]))


def _refresh(dataset_id: str, tiles: tuple[Tile, ...]) -> list[Tile]:
    """Give the tiles as the store has them now: a fragment's arguments are as old as its page."""
    items = catalog.get_items([one.item_id for one in tiles], split_id=None)
    return [
        replace(
            one,
            label=items[one.item_id].label,
            recorded_label=items[one.item_id].recorded_label,
            excluded=items[one.item_id].excluded,
            kept=items[one.item_id].decision == "keep",
            status=items[one.item_id].status,
        )
        for one in tiles
        if one.item_id in items and items[one.item_id].dataset_id == dataset_id
    ]


def _with_new(classes: Sequence[str], tiles: Sequence[Tile], *, multi: bool) -> list[str]:
    """Add the classes that relabels on this page have made, at the end: numbers keep theirs."""
    changed = [
        one.label for one in tiles if one.status == "ok" and one.label != one.recorded_label
    ]
    used = {name for label in changed for name in labellers.split(label, multi=multi)}
    return [*classes, *sorted(used.difference(classes))]


def _plain(one: Tile) -> dict[str, Any]:
    values = asdict(one)
    return {"id": values.pop("item_id"), "hash": values.pop("content_hash"), **values}


@errors.callback
def _receive(dataset_id: str, key: str) -> None:
    sent = st.session_state[key]["operations"]
    done = _acknowledged(key)
    for operation in sent["operations"] if sent else ():
        if operation["id"] not in done:
            done.append(operation["id"])
            _carry_out(dataset_id, operation)
    del done[:-MOST_ACKNOWLEDGED]
    st.rerun([fragment_key(key), *state.listeners()])


def _carry_out(dataset_id: str, operation: dict[str, Any]) -> None:
    """Put one operation into the log; a refused one is told, and is over as well."""
    try:
        apply(dataset_id, operation)
    except Exception as error:  # noqa: BLE001  # told like every error; the others go on
        errors.leave(errors.explain(error))


def apply(dataset_id: str, operation: dict[str, Any]) -> None:
    """Carry out an operation as the browser sends it: an id, a kind, and decisions."""
    operation_id = operation["id"]
    if operation["kind"] == "undo":
        edits.undo(dataset_id, operation_id=operation_id)
    elif operation["kind"] == "redo":
        edits.redo(dataset_id, operation_id=operation_id)
    else:
        decisions = [
            edits.Decision(
                kind=one["kind"],
                item_ids=tuple(int(item_id) for item_id in one["item_ids"]),
                label=one["label"],
            )
            for one in operation["decisions"]
        ]
        edits.apply_all(dataset_id, operation_id=operation_id, decisions=decisions)


def _acknowledged(key: str) -> list[str]:
    found: list[str] = st.session_state.setdefault(f"gallery.acked.{key}", [])
    return found
