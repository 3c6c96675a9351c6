"""Widgets for single fields of a plan's recipe: each shows the field and keeps every change.

A field is named by its path, such as `("stages", 0, "schedule", "div")`. Streamlit refuses a
value outside a widget's limits, and a recipe from a file may hold one: limits give way to it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.domain.errors import InputError
from core.domain.recipes import Recipe
from core.runs import plans
from pages.parts import errors, text

Path = tuple[str | int, ...]
Limits = tuple[float, float, float]
"""Lowest, highest, step."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """The recipe that is edited, and the dataset whose plan it belongs to."""

    dataset_id: str
    recipe: Recipe

    def key(self, path: Path, name: str = "") -> str:
        """Give the key of a field's widget."""
        return "-".join(
            [*(str(part) for part in path), *([name] if name else []), self.dataset_id]
        )

    def value(self, path: Path) -> Any:
        """Give a field's value."""
        found: Any = self.recipe
        for part in path:
            found = getattr(found, part) if isinstance(part, str) else found[part]
        return found


def whole(
    form: Form, path: Path, label: str, limits: Limits, said: str | None = None
) -> None:  # Streamlit's word
    """Draw a whole number."""
    value = int(form.value(path))
    low, high, step = (int(one) for one in limits)
    key = _held(form, path, value)
    st.number_input(
        label,
        min(low, value),
        max(high, value),
        step=step,
        key=key,
        on_change=_changed,
        args=(form.dataset_id, path, key),
        help=said,
    )


def open_whole(
    form: Form,
    path: Path,
    label: str,
    limits: Limits,
    *,
    empty: str,
    said: str | None = None,
) -> None:
    """Draw a whole number that may be left out; `empty` says what holds then."""
    value = form.value(path)
    low, high, step = (int(one) for one in limits)
    key = _held(form, path, value)
    st.number_input(
        label,
        min(low, low if value is None else value),
        max(high, high if value is None else value),
        value=None,
        step=step,
        key=key,
        placeholder=empty,
        on_change=_changed_or_left_out,
        args=(form.dataset_id, path, key),
        help=said,
    )


def slider(form: Form, path: Path, label: str, limits: Limits, said: str | None = None) -> None:
    """Draw a number on a slider."""
    value = float(form.value(path))
    low, high, step = limits
    key = _held(form, path, value)
    st.slider(
        label,
        min(low, value),
        max(high, value),
        step=step,
        key=key,
        on_change=_changed,
        args=(form.dataset_id, path, key),
        help=said,
    )


def toggle(form: Form, path: Path, label: str, said: str | None = None) -> None:
    """Draw a choice between yes and no."""
    key = _held(form, path, form.value(path))
    st.toggle(label, key=key, on_change=_changed, args=(form.dataset_id, path, key), help=said)


def optional(form: Form, path: Path, label: str, begin: object, said: str | None = None) -> bool:
    """Draw a switch for something that may be left out; on, it is what `begin` says."""
    value = form.value(path)
    key = form.key(path, "on")
    st.session_state[key] = value is not None
    st.toggle(
        label,
        key=key,
        on_change=_switched,
        args=(form.dataset_id, path, key, begin),
        help=said,
    )
    return value is not None


def typed(
    form: Form,
    path: Path,
    label: str,
    limits: tuple[float, float],
    *,
    empty: str | None = None,
    said: str | None = None,
) -> None:
    """Draw a number that is typed, such as a rate; with `empty` it may be left out."""
    value = form.value(path)
    key = _held(form, path, "" if value is None else number(value))
    st.text_input(
        label,
        key=key,
        placeholder=empty or "",
        on_change=_typed,
        args=(form.dataset_id, path, key, (label, *limits, empty is not None)),
        help=said,
    )


def pick(
    form: Form,
    path: Path,
    label: str,
    options: Mapping[str, object],
    *,
    chosen: str | None = None,
    said: str | None = None,
) -> None:
    """Draw a choice; `options` gives each word the value that the field takes with it."""
    key = form.key(path, label.lower())
    words = list(options)
    value = form.value(path)
    st.session_state[key] = chosen or next(
        (word for word, option in options.items() if option == value), words[0]
    )
    st.selectbox(
        label,
        words,
        key=key,
        on_change=_picked,
        args=(form.dataset_id, path, key, options),
        help=said,
    )


def folded(form: Form, title: str, icon: str, *, name: str) -> DeltaGenerator:
    """Make a part of the form that opens at a click.

    Its key keeps it open when an error above moves the page down: without one Streamlit takes it
    for another part, and closes it.
    """
    key, symbol = f"{name}-{form.dataset_id}", f":material/{icon}:"
    return st.expander(title, icon=symbol, key=key, on_change="rerun")


def number(value: float) -> str:
    """Write a number as it can be typed, nothing rounded away: `0.002`, `1e-05`."""
    return repr(int(value)) if value == int(value) and abs(value) < 1e6 else repr(value)


def parse(written: str, label: str, low: float, high: float) -> float:
    """Read a typed number from `low` to `high`; InputError names it where it is none."""
    try:
        value = float(written.replace(",", "."))
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise InputError(
            f"{label}: {written!r} is not a number from {low:g} to {high:g}.",
            hint="Write it as 0.002 or 2e-3. Nothing was changed.",
        )
    return value


def note(said: str) -> None:
    """Write a small sentence."""
    st.caption(text.escape(said))


def _held(form: Form, path: Path, value: object) -> str:
    """Set a widget to the field's value, and give its key."""
    key = form.key(path)
    st.session_state[key] = value
    return key


@errors.callback
def _changed(dataset_id: str, path: Path, key: str) -> None:
    if st.session_state[key] is not None:
        plans.set_field(dataset_id, path, st.session_state[key])


@errors.callback
def _changed_or_left_out(dataset_id: str, path: Path, key: str) -> None:
    plans.set_field(dataset_id, path, st.session_state[key])


@errors.callback
def _switched(dataset_id: str, path: Path, key: str, begin: object) -> None:
    plans.set_field(dataset_id, path, begin if st.session_state[key] else None)


@errors.callback
def _typed(
    dataset_id: str, path: Path, key: str, expected: tuple[str, float, float, bool]
) -> None:
    label, low, high, may_be_empty = expected
    written = st.session_state[key].strip()
    value = None if may_be_empty and not written else parse(written, label, low, high)
    plans.set_field(dataset_id, path, value)


@errors.callback
def _picked(dataset_id: str, path: Path, key: str, options: Mapping[str, object]) -> None:
    plans.set_field(dataset_id, path, options[st.session_state[key]])
