"""The slim bar on top of every page of a dataset, and what stands there without one."""

import secrets

import pandas as pd
import streamlit as st

from core.datasets import catalog, edits, folders, labelling
from core.datasets.catalog import Totals
from core.domain.items import Dataset
from pages.parts import errors, state, text

KEY = "toolbar"


def show() -> Dataset:
    """Draw the dataset's selector, counts, undo and redo; end the page where none is open."""
    dataset = state.find_dataset()
    if dataset is None:
        show_empty()
        st.stop()
    with st.container(horizontal=True, vertical_alignment="center", key="toolbar-row"):
        _choose_dataset(dataset)
        _facts(dataset.id)
    _tell_if_gone(dataset)
    state.listen(KEY)
    return dataset


def show_empty() -> None:
    """Say that no dataset is open, and offer the ways to one."""
    with st.container(border=True, horizontal_alignment="center", gap="small"):
        st.space("small")
        st.subheader("No dataset is open", anchor=False, text_alignment="center")
        found = catalog.list_datasets()
        if found:
            st.caption("Choose one of yours, or open another folder.", text_alignment="center")
            with st.container(horizontal=True, horizontal_alignment="center"):
                for dataset in found[:6]:
                    name = text.escape(text.shorten(dataset.name, 40))
                    st.button(name, key=f"open-{dataset.id}", on_click=_open, args=(dataset.id,))
        else:
            st.caption(
                "Open a folder of images, one sub-folder a class, or try the sample.",
                text_alignment="center",
            )
        state.link("datasets", "Open a folder", icon="folder_open")
        st.space("small")


@errors.callback
def _open(dataset_id: str) -> None:
    state.choose_dataset(dataset_id)


@st.cache_data(max_entries=64, show_spinner=False)
def counts(
    dataset_id: str, *, revision: int, scanned_at: float | None, split_id: str | None
) -> pd.DataFrame:
    """Count a dataset's images by label and part; kept for each revision and scan."""
    return catalog.counts(dataset_id, split_id=split_id)


def count(dataset: Dataset) -> pd.DataFrame:
    """Count a dataset's images by label and part as they are now, in the master split."""
    return counts(
        dataset.id,
        revision=dataset.revision,
        scanned_at=dataset.scanned_at,
        split_id=state.find_split_id(dataset.id),
    )


@st.cache_data(max_entries=64, show_spinner=False)
def _count_images(dataset_id: str, *, revision: int, scanned_at: float | None) -> Totals:
    return catalog.totals(dataset_id)


def _totals(dataset: Dataset) -> Totals:
    return _count_images(dataset.id, revision=dataset.revision, scanned_at=dataset.scanned_at)


def in_short(dataset: Dataset) -> str:
    """Say in one line, in Markdown, how many images a dataset has and how labels are read."""
    labels = text.escape(labelling.in_words(dataset.labeller))
    if dataset.scanned_at is None:
        return f"not scanned yet · {labels}"
    return f"{text.count(_totals(dataset).n_images, 'image')} · {labels}"


def _tell_if_gone(dataset: Dataset) -> None:
    """Say that a dataset's folder is not where it was, on every page of the dataset."""
    if folders.is_there(dataset.root):
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            f":orange[The folder {text.escape(text.shorten(dataset.root))} is not there.] Nothing "
            "is lost: connect its drive, or say where it lies now."
        )
        state.link("datasets", "Say where it is", icon="drive_file_move")


def _choose_dataset(dataset: Dataset) -> None:
    oldest_first = reversed(catalog.list_datasets())  # so that a new one renames no other
    labels = text.distinct({other.id: other.name for other in oldest_first})
    key = f"toolbar-dataset-{dataset.id}"
    st.selectbox(
        "Dataset",
        list(labels),
        index=list(labels).index(dataset.id),
        format_func=labels.__getitem__,
        key=key,
        on_change=_dataset_chosen,
        args=(key,),
        label_visibility="collapsed",
        width=240,
    )


@errors.callback
def _dataset_chosen(key: str) -> None:
    state.choose_dataset(st.session_state[key])


@st.fragment(key=KEY)
@errors.boundary()
def _facts(dataset_id: str) -> None:
    dataset = catalog.get(dataset_id)
    table, totals = count(dataset), _totals(dataset)
    in_use = table[table["n_in_use"] > 0]
    words = [
        text.count(totals.n_in_use, "image") + " in use",
        text.count(in_use["label"].nunique(), "class", "classes"),
    ]
    for number, word, color in (
        (totals.n_excluded, "excluded", "orange"),
        (totals.n_broken, "broken", "red"),
    ):
        if number:
            words.append(f":{color}[{number:,} {word}]")
    words.append(f"revision {dataset.revision}")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(" · ".join(words), width="stretch")
        _history_buttons(dataset.id)


def _history_buttons(dataset_id: str) -> None:
    history = edits.get_history(dataset_id)
    notes = {entry.revision: entry.note for entry in edits.list_log(dataset_id, limit=200)}
    for name, verb, target, icon in (
        ("Undo", edits.undo, history.undo_target, "undo"),
        ("Redo", edits.redo, history.redo_target, "redo"),
    ):
        note = text.escape(notes.get(target, "the last edit")) if target else "nothing"
        clicked = st.button(
            name,
            key=f"toolbar-{icon}",
            icon=f":material/{icon}:",
            help=f"{name}: {note}",
            disabled=target is None,
            type="tertiary",
        )
        if clicked:
            verb(dataset_id, operation_id=f"toolbar-{secrets.token_hex(8)}")
            st.rerun()
