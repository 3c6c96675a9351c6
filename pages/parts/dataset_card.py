"""The dataset that is shown: what it is, what is done to it, and what was found in it."""

import pandas as pd
import streamlit as st

from core.datasets import catalog, folders, labelling, reporting, splits
from core.datasets.reporting import LabelsReport
from core.domain.items import Dataset
from core.domain.jobs import ENDED
from core.domain.runs import Task
from core.runs import tasks
from pages.parts import dataset_menu, downloads_view, errors, rescan_view, state, task_view, text

MOST_BROKEN = 200
WORKING = ("scan", "sample", "compare", "download")


def show(dataset: Dataset) -> None:
    """Draw the card."""
    task = _working(dataset.id)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container(gap=None):
                st.subheader(text.escape(text.shorten(dataset.name)), anchor=False)
                st.caption(_about(dataset))
            if dataset.scanned_at is None:
                st.button(
                    "Scan",
                    icon=":material/refresh:",
                    on_click=_scan,
                    args=(dataset.id,),
                    disabled=task is not None,
                )
            else:
                rescan_view.button(dataset, disabled=task is not None)
            dataset_menu.show(dataset)
        if not folders.is_there(dataset.root):
            st.warning(
                "This folder is not there. Nothing is lost: connect its drive, or say below where "
                "it lies now.",
                icon=":material/drive_file_move:",
            )
            dataset_menu.move(dataset)
        if task is not None:
            _follow(dataset.id)
        else:
            _result(dataset)


def _about(dataset: Dataset) -> str:
    brought = f"  \n:gray[from {text.escape(dataset.origin)}]" if dataset.origin else ""
    if dataset.is_multi_label:
        brought += "  \nAn image may have several labels."
    labels = text.escape(labelling.in_words(dataset.labeller))
    return f"{text.escape(dataset.root)}  \n{labels[0].upper()}{labels[1:]}.{brought}"


def _working(dataset_id: str) -> Task | None:
    """Find the task that works on a dataset; the sample's scans as its second half."""
    found = (tasks.find_active(kind, dataset_id) for kind in WORKING)
    return next((task for task in found if task is not None), None)


@errors.callback
def _scan(dataset_id: str) -> None:
    tasks.start("scan", dataset_id=dataset_id)


@st.fragment(run_every=1.0)
@errors.boundary()
def _follow(dataset_id: str) -> None:
    task = _working(dataset_id)
    if task is None:
        st.rerun()
    task_view.show(task, key="scan")


def _result(dataset: Dataset) -> None:
    task = tasks.find_latest("scan", dataset.id)
    if task is not None and task.status in ENDED:
        task_view.ended(task, key="scan-ended")
    downloads_view.show(dataset)
    if dataset.scanned_at is None:
        st.caption("Not scanned yet: press Scan to look at its images.")
        return
    rescan_view.show(dataset)
    split_id = state.find_split_id(dataset.id)
    counts = catalog.counts(dataset.id, split_id=split_id)
    totals = catalog.totals(dataset.id)
    n_images = totals.n_images
    n_classes = counts.loc[counts["n_in_use"] > 0, "label"].nunique()
    columns = st.columns(4)
    columns[0].metric("Images", f"{n_images:,}")
    columns[1].metric("Classes", f"{n_classes:,}")
    columns[2].metric("Cannot be read", f"{totals.n_broken:,}")
    columns[3].metric("Ignored files", f"{sum(dataset.ignored.values()):,}")
    _tell_what_is_odd(dataset, n_images, n_classes)
    _given_parts(dataset)
    _broken(dataset, totals.n_broken)
    _ignored(dataset)
    if n_images:
        with st.container(horizontal=True, vertical_alignment="center"):
            state.link("audit", "Find what is wrong", icon="policy")
            state.link("browse", "Look through the images", icon="photo_library")
            state.link("batches", "Make batches", icon="grid_view")
        seconds = task.result.get("seconds") if task is not None else None
        took = f" in {text.duration(seconds)}" if isinstance(seconds, int | float) else ""
        st.caption(f"Scanned {text.ago(dataset.scanned_at)}{took}.")


