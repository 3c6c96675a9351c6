"""Take a model along: each format with a sentence, a button, its progress, then the file."""

from collections.abc import Sequence

import streamlit as st

from core.datasets import catalog
from core.domain.jobs import ENDED
from core.domain.runs import Run, Task
from core.runs import exports, runs
from core.runs.exports import Exported, Kind
from pages.parts import errors, state, task_view, text

POLL_SECONDS = 1.0


def show(models: Sequence[Run]) -> None:
    """Draw the formats for the run that is chosen on the page; `models` are the runs with one."""
    by_id = {run.id: run for run in models}
    run = by_id.get(state.find_run_id() or "", models[0])
    st.subheader("Take the model along", anchor=False)
    st.caption(f"The model of {text.escape(text.shorten(run.name))}, for use without Winnow.")
    for kind in exports.KINDS:
        task = exports.find(run.id, kind.format)
        with st.container(border=True, key=f"export-{kind.format}"):
            if task is not None and task.status not in ENDED:
                _follow(kind, run.id)
            else:
                _settled(kind, run.id, task)


@st.fragment(run_every=POLL_SECONDS)
@errors.boundary()
def _follow(kind: Kind, run_id: str) -> None:
    """Draw how far it is; once it has ended, the page is drawn again."""
    task = exports.find(run_id, kind.format)
    if task is None or task.status in ENDED:
        st.rerun()
    _about(kind)
    task_view.show(task, key=f"export-{kind.format}-task")


def _settled(kind: Kind, run_id: str, task: Task | None) -> None:
    """Draw the file that was made, or the button that makes it."""
    made = exports.file_of(task) if task is not None else None
    left, right = st.columns([3, 1], vertical_alignment="center")
    with left:
        _about(kind)
    with right:
        if made is not None:
            _download(kind, run_id, made)
        else:
            _button(kind, run_id)
    if made is not None:
        _notes(made)
    elif task is not None:
        task_view.ended(task, key=f"export-{kind.format}-ended")


def _about(kind: Kind) -> None:
    st.markdown(f"**{kind.name}** · {kind.about}")


def _button(kind: Kind, run_id: str) -> None:
    missing = exports.missing(kind)
    st.button(
        "Export",
        icon=":material/output:",
        key=f"export-{kind.format}-start",
        disabled=bool(missing),
        help=f"Needs {', '.join(missing)}: pip install {' '.join(missing)}" if missing else None,
        on_click=_start,
        args=(kind, run_id),
        width="stretch",
    )


def _download(kind: Kind, run_id: str, made: Exported) -> None:
    st.download_button(
        f"Download · {text.size(made.n_bytes)}",
        data=made.open,
        file_name=_file_name(run_id, made),
        icon=":material/download:",
        on_click="ignore",
        key=f"export-{kind.format}-download",
        width="stretch",
    )


def _file_name(run_id: str, made: Exported) -> str:
    run = runs.get(run_id)
    dataset = catalog.get(run.dataset_id)
    return text.file_name(dataset.name, "run", run.name, made.path.stem, ending=made.path.suffix)


def _notes(made: Exported) -> None:
    """Say what the file cannot do, and how closely it was compared."""
    words = list(made.facts.get("notes", ()))
    difference = made.facts.get("most_difference")
    if difference is not None:
        words.append(f"Its outputs differ from the model's by {difference:.1g} at most.")
    if words:
        st.caption(text.with_code(" ".join(words)))


@errors.callback
def _start(kind: Kind, run_id: str) -> None:
    exports.request(run_id, kind.format)
