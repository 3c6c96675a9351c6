"""What fastai's `DataBlock.summary` prints for a plan, asked for once somebody opens it."""

from typing import Any

import streamlit as st

from core.runs import plans, previews
from core.runs.previews import Preview
from pages.parts import errors, text

POLL_SECONDS = 0.4
HEIGHT_PX = 420
KEY = "summary"


def show(dataset_id: str) -> None:
    """Draw the closed box; its text is made when it is open, also where a batch failed."""
    box = st.expander(
        "Summary of the data block", key=KEY, on_change="rerun", icon=":material/list_alt:"
    )
    if not box.open:
        return
    with box:
        found = _request(dataset_id)
        if found.error is not None:
            _failed(found)
        elif found.result is None:
            _wait(dataset_id)
        else:
            _text(found.result)


def _request(dataset_id: str) -> Preview:
    return previews.request_summary(dataset_id, plans.get(dataset_id))


@st.fragment(run_every=POLL_SECONDS)
@errors.boundary()
def _wait(dataset_id: str) -> None:
    found = _request(dataset_id)
    if found.result is not None or found.error is not None:
        st.rerun()
    st.skeleton(height=120)


def _failed(found: Preview) -> None:
    hint = f"  \n{text.escape(found.hint)}" if found.hint else ""
    st.error(f"{text.escape(found.error or '')}{hint}", icon=":material/error:")
    st.button("Try again", key=f"{KEY}-again", on_click=_retry, args=(found.key,))


@errors.callback
def _retry(key: str) -> None:
    previews.retry(key)


def _text(result: dict[str, Any]) -> None:
    printed = text.plain_lines(result["text"])
    if result["error"] is not None:
        st.error(
            f"{text.escape(result['error'])}  \nThe summary ends there. {_last_step(printed)}"
            f"{text.escape(result['hint'] or '')}",
            icon=":material/error:",
        )
    st.caption(
        "What fastai prints of the first train batch, from the file to what the network gets."
    )
    st.code(printed, language=None, height=HEIGHT_PX)


def _last_step(printed: str) -> str:
    """Name the last step that was begun: fastai prints steps unindented, and those that failed."""
    steps = [
        line.strip()
        for line in printed.splitlines()
        if line[:1].isalpha() or line.endswith(" failed.")
    ]
    return f"Its last step: *{text.escape(text.shorten(steps[-1], 80))}*.  \n" if steps else ""
