"""Open a folder: its path, how labels are read there, a name, and the button that opens it."""

from pathlib import Path

import streamlit as st

from core.datasets import folders
from core.domain.errors import WinnowError
from core.domain.labellers import Labeller
from core.domain.runs import Task
from core.runs import brought, tasks
from pages.parts import errors, folder_dialog, state, text
from pages.parts.ways_in import labeller_form

PATH = "datasets-path"
CHOSEN = "folder_form.labeller"  # what the form shows, for the button's callback
NEXT = "folder_form.next"  # a folder to be shown at the next run


def show() -> None:
    """Draw the form; a folder that another way has brought is filled in."""
    for key in (folder_dialog.CHOSEN, NEXT):
        if key in st.session_state:  # a widget's value may be set only before it
            st.session_state[PATH] = st.session_state.pop(key)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Folder",
            key=PATH,
            placeholder="/home/me/photos",
            help="The full path of a folder on the machine where Winnow runs.",
        )
        st.button("Browse…", icon=":material/folder:", on_click=_browse)
        st.button("Open", type="primary", icon=":material/folder_open:", on_click=_open)
    if st.session_state.pop("datasets.browsing", False):
        folder_dialog.show(st.session_state[PATH])
    st.session_state.pop(CHOSEN, None)
    typed = st.session_state[PATH].strip()
    if typed:
        _look(typed)
    else:
        _unopened()


def folder_of(task: Task) -> str:
    """Give the folder that a task has brought, the one to open."""
    return str(task.result["folder"])


def fill(folder: str) -> None:
    """Have a folder filled in at the next run of the page."""
    st.session_state[NEXT] = folder


def _look(typed: str) -> None:
    try:
        root = str(folders.resolve(typed))
    except WinnowError as error:
        st.error(errors.explain(error), icon=":material/error:")
        return
    found = brought.find(root)
    with st.container(border=True):
        st.text_input(
            "Name", found.name if found else Path(root).name, key=_name_key(typed), max_chars=120
        )
        labeller = labeller_form.show(root, known=found.labeller if found else None)
    if labeller is not None:
        st.session_state[CHOSEN] = (typed, labeller)


def _name_key(typed: str) -> str:
    return f"datasets-name-{typed}"


def _unopened() -> None:
    found = brought.list_unopened()
    if not found:
        return
    st.caption("Unpacked or downloaded, and not opened yet:")
    for at, one in enumerate(found[:6]):
        st.button(
            text.escape(text.shorten(one.name)),
            key=f"unopened-{at}",
            icon=":material/inventory_2:",
            type="tertiary",
            on_click=_fill,
            args=(one.folder,),
        )


@errors.callback
def _fill(folder: str) -> None:
    fill(folder)


@errors.callback
def _browse() -> None:
    st.session_state["datasets.browsing"] = True


@errors.callback
def _open() -> None:
    typed = st.session_state[PATH].strip()
    name = (st.session_state.get(_name_key(typed)) or "").strip() or None
    dataset = brought.open_folder(typed, labeller=_labeller(typed), name=name)
    state.choose_dataset(dataset.id)
    tasks.start("scan", dataset_id=dataset.id)
    st.session_state[PATH] = ""


def _labeller(typed: str) -> Labeller:
    """Take what the form shows; a path that was just typed is opened with what is guessed."""
    shown: tuple[str, Labeller] | None = st.session_state.get(CHOSEN)
    if shown is not None and shown[0] == typed:
        return shown[1]
    return labeller_form.guess(str(folders.resolve(typed)))
