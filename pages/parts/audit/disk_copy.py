"""A clean copy in a folder of its own: the form, how far it is, and what was written."""

import pandas as pd
import streamlit as st

from core.datasets import copying
from core.domain.items import Dataset
from core.domain.jobs import ENDED
from core.domain.runs import Task
from core.runs import disk
from pages.parts import errors, task_view, text

POLL_SECONDS = 1.0
TABLES: dict[str, copying.Format | None] = {"CSV": "csv", "Parquet": "parquet", "none": None}
LAYOUTS = {"train / valid / test, then classes": True, "one folder a class": False}
SEVERAL = {"train / valid / test": True, "all in one folder": False}
WAYS = {"Copies": False, "Hard links": True}


def show(dataset: Dataset) -> None:
    """Draw the copy under way, or the form with what the last one wrote."""
    task = disk.find_copy(dataset.id)
    if task is not None and task.status not in ENDED:
        _follow(dataset.id)
        return
    st.markdown(
        "All images in use, with the labels that you decided, in a new folder that other tools "
        "read as an ImageFolder. The dataset's own files stay as they are."
    )
    _form(dataset)
    if task is not None:
        task_view.ended(task, key="disk-copy-ended")
        _written(task)


@st.fragment(run_every=POLL_SECONDS)
@errors.boundary()
def _follow(dataset_id: str) -> None:
    """Draw how far it is; once it has ended, the page is drawn again."""
    task = disk.find_copy(dataset_id)
    if task is None or task.status in ENDED:
        st.rerun()
    task_view.show(task, key="disk-copy")
    st.caption("If you stop it, what was written is removed again.")


def _form(dataset: Dataset) -> None:
    layouts = SEVERAL if dataset.is_multi_label else LAYOUTS
    with st.container(border=True):
        st.text_input(
            "Into this folder",
            key="disk-copy-folder",
            placeholder="/home/me/clean-photos",
            help="A full path on the machine where Winnow runs: a new folder, or an empty one.",
        )
        with st.container(horizontal=True):
            st.segmented_control(
                "Folders", list(layouts), default=next(iter(layouts)), key="disk-copy-layout"
            )
            st.segmented_control(
                "Files",
                list(WAYS),
                default="Copies",
                key="disk-copy-way",
                help="A hard link is a second name of the same file: it takes no room, and who "
                "changes one changes both. Into another file system files are copied anyway.",
            )
            st.segmented_control(
                "Table of the items", list(TABLES), default="CSV", key="disk-copy-table"
            )
        if dataset.is_multi_label:
            st.caption(f"Several labels an image: they come in a table, {copying.LABELS}.")
        st.button(
            "Write the copy",
            key="disk-copy-start",
            icon=":material/folder_copy:",
            on_click=_start,
            args=(dataset,),
        )


def _written(task: Task) -> None:
    result = task.result
    if task.status != "finished" or "folder" not in result:
        return
    words = [f"{text.count(result['n_written'], 'file')} in {text.escape(result['folder'])}"]
    if result["n_linked"]:
        words.append(f"{result['n_linked']:,} as hard links")
    if task.params["wish"]["hard_links"] and result["n_copied"]:
        words.append(f"{result['n_copied']:,} as copies, where no link could be made")
    if result["n_renamed"]:
        words.append(f"{result['n_renamed']:,} under another name, since theirs was taken")
    st.success(f"Written: {'; '.join(words)}.", icon=":material/check:")
    _listed("classes got another folder name", result["odd_classes"], ("class", "folder"))
    _listed("files were left out", result["left"], ("file", "why"))


def _listed(words: str, rows: list[list[str]], columns: tuple[str, str]) -> None:
    if rows:
        with st.expander(f"{len(rows):,} {words}"):
            pairs = [[text.plain(cell) for cell in row] for row in rows]
            st.dataframe(pd.DataFrame(pairs, columns=list(columns)), hide_index=True)


@errors.callback
def _start(dataset: Dataset) -> None:
    layouts = SEVERAL if dataset.is_multi_label else LAYOUTS
    chosen = st.session_state
    wish = copying.Wish(
        folder=chosen["disk-copy-folder"],
        with_parts=layouts.get(chosen["disk-copy-layout"], True),
        hard_links=WAYS.get(chosen["disk-copy-way"], False),
        table=TABLES.get(chosen["disk-copy-table"] or "none"),
    )
    disk.copy(dataset.id, wish)
