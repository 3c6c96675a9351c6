"""The filters of a gallery: a row of the usual ones, a popover of more, and what is chosen there.

What hides in the popover, and the status that a chart chooses, show as chips below the row, each
of which takes its filter away: a person always sees why images are missing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import streamlit as st

from core.datasets.catalog import ItemFilter, Order, Range, Status, queries
from core.datasets.catalog.statistics import Measure
from core.datasets.images import FORMATS
from core.domain.items import PARTS, Dataset
from pages.parts import errors, text

STATUSES: dict[str, Status] = {
    "in use": "in_use",
    "excluded": "excluded",
    "relabelled": "relabelled",
    "broken": "broken",
    "gone": "gone",
}
ORDERS: tuple[Order, ...] = get_args(Order)
COLOURS = {"grey": True, "colour": False}
COPIES = {"exact": "exact", "across classes": "across_classes"}
KB = 1000  # bytes
OWNER = "image_filters.dataset"  # the dataset that the filters were chosen for
MISNAMED = "Such a file is read by its content, whatever its name says."


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A measure that two numbers limit: its words, its unit, and how it is typed."""

    title: str
    unit: str
    names: tuple[str, str]  # of the two inputs, in the address
    scale: int = 1  # how many of the measure one of the unit is
    step: float = 1


LIMITS: dict[Measure, Limit] = {
    "shorter_px": Limit(title="Shorter side", unit="px", names=("side_from", "side_below")),
    "aspect": Limit(
        title="Width / height", unit="", names=("shape_from", "shape_below"), step=0.01
    ),
    "size_bytes": Limit(title="File size", unit="kB", names=("kb_from", "kb_below"), scale=KB),
}


def show(dataset: Dataset, classes: Sequence[str]) -> ItemFilter:
    """Draw the filters, and give what is chosen."""
    _forget_another(dataset.id)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        labels = st.multiselect(
            "Class",
            classes,
            format_func=lambda name: text.plain(text.shorten(name, 40)),
            placeholder="All classes",
            key=classes_key(dataset.id),
            width=220,
        )
        part = _choice("Part", PARTS, "part", placeholder="All parts", width=120)
        status = _choice("Status", tuple(STATUSES), "status", placeholder="All", width=130)
        name = st.text_input(
            "File name", key="name", bind="query-params", placeholder="contains…", width=170
        )
        orders = _orders(dataset.id, revision=dataset.revision, scanned_at=dataset.scanned_at)
        order = st.selectbox("Order by", orders, key="order", bind="query-params", width=130)
        with st.popover("More filters", icon=":material/tune:"):
            more = _more()
    _chips({"status": status, **more})
    return ItemFilter(
        labels=tuple(labels) or None,
        parts=(part,) if part else None,
        status=STATUSES.get(status),
        name_contains=name,
        order=order,
        **more,
    )


def classes_key(dataset_id: str) -> str:
    """Name the choice of classes, for those who set it."""
    return f"browse-classes-{dataset_id}"


def choose(dataset_id: str, **values: object) -> None:
    """Look at the images in use that one filter lets through; belongs into a callback."""
    _let_all_through(dataset_id)
    for name, value in {"status": "in use", **values}.items():
        st.session_state[name] = value


@errors.callback
def clear_all(dataset_id: str) -> None:
    """Take every filter away; the order stays."""
    _let_all_through(dataset_id)


def empty_ranges(filters: ItemFilter) -> list[str]:
    """Say of each range that ends before it begins that nothing can lie in it."""
    return [
        f"{_in_words(measure)(limits)}: nothing lies between, the first number must be smaller."
        for measure in LIMITS
        if (limits := getattr(filters, measure)) is not None and _is_empty(*limits)
    ]


def within(measure: Measure, limits: Range) -> dict[str, float | None]:
    """Give the values that `choose` takes for a range of a measure."""
    limit = LIMITS[measure]
    return {
        name: None if end is None else type(limit.step)(end / limit.scale)
        for name, end in zip(limit.names, limits, strict=True)
    }


def _is_empty(low: float | None, high: float | None) -> bool:
    return low is not None and high is not None and low >= high


def _forget_another(dataset_id: str) -> None:
    """Drop what was chosen for another dataset, and what an address that brings filters lacks.

    What is in the address outlasts a visit to another page; the choice of classes does not, which
    tells who comes from there from who changes the dataset here, with the old one's filters still
    in the address.
    """
    owner = st.session_state.get(OWNER)
    comes = owner is None or classes_key(owner) not in st.session_state
    brought = {name for name in _open_values() if comes and name in st.query_params}
    if brought or owner != dataset_id:
        for name, value in _open_values().items():
            if name not in brought:
                st.session_state[name] = value
        if not (comes and "order" in st.query_params):
            st.session_state["order"] = ORDERS[0]
    st.session_state[OWNER] = dataset_id


