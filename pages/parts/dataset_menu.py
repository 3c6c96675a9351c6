"""What can be done to a dataset as a whole: another name, another place, out of Winnow."""

import streamlit as st

from core.datasets import catalog, folders
from core.domain.items import Dataset
from core.domain.jobs import ENDED
from core.domain.runs import Task
from core.runs import tasks
from pages.parts import errors, state, task_view, text


def show(dataset: Dataset) -> None:
    """Draw the menu's button."""
    with st.popover("More", icon=":material/more_horiz:"):
        _rename(dataset)
        if dataset.source != "sample" and folders.is_there(dataset.root):
            st.divider()
            move(dataset)
        _remove(dataset)


def _rename(dataset: Dataset) -> None:
    key = f"rename-{dataset.id}"
    st.text_input(
        "Name",
        dataset.name,
        key=key,
        max_chars=catalog.MAX_NAME,
        on_change=_renamed,
        args=(dataset.id, key),
    )


@errors.callback
def _renamed(dataset_id: str, key: str) -> None:
    catalog.rename(dataset_id, st.session_state[key])


def move(dataset: Dataset) -> None:
    """Draw the form that points a dataset to the place where its folder lies now."""
    st.markdown("**Moved the folder?**")
    st.caption(
        "Say where it lies now. Images are known by their content: edits, split and runs stay."
    )
    key = f"move-{dataset.id}"
    st.text_input("New place", key=key, placeholder=dataset.root)
    st.button("Look there", on_click=_look_there, args=(dataset.id, key))
    task = tasks.find_latest("compare", dataset.id)
    if task is None or not task.params.get("root"):
        return
    if task.status not in ENDED:
        _await(task.id)
    elif task.status != "finished":
        task_view.ended(task, key="move-ended")
    elif task.result["root"] != dataset.root:
        _found_there(dataset.id, task)


@st.fragment(run_every=0.5)
@errors.boundary()
def _await(task_id: str) -> None:
    if tasks.get(task_id).status in ENDED:
        st.rerun()
    st.caption("Looking …")


def _found_there(dataset_id: str, task: Task) -> None:
    found = task.result
    elsewhere = f", {found['n_elsewhere']:,} in other sub-folders" if found["n_elsewhere"] else ""
    st.markdown(
        f"Of {text.count(found['n_items'], 'image')}, **{found['n_same']:,}** lie in "
        f"{text.escape(found['root'])} as before{elsewhere}."
    )
    st.button(
        "Use this folder",
        type="primary",
        on_click=_use,
        args=(dataset_id, found["root"]),
    )


@errors.callback
def _look_there(dataset_id: str, key: str) -> None:
    root = str(catalog.checked_root(st.session_state[key]))
    tasks.start(
        "compare", dataset_id=dataset_id, params={"root": root}, key=f"{dataset_id}@{root}"
    )


@errors.callback
def _use(dataset_id: str, root: str) -> None:
    catalog.move(dataset_id, root)
    tasks.start("scan", dataset_id=dataset_id)


def _remove(dataset: Dataset) -> None:
    st.divider()
    st.markdown("**Remove from Winnow**")
    st.caption(
        "No file is touched. The dataset and its runs are hidden; opening the folder again brings "
        "them back with all edits."
    )
    st.button("Remove", icon=":material/visibility_off:", on_click=_removed, args=(dataset.id,))


@errors.callback
def _removed(dataset_id: str) -> None:
    name = catalog.get(dataset_id).name
    catalog.remove(dataset_id)
    state.choose_dataset(None)
    st.toast(f"{text.escape(name)} was removed; its files are untouched.")
