"""The items as a CSV or Parquet to download: made by a task, a button each."""

import streamlit as st

from core.datasets import copying
from core.domain.items import Dataset
from core.domain.jobs import ENDED
from core.runs import disk
from pages.parts import errors, task_view, text

POLL_SECONDS = 1.0
NAMES: dict[copying.Format, str] = {"csv": "CSV", "parquet": "Parquet"}


def show(dataset: Dataset) -> None:
    """Draw a row for each format: the button that writes it, how far it is, or the file."""
    st.markdown(
        "Every image with its labels, part, decision, size, rank in the search results, and what "
        "the finders say of it."
    )
    for kind in NAMES:
        task = disk.find_items(dataset.id, kind)
        if task is not None and task.status not in ENDED:
            _follow(dataset.id, kind)
        else:
            _settled(dataset, kind)


@st.fragment(run_every=POLL_SECONDS)
@errors.boundary()
def _follow(dataset_id: str, kind: copying.Format) -> None:
    task = disk.find_items(dataset_id, kind)
    if task is None or task.status in ENDED:
        st.rerun()
    task_view.show(task, key=f"disk-items-{kind}")


def _settled(dataset: Dataset, kind: copying.Format) -> None:
    task = disk.find_items(dataset.id, kind)
    made = disk.file_of(task) if task is not None else None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"{NAMES[kind]}, as it is now" if made else NAMES[kind],
            key=f"disk-items-{kind}-start",
            icon=":material/table:",
            on_click=_start,
            args=(dataset.id, kind),
        )
        if made is not None and task is not None:
            st.download_button(
                f"Download · {text.size(made.n_bytes)}",
                data=made.open,
                file_name=text.file_name(dataset.name, "items", ending=made.path.suffix),
                icon=":material/download:",
                on_click="ignore",
                key=f"disk-items-{kind}-download",
            )
            st.caption(f"{text.count(task.result['n_rows'], 'row')}, {text.ago(task.created_at)}")
    if task is not None and made is None:
        task_view.ended(task, key=f"disk-items-{kind}-ended")


@errors.callback
def _start(dataset_id: str, kind: copying.Format) -> None:
    disk.write_items(dataset_id, kind)
