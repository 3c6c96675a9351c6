"""Open a folder: its path, how labels are read there, a name, and the button that opens it."""

from pathlib import Path

import streamlit as st

from core.datasets import catalog, folders, labelling, rescan
from core.domain.errors import FolderError, LabellerError, WinnowError
from core.domain.labellers import Labeller
from core.domain.runs import Task
from core.runs import brought, tasks
from pages.parts import errors, folder_dialog, state, text
from pages.parts.ways_in import labeller_form

PATH = "datasets-path"
CHOSEN = "folder_form.labeller"  # what the form shows, for the button's callback
MOST_UNOPENED = 20
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
    _already(root)
    with st.container(border=True):
        st.text_input(
            "Name", found.name if found else Path(root).name, key=_name_key(typed), max_chars=120
        )
        labeller = labeller_form.show(root, known=found.labeller if found else None)
    if labeller is not None:
        st.session_state[CHOSEN] = (typed, labeller)


def _already(root: str) -> None:
    """Say which datasets have this folder, or had its images before it was moved."""
    here = catalog.list_of_root(root)
    for at, one in enumerate(here):
        with st.container(horizontal=True, vertical_alignment="center"):
            words = text.escape(labelling.in_words(one.labeller))
            st.markdown(f"Already open: **{text.escape(text.shorten(one.name))}**, {words}.")
            st.button("Show it", key=f"already-{at}", on_click=_show, args=(one.id,))
    moved = None if here else rescan.find_moved(root)
    if moved is not None:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(
                f"These are the images of **{text.escape(text.shorten(moved.name))}**; its folder "
                f"{text.escape(text.shorten(moved.root))} is not there any more."
            )
            st.button(
                "Use this place for it",
                type="primary",
                on_click=_use_for,
                args=(moved.id, root),
                help="Its edits, split and runs stay.",
            )


@errors.callback
def _show(dataset_id: str) -> None:
    state.choose_dataset(dataset_id)
    st.session_state[PATH] = ""


@errors.callback
def _use_for(dataset_id: str, root: str) -> None:
    catalog.move(dataset_id, root)
    _show(dataset_id)
    tasks.start("scan", dataset_id=dataset_id)


def _name_key(typed: str) -> str:
    return f"datasets-name-{typed}"


def _unopened() -> None:
    found = brought.list_unopened()
    if not found:
        return
    with st.popover(f"Brought, and not opened yet: {len(found)}", icon=":material/inventory_2:"):
        for at, one in enumerate(found[:MOST_UNOPENED]):
            name, origin = text.shorten(one.name, 40), text.shorten(one.origin, 60)
            st.button(
                text.escape(name),
                key=f"unopened-{at}",
                help=f"From {text.escape(origin)}",
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
    labeller = _labeller(typed)
    _check(str(folders.resolve(typed)), labeller)
    dataset = brought.open_folder(typed, labeller=labeller, name=name)
    state.choose_dataset(dataset.id)
    tasks.start("scan", dataset_id=dataset.id)
    st.session_state[PATH] = ""


def _check(root: str, labeller: Labeller) -> None:
    """Refuse to open what holds no labelled image, as far as all of it is seen."""
    found = labelling.preview(labeller, root)
    if found.n_labelled or not found.is_all:
        return
    if not found.rows:
        raise FolderError(
            f"There is no image file in {root}.",
            hint="Open the folder that holds the images, or one above it.",
        )
    raise LabellerError(
        f"None of the {len(found.rows):,} image files in {root} would have a label.",
        hint="Have labels read in another way: the form shows what each gives.",
    )


def _labeller(typed: str) -> Labeller:
    """Take what the form shows; a path that was just typed is opened with what is guessed."""
    shown: tuple[str, Labeller] | None = st.session_state.get(CHOSEN)
    if shown is not None and shown[0] == typed:
        return shown[1]
    return labeller_form.guess(str(folders.resolve(typed)))
