"""What an audit says of itself: of what it was, what each finder found, and how long it took."""

from typing import Any

import streamlit as st

from pages.parts import text

PIXELS = "pixels"
FINDERS = {
    "files": "files that cannot be read",
    "copies": "exact copies",
    "near": "nearly equal, and leaks into valid",
    "looks": "dark, bright, blurred, odd shapes",
    "drawings": "drawings, charts, screenshots",
    "outliers": "odd ones of their class",
    "labels": "labels that others speak against",
}
STEPS = {
    "features": "describing the images",
    "neighbours": "nearest images",
    "map": "map",
    **FINDERS,
}


def in_short(result: dict[str, Any], *, revision: int) -> str:
    """Say in a line of Markdown what the last audit was of, and what it did not see yet."""
    said = (
        f"{text.count(result['n_items'], 'image')} at revision {result['revision']}, described by "
        f"{'their pixels' if result['arch'] == PIXELS else text.escape(str(result['arch']))}"
    )
    if revision != result["revision"]:
        return f"{said}. :orange[The dataset has changed since: audit again], which is quick."
    return f"{said}. Nothing has changed since."


def popover(result: dict[str, Any]) -> None:
    """Draw the button that opens the table of what was found, and how long it took."""
    seconds: dict[str, float] = result["seconds"]
    n_found: dict[str, int] = result["n_found"]
    with st.popover("What it found", icon=":material/checklist:"):
        names = [name for name in STEPS if name in seconds or name in n_found]
        names += [name for name in seconds if name not in STEPS]
        st.dataframe(
            {
                "looked for": [STEPS.get(name, name) for name in names],
                "found": [f"{n_found[name]:,}" if name in n_found else "" for name in names],
                "seconds": [seconds.get(name) for name in names],
            },
            hide_index=True,
            key="audit-outcome",
            width=460,
            height=35 * (len(names) + 1) + 3,
            column_config={
                "found": st.column_config.TextColumn(alignment="right"),
                "seconds": st.column_config.NumberColumn(format="%.1f"),
            },
        )
        st.caption(_sums(result))


def notes(result: dict[str, Any]) -> None:
    """Draw what could not be judged, and why."""
    for note in result["notes"]:
        st.caption(f":material/info: {text.escape(str(note))}")


def _sums(result: dict[str, Any]) -> str:
    said = f"Together {text.duration(sum(result['seconds'].values()))}."
    number = result.get("n_label_issues")
    if number is None:
        return said
    labels = text.count(number, "label is", "labels are")
    return f"{said} About {labels} wrong by cleanlab's estimate, which counts hard images, too."