@st.cache_data(max_entries=64, show_spinner=False)
def _orders(dataset_id: str, *, revision: int, scanned_at: float | None) -> tuple[Order, ...]:
    """Give the orders that tell this dataset's images apart; kept for each revision and scan."""
    return tuple(one for one in ORDERS if one != "rank" or queries.has_ranks(dataset_id))


def _let_all_through(dataset_id: str) -> None:
    for name, value in _open_values().items():
        st.session_state[name] = value
    st.session_state[classes_key(dataset_id)] = []


def _open_values() -> dict[str, Any]:
    """Give the values of all inputs with a name in the address that let everything through."""
    return {**_cleared(), "part": None, "name": ""}


def _cleared() -> dict[str, Any]:
    """Give the values of the inputs behind the chips that let everything through."""
    ends = [name for limit in LIMITS.values() for name in limit.names]
    others = {"status": None, "format": [], "colours": None, "misnamed": False, "copies": None}
    return others | dict.fromkeys(ends)


def _choice(
    title: str, options: Sequence[str], key: str, *, placeholder: str, width: int | str = "stretch"
) -> Any:
    return st.selectbox(
        title,
        options,
        index=None,
        placeholder=placeholder,
        key=key,
        bind="query-params",
        width=width,
    )


def _more() -> dict[str, Any]:
    """Draw the filters of the popover, and give those that are chosen by their field."""
    formats = st.multiselect(
        "Format", FORMATS, placeholder="All formats", key="format", bind="query-params"
    )
    misnamed = st.checkbox(
        "Named like another format", key="misnamed", bind="query-params", help=MISNAMED
    )
    colours = _choice("Colours", tuple(COLOURS), "colours", placeholder="Grey and colour")
    copies = _choice("Exact copies", tuple(COPIES), "copies", placeholder="Copies or not")
    found: dict[str, Any] = {
        "formats": tuple(formats) or None,
        "is_misnamed": True if misnamed else None,
        "is_grey": COLOURS.get(colours),
        "copies": COPIES.get(copies),
    }
    return found | {measure: _range(limit) for measure, limit in LIMITS.items()}


def _range(limit: Limit) -> Range | None:
    title = f"{limit.title}, {limit.unit}" if limit.unit else limit.title
    with st.container(horizontal=True):
        values = [
            st.number_input(
                f"{title}: {word}",
                min_value=type(limit.step)(0),
                value=None,
                step=limit.step,
                key=name,
                bind="query-params",
                placeholder="any",
            )
            for word, name in zip(("from", "below"), limit.names, strict=True)
        ]
    if values == [None, None]:
        return None
    low, high = (None if value is None else value * limit.scale for value in values)
    return low, high


def _chips(values: Mapping[str, Any]) -> None:
    """Show the filters among some that are in force, each with a way to take it away."""
    chosen = [
        (name, words(value), keys)
        for name, (words, keys) in _WORDS.items()
        if (value := values[name]) is not None
    ]
    if not chosen:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for name, words, keys in chosen:
            _chip(name, words, keys)
        if len(chosen) > 1:
            _chip("all", "Clear these", tuple(_cleared()))


def _chip(name: str, words: str, keys: tuple[str, ...]) -> None:
    st.button(
        words,
        key=f"chip-{name}",
        icon=":material/close:",
        help="Take this filter away" if name != "all" else None,
        on_click=_clear,
        args=keys,
    )


@errors.callback
def _clear(*keys: str) -> None:
    for key in keys:
        st.session_state[key] = _cleared()[key]


def _in_words(measure: Measure) -> Callable[[Range], str]:
    limit = LIMITS[measure]

    def write(limits: Range) -> str:
        low, high = (None if one is None else f"{one / limit.scale:g}" for one in limits)
        ends = [f"from {low}"] * (low is not None) + [f"below {high}"] * (high is not None)
        return f"{limit.title} {', '.join(ends)} {limit.unit}".rstrip()

    return write


_WORDS: dict[str, tuple[Callable[[Any], str], tuple[str, ...]]] = {
    "status": (lambda status: f"Status: {status}", ("status",)),
    "formats": (", ".join, ("format",)),
    "is_misnamed": (lambda _: "Named like another format", ("misnamed",)),
    "is_grey": (lambda grey: "Grey" if grey else "Colour", ("colours",)),
    "copies": (
        lambda found: "Exact copies" + (" across classes" if found == "across_classes" else ""),
        ("copies",),
    ),
    **{measure: (_in_words(measure), limit.names) for measure, limit in LIMITS.items()},
}
