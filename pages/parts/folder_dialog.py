"""A dialog to browse to a folder on the machine where Winnow runs."""

from pathlib import Path

import streamlit as st

from core.datasets import folders
from pages.parts import errors, text

CHOSEN = "folder_dialog.chosen"
HERE = "folder_dialog.here"
FILTER = "folder-dialog-filter"
MOST = 200


@st.dialog("Choose a folder", width="medium", icon=":material/folder_open:")
@errors.boundary()
def show(typed: str) -> None:
    """Walk through folders from the typed one; the chosen one is left in the session as CHOSEN."""
    here = st.session_state.get(HERE) or _start(typed)
    with st.container(horizontal=True, vertical_alignment="center"):
        _button("Up", "arrow_upward", "up", str(Path(here).parent))
        _button("Home", "home", "home", str(Path.home()))
        st.space("stretch")
        chosen = st.button("Use this folder", type="primary", key="folder-dialog-use")
    st.markdown(text.escape(here))
    wanted = st.text_input(
        "Filter", key=FILTER, placeholder="Filter", label_visibility="collapsed"
    )
    with st.container(height=320, gap=None):
        _entries(here, wanted.casefold())
    if chosen:
        st.session_state[CHOSEN] = here
        st.session_state.pop(HERE, None)
        st.rerun()


def _entries(here: str, wanted: str) -> None:
    found = [one for one in folders.list_folders(here) if wanted in one.name.casefold()]
    if not found:
        st.caption("No sub-folders here.")
    for index, entry in enumerate(found[:MOST]):
        inside = "" if not entry.n_folders else f"  ({entry.n_folders:,} inside)"
        label = f"{text.escape(text.shorten(entry.name))}{inside}"
        _button(label, "folder", f"entry-{index}", entry.path)
    if len(found) > MOST:
        st.caption(f"{len(found) - MOST:,} more: type a part of the name above.")


def _button(label: str, icon: str, key: str, path: str) -> None:
    st.button(
        label,
        icon=f":material/{icon}:",
        key=f"folder-dialog-{key}",
        type="tertiary",
        on_click=_enter,
        args=(path,),
    )


@errors.callback
def _enter(path: str) -> None:
    st.session_state[HERE] = path
    st.session_state[FILTER] = ""


def _start(typed: str) -> str:
    path = Path(typed).expanduser() if typed else Path.home()
    return str(path if path.is_dir() else Path.home())
