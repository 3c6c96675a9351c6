"""How far a task is, why it ended, and the button that stops it."""

import streamlit as st

from core.domain.jobs import ENDED
from core.domain.runs import Task
from core.runs import tasks
from pages.parts import errors, text

NAMES = {
    "scan": "Scanning",
    "compare": "Looking for changes",
    "unpack": "Unpacking",
    "download": "Downloading",
    "public": "Downloading",
    "sample": "Writing the sample",
    "split": "Making a split",
    "lr_find": "Range test",
    "preview": "Preview",
    "predict": "Predicting",
    "export": "Exporting",
    "audit": "Audit",
    "apply": "Applying to disk",
    "copy": "Writing a copy",
}
IN_BYTES = frozenset({"public"})
"""The kinds of tasks that count bytes; their message says how many."""
IN_HUNDREDTHS = frozenset({"audit"})
"""The kinds that count hundredths of the whole: the bar shows them."""


def show(task: Task, *, key: str) -> None:
    """Draw a task under way with its stop button, or the reason why it failed."""
    if task.status in ENDED:
        ended(task, key=key)
        return
    progress(task)
    if task.status != "stopping":
        st.button(
            "Stop",
            icon=":material/stop_circle:",
            key=f"{key}-stop",
            on_click=_stop,
            args=(task.id,),
        )


def progress(task: Task) -> None:
    """Draw a bar with what is done, how fast, and how long it still takes."""
    done, total = task.progress.done, task.progress.total
    words = [NAMES.get(task.kind, task.kind)]
    in_bytes = task.kind in IN_BYTES
    if total and task.kind not in IN_BYTES | IN_HUNDREDTHS:
        words.append(f"{done:,} of {total:,}")
    if task.progress.rate:
        rate = text.size(task.progress.rate) if in_bytes else f"{task.progress.rate:,.0f}"
        words.append(f"{rate} a second")
    if task.progress.remaining_seconds is not None and task.status == "running":
        words.append(f"{text.duration(task.progress.remaining_seconds)} left")
    if task.message:
        words.append(text.escape(text.shorten(task.message, 90)))
    if task.status == "stopping":
        words.append("stopping…")
    st.progress(min(1.0, done / total) if total else 0.0, text=" · ".join(words))


def ended(task: Task, *, key: str) -> None:
    """Say how a task ended, unless it finished well."""
    if task.status in ("failed", "lost"):
        hint = f"  \n{text.escape(task.hint)}" if task.hint else ""
        st.error(f"{text.escape(task.error or 'It failed.')}{hint}", icon=":material/error:")
        with st.expander("Log", key=f"{key}-log"):
            st.code(
                text.plain_lines(tasks.log(task.id)[-8000:]) or "The log is empty.", language=None
            )
    elif task.status == "stopped":
        words = task.message or "It was stopped. What was done so far is kept"
        st.info(f"{text.escape(words)}.", icon=":material/stop_circle:")


@errors.callback
def _stop(task_id: str) -> None:
    tasks.stop(task_id)
