"""Datasets: open a folder, follow its scan, see what was found and what was not."""

import pandas as pd
import streamlit as st

from core.datasets import catalog
from core.domain.items import Dataset
from core.domain.jobs import ENDED
from core.domain.runs import Task
from core.runs import tasks
from pages.parts import errors, folder_dialog, state, task_view, text

PATH = "datasets-path"


def main() -> None:
    """Draw the page."""
    st.title("Datasets", anchor=False)
    _open_form()
    dataset = state.find_dataset()
    if dataset is None:
        st.info(
            "Name a folder with one sub-folder a class, such as `photos/cat` and `photos/dog`. "
            "Nothing in it is changed.",
            icon=":material/lightbulb:",
        )
    else:
        _scan(dataset.id)
    _list()


def _open_form() -> None:
    if folder_dialog.CHOSEN in st.session_state:  # a widget's value may be set only before it
        st.session_state[PATH] = st.session_state.pop(folder_dialog.CHOSEN)
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


@errors.callback
def _browse() -> None:
    st.session_state["datasets.browsing"] = True


@errors.callback
def _open() -> None:
    dataset = catalog.open_folder(st.session_state[PATH])
    state.choose_dataset(dataset.id)
    tasks.start("scan", dataset_id=dataset.id)


@st.fragment(run_every=1.0)
@errors.boundary()
def _follow(dataset_id: str) -> None:
    task = _scanning(dataset_id)
    if task is None:
        st.rerun()
    task_view.show(task, key="scan")


def _scanning(dataset_id: str) -> Task | None:
    """Find the task that scans a dataset; the sample's scans as its second half."""
    return tasks.find_active("scan", dataset_id) or tasks.find_active("sample", dataset_id)


def _scan(dataset_id: str) -> None:
    dataset = catalog.get(dataset_id)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container(gap=None):
                st.subheader(text.escape(text.shorten(dataset.name)), anchor=False)
                st.caption(text.escape(dataset.root))
            st.button(
                "Scan again" if dataset.scanned_at else "Scan",
                icon=":material/refresh:",
                on_click=_rescan,
                args=(dataset.id,),
                help="Find what was added, changed, moved or deleted; the rest is not read.",
                disabled=_scanning(dataset.id) is not None,
            )
        if _scanning(dataset.id) is not None:
            _follow(dataset.id)
        else:
            _result(dataset, tasks.find_latest("scan", dataset.id))


@errors.callback
def _rescan(dataset_id: str) -> None:
    tasks.start("scan", dataset_id=dataset_id)


def _result(dataset: Dataset, task: Task | None) -> None:
    if task is not None and task.status in ENDED:
        task_view.ended(task, key="scan-ended")
    if dataset.scanned_at is None:
        st.caption("Not scanned yet: press Scan to look at its images.")
        return
    counts = catalog.counts(dataset.id, split_id=state.find_split_id(dataset.id))
    broken = catalog.broken(dataset.id)
    n_images = int((counts["n_in_use"] + counts["n_excluded"]).sum())
    n_classes = counts.loc[counts["n_in_use"] > 0, "label"].nunique()
    columns = st.columns(4)
    columns[0].metric("Images", f"{n_images:,}")
    columns[1].metric("Classes", f"{n_classes:,}")
    columns[2].metric("Cannot be read", f"{len(broken):,}")
    columns[3].metric("Ignored files", f"{sum(dataset.ignored.values()):,}")
    _tell_what_is_odd(n_images, n_classes)
    _tables(dataset, broken)
    if n_images:
        with st.container(horizontal=True, vertical_alignment="center"):
            state.link("browse", "Look through the images", icon="photo_library")
            state.link("batches", "Make batches", icon="grid_view")
        seconds = task.result.get("seconds") if task is not None else None
        took = f" in {text.duration(seconds)}" if isinstance(seconds, int | float) else ""
        st.caption(f"Scanned {text.ago(dataset.scanned_at)}{took}.")


def _tell_what_is_odd(n_images: int, n_classes: int) -> None:
    if n_images == 0:
        st.warning(
            "There are no images in class folders here. A class is a sub-folder of the folder "
            "that you open: open the folder one level up or down, or sort the images into "
            "sub-folders.",
            icon=":material/image_not_supported:",
        )
    elif n_classes == 1:
        st.warning(
            "There is only one class here; a classifier needs two. A class is a sub-folder of the "
            "folder that you open: perhaps you want the folder above it.",
            icon=":material/category:",
        )


def _tables(dataset: Dataset, broken: list) -> None:
    if broken:
        st.markdown(
            "**Cannot be read.** They are left out of batches; the files stay as they are."
        )
        rows = [
            {"file": text.plain(item.path), "class": text.plain(item.label), "reason": item.reason}
            for item in broken
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True, height="auto", key="broken-table")
    if dataset.ignored:
        reasons = ", ".join(
            f"{number:,} {text.escape(reason)}" for reason, number in dataset.ignored.items()
        )
        st.caption(f"Ignored: {reasons}.")


@errors.callback
def _show(dataset_id: str) -> None:
    state.choose_dataset(dataset_id)


def _list() -> None:
    found = catalog.list_datasets()
    if not found:
        return
    st.subheader("All datasets", anchor=False)
    for dataset in found:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            with st.container(gap=None):
                st.markdown(f"**{text.escape(text.shorten(dataset.name))}**")
                st.caption(text.escape(text.shorten(dataset.root, 110)))
            st.button(
                "Show",
                key=f"show-{dataset.id}",
                icon=":material/folder_open:",
                type="tertiary",
                on_click=_show,
                args=(dataset.id,),
            )
            if dataset.scanned_at:
                state.link("browse", "Browse", icon="photo_library", dataset=dataset.id)


main()