def _tell_what_is_odd(dataset: Dataset, n_images: int, n_classes: int) -> None:
    of_folders = dataset.labeller.kind == "folder" and dataset.source != "urls"
    if n_images == 0 and dataset.source == "urls":
        return  # the downloads above say why
    if n_images == 0 and of_folders:
        st.warning(
            "There are no images in class folders here. A class is a sub-folder of the folder "
            "that you open: open the folder one level up or down, sort the images into "
            "sub-folders, or have labels read in another way.",
            icon=":material/image_not_supported:",
        )
    elif n_images == 0:
        st.warning(
            "No image here has a label: what was passed over stands below. Open the folder again "
            "and have labels read in another way.",
            icon=":material/image_not_supported:",
        )
    elif n_classes == 1:
        hint = (
            " A class is a sub-folder of the folder that you open: perhaps you want the folder "
            "above it."
            if of_folders
            else ""
        )
        st.warning(
            f"There is only one class here; a classifier needs two.{hint}",
            icon=":material/category:",
        )


def _given_parts(dataset: Dataset) -> None:
    master = splits.get_master(dataset.id)
    if master is None or not master.is_given:
        return
    parts = splits.counts(master.id).groupby("part")["n_items"].sum()
    words = ", ".join(
        f"{int(parts[part]):,} {part}" for part in ("train", "valid", "test") if part in parts
    )
    st.caption(f"The split is the given one: {words}.")
    torn = splits.count_torn_groups(master.id)
    if torn:
        st.warning(
            f"{text.count(torn, 'group')} of equal or nearly equal images lie in more than one "
            "part, so scores on valid flatter. The given split stays as it is; exclude one side "
            "to be sure.",
            icon=":material/call_split:",
        )


def _broken(dataset: Dataset, number: int) -> None:
    if not number:
        return
    st.markdown("**Cannot be read.** They are left out of batches; the files stay as they are.")
    filters = catalog.ItemFilter(status="broken")
    found = catalog.list_items(dataset.id, filters=filters, limit=MOST_BROKEN).items
    rows = [
        {"file": text.plain(item.path), "class": text.plain(item.label), "reason": item.reason}
        for item in found
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, height="auto", key="broken-table")
    if len(found) < number:
        with st.container(horizontal=True, vertical_alignment="center"):
            _the_first(len(found), number)
            state.link("browse", "All of them", icon="photo_library", status="broken")


def _ignored(dataset: Dataset) -> None:
    report = reporting.find(dataset.id)
    if report is not None:
        _report(report)
    if dataset.ignored:
        reasons = ", ".join(
            f"{number:,} {text.escape(reason)}" for reason, number in dataset.ignored.items()
        )
        st.caption(f"Ignored: {reasons}.")


def _report(report: LabelsReport) -> None:
    """Say which rows of the table came to nothing."""
    st.caption(f"The table has {text.count(report.n_rows, 'row')}.")
    for what, paths, number in (
        ("Rows without a file", report.without_file, report.n_without_file),
        ("Files without a row", report.without_row, report.n_without_row),
    ):
        if number:
            with st.expander(f"{what}: {number:,}"):
                shown = [text.plain(path) for path in paths]
                st.dataframe(pd.DataFrame({"file": shown}), hide_index=True)
                _the_first(len(shown), number)
    if report.n_problems:
        with st.expander(f"Rows that name no item: {report.n_problems:,}"):
            rows = [(one.line, text.plain(one.content), one.reason) for one in report.problems]
            st.dataframe(pd.DataFrame(rows, columns=["line", "row", "reason"]), hide_index=True)
            _the_first(len(rows), report.n_problems)


def _the_first(n_shown: int, n_all: int) -> None:
    if n_shown < n_all:
        st.caption(f"The first {n_shown:,} are listed.")
