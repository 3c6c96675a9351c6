"""Make a dataset of lists of image addresses."""

import streamlit as st

from core.datasets.urls import downloads
from core.datasets.urls.lists import UrlList
from core.domain.errors import InputError
from core.runs import tasks
from pages.parts import errors, state
from pages.parts.ways_in import url_lists

N_MADE = "urls_form.n_made"
NAME = "urls-name"
PRIVATE = "urls-private"
READ = "urls_form.read"  # what the form shows, for the button's callback


def show() -> None:
    """Draw the form, and what is in the lists."""
    st.caption(
        "Text files of addresses, one file a class, or a CSV with an address and a class a row. "
        "The order is kept as each image's rank: search engines put the best first."
    )
    found = url_lists.choose(_key())
    st.session_state[READ] = found
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Name of the dataset", key=NAME, placeholder="bears", max_chars=120)
        st.button(
            "Download",
            type="primary",
            icon=":material/download:",
            on_click=_download,
            disabled=not found,
        )
    st.checkbox(
        "Allow addresses inside this machine and its network",
        key=PRIVATE,
        help="A list from a stranger could otherwise make Winnow fetch pages that only this "
        "machine can reach.",
    )


@errors.callback
def _download() -> None:
    found: list[UrlList] = st.session_state.get(READ) or []
    name = st.session_state[NAME].strip()
    if not name:
        raise InputError("The dataset has no name yet.", hint="Type a name beside the button.")
    dataset = downloads.make(found, name=name)
    state.choose_dataset(dataset.id)
    allow = bool(st.session_state[PRIVATE])
    tasks.start("download", dataset_id=dataset.id, params={"allow_private": allow})
    st.session_state[N_MADE] = st.session_state.get(N_MADE, 0) + 1
    st.session_state[NAME] = ""


def _key() -> str:
    """Name the widgets of the lists; new ones after each download: an upload cannot be cleared."""
    return f"urls-{st.session_state.get(N_MADE, 0)}"
