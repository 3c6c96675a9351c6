"""One image, large, with all that is known of it."""

import html

import streamlit as st

from core.datasets import catalog, related, thumbnails
from core.domain.items import Item
from pages.parts import errors, item_words, looked_at, state, text

POSITION = "item_dialog.position"
MOST_MATES = 12


@st.dialog("Image", width="large", icon=":material/image:")
@errors.boundary()
def show(dataset_id: str, item_ids: tuple[int, ...], *, first: int) -> None:
    """Show the item `first` of a list, with buttons to the previous and the next one."""
    opened_at, offset = st.session_state.get(POSITION, (None, 0))
    if opened_at != first:
        offset = 0
    index = (item_ids.index(first) + offset) % len(item_ids)
    _turn_buttons(first, offset, f"{index + 1:,} of {len(item_ids):,} on this page")
    item = catalog.get_item(item_ids[index], split_id=state.find_split_id(dataset_id))
    left, right = st.columns([3, 2], gap="medium")
    with left:
        if not looked_at.show(item):
            _picture(item)
    multi = catalog.get(dataset_id).is_multi_label
    with right:
        _facts(item, multi=multi)
        _mates(item, multi=multi)
        _edits(item)


def _turn_buttons(first: int, offset: int, place: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, icon, step in (("Previous", "arrow_back", -1), ("Next", "arrow_forward", 1)):
            st.button(
                label,
                icon=f":material/{icon}:",
                key=f"item-dialog-{icon}",
                on_click=_turn,
                args=(first, offset + step),
            )
        st.caption(place, width="content")


@errors.callback
def _turn(first: int, offset: int) -> None:
    st.session_state[POSITION] = (first, offset)


def _picture(item: Item) -> None:
    problem = item_words.problem(item)
    if problem:
        st.warning(text.escape(problem))
    size_px = _largest_px(item)
    if size_px is None:
        return
    st.html(
        f'<img src="/thumb/{html.escape(str(item.content_hash))}/{size_px}" '
        f'alt="{html.escape(text.plain(item.name))}" '
        'style="width:100%;height:64vh;object-fit:contain;object-position:top left">'
    )


def _largest_px(item: Item) -> int | None:
    """Give the size to show an item in: of a file that is gone the largest that was kept."""
    if item.content_hash is None or item.status == "broken":
        return None
    if item.status == "ok":
        return max(thumbnails.SIZES_PX)
    kept = (px for px in thumbnails.SIZES_PX if thumbnails.find(item.content_hash, size_px=px))
    return max(kept, default=None)


def _facts(item: Item, *, multi: bool) -> None:
    st.markdown(f"**{text.escape(item.name)}**")
    rows = [
        ("Labels" if multi else "Label", _label(item, multi=multi)),
        ("Part", _part(item)),
        ("State", "excluded" if item.excluded else "in use" if item.in_use else item.status),
        ("Rank", f"{item.rank} in its list" if item.rank is not None else None),
        ("Size", item_words.size(item)),
        ("Colours", _colours(item)),
        ("File", _file(item)),
        ("Path", text.escape(item.path)),
        ("Content hash", item.content_hash or "not read"),
    ]
    st.markdown("  \n".join(f":gray[{name}] {value}" for name, value in rows if value))


def _label(item: Item, *, multi: bool) -> str:
    label = text.escape(item_words.label(item.label, multi=multi))
    if item.label == item.recorded_label:
        return label
    recorded = text.escape(item_words.label(item.recorded_label, multi=multi))
    return f"{label}  (on disk: {recorded})"


def _part(item: Item) -> str:
    part = item.part or "none"
    if item.recorded_part is None or item.recorded_part == item.part:
        return part
    return f"{part}  (on disk: {item.recorded_part})"


def _colours(item: Item) -> str | None:
    if item.mode is None:
        return None if item.status == "broken" else "unknown until the next scan"
    stored = text.escape(item_words.mode(item.mode))
    is_grey_within = item.is_grey and "grey" not in stored and item.mode != "1"
    return f"{stored}, but all grey" if is_grey_within else stored


def _file(item: Item) -> str:
    kind = text.escape(item.format or "unknown format")
    size = text.size(item.size_bytes)
    return f"{kind}, {size}{', named like another format' if item.is_misnamed else ''}"


def _mates(item: Item, *, multi: bool) -> None:
    mates = related.list_mates(item)
    if not mates:
        return
    st.caption(f"Equal or nearly equal: {text.count(len(mates), 'image')}")
    shown = [mate for mate in mates if mate.content_hash][:MOST_MATES]
    st.html("".join(_small(mate, multi=multi) for mate in shown))


def _small(mate: Item, *, multi: bool) -> str:
    label = item_words.label(mate.label, multi=multi)
    note = f"{text.plain(mate.path)} — {label}{', excluded' if mate.excluded else ''}"
    return (
        f'<img src="/thumb/{html.escape(str(mate.content_hash))}/256" width="84" '
        f'alt="{html.escape(note)}" title="{html.escape(note)}" '
        f'style="border-radius:6px;margin:0 6px 6px 0;opacity:{0.4 if mate.excluded else 1}">'
    )


def _edits(item: Item) -> None:
    entries = related.list_edits(item)
    if not entries:
        st.caption("No edits so far.")
        return
    lines = [
        f"- {text.escape(entry.note)}, {text.ago(entry.created_at)}"
        f"{'' if entry.in_force else ' (undone)'}"
        for entry in entries
    ]
    st.caption("Edits")
    st.markdown("\n".join(lines))
