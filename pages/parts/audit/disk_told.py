"""What an application did, in words: counts, what was left and why, the corrected table."""

import pandas as pd
import streamlit as st

from core.datasets import applying, catalog
from core.domain.runs import Task
from core.runs import disk
from pages.parts import task_view, text

STATES = {"planned": "not moved", "done": "moved", "undone": "moved back", "skipped": "left"}


def show(task: Task) -> None:
    """Say how the newest task that touched files ended."""
    task_view.ended(task, key="disk-apply-ended")
    result = task.result
    if task.status not in ("finished", "stopped") or not result:
        return
    words = _moved_words(result, back=bool(result.get("is_back")))
    if task.status == "finished" and words:
        st.success(words, icon=":material/check:")
    _named("left where they are", result.get("left", ()), ("file", "why"), result.get("n_left", 0))
    renamed = result.get("renamed", ())
    _named("under another name", renamed, ("wanted", "is"), result.get("n_renamed", 0))


def what(move: applying.Move) -> str:
    """Say what happens to one file."""
    return "into the trash" if move.kind == "trash" else f"to {text.plain(move.label or '')}"


def in_words(application_id: str) -> str:
    """Count the files of an application by what became of them."""
    counted = applying.count(application_id)
    pieces = []
    for status, words in (("done", "moved"), ("planned", "not moved yet"), ("skipped", "left")):
        trashed, relabelled = (counted.get((kind, status), 0) for kind in ("trash", "relabel"))
        if trashed + relabelled:
            pieces.append(f"{text.count(trashed + relabelled, 'file')} {words}")
    return f"{', '.join(pieces)}." if pieces else "No file moved."


def _moved_words(result: dict[str, object], *, back: bool) -> str:
    trashed, relabelled = (int(str(result.get(name, 0))) for name in ("n_trashed", "n_relabelled"))
    if not trashed + relabelled:
        return "Nothing had moved." if back and not result.get("n_left") else ""
    if back:
        return f"Taken back: {text.count(trashed + relabelled, 'file')} moved back."
    return (
        f"Applied: {text.count(trashed, 'file')} moved into the trash, {relabelled:,} into other "
        "class folders."
    )


def _named(words: str, rows: object, columns: tuple[str, str], number: int) -> None:
    """List files with a word about each; all are counted, the first are listed."""
    pairs = [tuple(text.plain(str(cell)) for cell in row) for row in rows]
    if not pairs:
        return
    with st.expander(f"{text.count(number, 'file')} {words}"):
        st.dataframe(pd.DataFrame(pairs, columns=list(columns)), hide_index=True)
        if len(pairs) < number:
            st.caption(f"The first {len(pairs)} are listed.")


def corrected(dataset_id: str) -> None:
    """Offer the newest corrected table, and say what is in it; nothing where there is none."""
    found = disk.find_table(dataset_id)
    if found is None:
        return
    task, made = found
    table = task.result["table"]
    words = (
        f"Corrected table of {text.moment(task.created_at)}: "
        f"{text.count(table['n_rows'], 'row')}, {table['n_relabelled']:,} with another label "
        f"than before, {table['n_dropped']:,} left out."
    )
    beside = f" Also written as {text.escape(table['beside'])}." if table.get("beside") else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"{words}{beside}")
        st.download_button(
            f"Download · {text.size(made.n_bytes)}",
            data=made.open,
            file_name=_file_name(dataset_id),
            icon=":material/download:",
            on_click="ignore",
            key="disk-table-download",
        )


def _file_name(dataset_id: str) -> str:
    name = catalog.get(dataset_id).name
    return text.file_name(name, "labels", "corrected", ending=".csv")
