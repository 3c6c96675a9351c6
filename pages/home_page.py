"""Home: what Winnow is, the two ways in, what runs now and what has finished."""

import streamlit as st

from core.datasets import catalog
from core.domain.jobs import ENDED
from core.domain.runs import Run, Task
from core.runs import runs, tasks
from pages.parts import errors, state, task_view, text, toolbar

N_RECENT = 6
SAMPLE = "home.sample"  # the task that this browser tab waits for


def main() -> None:
    """Draw the page."""
    st.title("Winnow", anchor=False)
    st.markdown(
        "Clean a folder of noisy images, train a classifier on it, and see on the same validation "
        "images whether the cleaning helped."
    )
    _ways_in()
    left, right = st.columns(2, gap="medium")
    with left:
        _datasets()
    with right:
        _activity()


def _ways_in() -> None:
    first, second = st.columns(2, gap="medium")
    with first.container(border=True, height="stretch"):
        st.subheader("Open a folder", anchor=False)
        st.caption(
            "Your images in sub-folders or with a table of labels; archives, lists of URLs and "
            "public datasets, too. Winnow changes no file unless you apply your edits to disk. "
            "Next, an audit says what is wrong with them."
        )
        if st.button("Open a folder", type="primary", icon=":material/folder_open:"):
            state.go("datasets", dataset=None)
    with second.container(border=True, height="stretch"):
        st.subheader("Try the sample", anchor=False)
        st.caption(
            "Some 600 handwritten digits with planted mistakes: wrong folders, broken files, "
            "copies. Trains in about a minute, with no download."
        )
        _sample()


def _sample() -> None:
    active = tasks.find_active("sample")
    st.fragment(_follow_sample, run_every=1.0 if active is not None else None)(active)


@errors.boundary()
def _follow_sample(active: Task | None) -> None:
    clicked = st.button(
        "Try the sample",
        icon=":material/science:",
        disabled=active is not None,
        key="home-try-sample",
    )
    if clicked:
        st.session_state[SAMPLE] = tasks.start("sample").id
        st.rerun()
    mine = st.session_state.get(SAMPLE)
    if mine is None:
        return
    task = tasks.get(mine)
    if task.status == "finished":
        del st.session_state[SAMPLE]
        state.choose_dataset(task.result["dataset_id"])
        st.session_state[state.WELCOME] = task.result["dataset_id"]
        state.go("browse", dataset=task.result["dataset_id"])
    if task.status in ENDED and active is not None:
        st.rerun()  # it ended badly: the button may be pressed again, and nothing is polled
    task_view.show(task, key="home-sample")


def _datasets() -> None:
    st.subheader("Datasets", anchor=False)
    found = catalog.list_datasets()
    if not found:
        st.caption("None yet. Open a folder or try the sample.")
    for dataset in found:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            with st.container(gap=None):
                st.markdown(f"**{text.escape(text.shorten(dataset.name))}**")
                scanned = f"scanned {text.ago(dataset.scanned_at)}" if dataset.scanned_at else ""
                st.caption(" · ".join(filter(None, (toolbar.in_short(dataset), scanned))))
            if dataset.scanned_at:
                state.link("audit", "Audit", icon="policy", dataset=dataset.id)
            target = "browse" if dataset.scanned_at else "datasets"
            state.link(target, "Open", icon="arrow_forward", dataset=dataset.id)


@st.fragment(run_every=2.0)
@errors.boundary()
def _activity() -> None:
    found = runs.list_runs(None)
    working = [run for run in found if run.status not in ENDED]
    ended = [run for run in found if run.status in ENDED and not run.is_control][:N_RECENT]
    active = tasks.list_active()
    st.subheader("Now", anchor=False)
    if not (working or active):
        st.caption("Nothing is running.")
    for task in active:
        _task_row(task)
    names = {one.id: one.name for one in catalog.list_datasets() + catalog.list_removed()}
    for run in working:
        _run_row(run, names[run.dataset_id])
    if ended:
        st.subheader("Finished", anchor=False)
    for run in ended:
        _run_row(run, names[run.dataset_id])


def _task_row(task: Task) -> None:
    with st.container(border=True):
        task_view.progress(task)


def _run_row(run: Run, dataset_name: str) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        with st.container(gap=None):
            st.markdown(f"**{text.escape(text.shorten(run.name))}**")
            st.caption(_run_words(run, dataset_name))
        page = "interpret" if run.status in ENDED and run.metrics else "train"
        state.link(page, "Show", icon="arrow_forward", dataset=run.dataset_id, run=run.id)


def _run_words(run: Run, dataset_name: str) -> str:
    words = [text.shorten(dataset_name, 32), run.status]
    accuracy = run.metrics.get("accuracy")
    if accuracy is not None:
        words.append(f"accuracy {accuracy:.1%}")
    if run.status in ENDED and run.finished_at:
        words.append(text.ago(run.finished_at))
    if run.progress.total and run.status not in ENDED:
        words.append(f"batch {run.progress.done:,} of {run.progress.total:,}")
    return " · ".join(text.escape(word) for word in words)


main()
