"""What the network will see: which images, how they are cut and augmented, and one real batch."""

from typing import Any

import streamlit as st

from core.datasets import catalog
from core.domain.items import Dataset
from core.domain.jobs import ENDED
from core.runs import plans, previews, tasks
from core.runs.previews import Preview
from pages.parts import errors, plan_form, state, summary_view, task_view, text, toolbar

N_ACROSS = 4
POLL_SECONDS = 0.4
VARIED = "batches.varied"


def show() -> None:
    """Draw the page: settings on the left, the batch they make on the right."""
    dataset = toolbar.show()
    st.title("Batches", anchor=False)
    st.caption("Choose what the next run reads; the pictures show it as the network sees it.")
    plan = plans.get(dataset.id)
    left, right = st.columns([2, 3], gap="large")
    with left:
        with st.container(border=True):
            st.subheader("Images", anchor=False)
            plan_form.split(dataset.id, plan)
            plan_form.subset(dataset.id, plan)
            _new_split(dataset)
        with st.container(border=True):
            st.subheader("Sizes", anchor=False)
            plan_form.sizes(dataset.id, plan)
        with st.container(border=True):
            st.subheader("Augmentation", anchor=False)
            plan_form.augmentation(dataset.id, plan)
    with right:
        found = _request(dataset.id)
        _batch(dataset.id, found)
        if found.result is not None or found.error is not None:  # else it would wait for both
            summary_view.show(dataset.id)
        state.link("lr", "Next: find a learning rate", icon="arrow_forward")


def _new_split(dataset: Dataset) -> None:
    with st.popover("Another split", icon=":material/call_split:"):
        st.caption(
            "A second split with another seed or share. The master split and all runs on it stay."
        )
        seed = st.number_input("Seed", 0, 2**31 - 1, value=43, key="new-split-seed")
        share = st.slider("Share in valid (%)", 5, 50, value=20, key="new-split-share") / 100
        st.button("Make it", type="primary", on_click=_make_split, args=(dataset.id, seed, share))
    latest = tasks.find_latest("split", dataset.id)
    if latest is not None and latest.status not in ENDED:
        _await_split(latest.id)
    elif latest is not None:
        task_view.ended(latest, key="split-ended")


@errors.callback
def _make_split(dataset_id: str, seed: int, share: float) -> None:
    params = {"seed": seed, "valid_fraction": share}
    key = f"split:{dataset_id}:{seed}:{share}"
    tasks.start("split", dataset_id=dataset_id, params=params, key=key)


@st.fragment(run_every=POLL_SECONDS)
@errors.boundary()
def _await_split(task_id: str) -> None:
    task = tasks.get(task_id)
    if task.status in ENDED:
        st.rerun()
    st.caption("Making the split …")


def _batch(dataset_id: str, found: Preview) -> None:
    if found.error is not None:
        _failed(found)
    elif found.result is None:
        _wait(dataset_id)
    else:
        _pictures(dataset_id, found.key, found.result)
        _facts(found.result)


@st.fragment(run_every=POLL_SECONDS)
@errors.boundary()
def _wait(dataset_id: str) -> None:
    found = _request(dataset_id)
    if found.result is not None or found.error is not None:
        st.rerun()
    st.skeleton(height=420)
    st.caption("Making one batch of train and of valid. The first takes some seconds longer.")


def _request(dataset_id: str) -> Preview:
    plan, revision = plans.get(dataset_id), catalog.get(dataset_id).revision
    chosen = st.session_state.get(VARIED, {}).get((dataset_id, revision))
    return previews.request_batch(dataset_id, plan, item_id=chosen)


@errors.callback
def _vary(dataset_id: str, item_id: int) -> None:
    """Choose the image that is drawn nine times, until the dataset changes."""
    st.session_state[VARIED] = {(dataset_id, catalog.get(dataset_id).revision): item_id}


def _position(others: list[int], item_id: int) -> int:
    return others.index(item_id) if item_id in others else -1


def _failed(found: Preview) -> None:
    hint = f"  \n{text.escape(found.hint)}" if found.hint else ""
    st.error(f"{text.escape(found.error or '')}{hint}", icon=":material/error:")
    st.button("Try again", on_click=_retry, args=(found.key,))


@errors.callback
def _retry(key: str) -> None:
    previews.retry(key)


def _pictures(dataset_id: str, key: str, result: dict[str, Any]) -> None:
    train, valid, nine = st.tabs(["Train", "Valid", "One image, nine times"])
    with train:
        _grid(key, result["train"])
    with valid:
        _grid(key, result["valid"])
    with nine:
        found = result["nine"]
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{text.escape(found['label'])}, as nine epochs would see it.")
            others = [picture["item_id"] for picture in result["train"]]
            following = others[(_position(others, found["item_id"]) + 1) % len(others)]
            st.button(
                "Another image",
                icon=":material/skip_next:",
                on_click=_vary,
                args=(dataset_id, following),
            )
        _grid(key, [{"file": name, "label": ""} for name in found["files"]], across=3)


def _grid(key: str, pictures: list[dict[str, Any]], across: int = N_ACROSS) -> None:
    paths = [previews.find_image(key, picture["file"]) for picture in pictures]
    for first in range(0, len(pictures), across):
        columns = st.columns(across)
        pairs = zip(pictures[first : first + across], paths[first : first + across], strict=True)
        for column, (picture, path) in zip(columns, pairs, strict=False):
            if path is not None:
                caption = text.escape(text.shorten(picture["label"], 24)) or None
                column.image(str(path), caption=caption, width="stretch")


def _facts(result: dict[str, Any]) -> None:
    shape = " × ".join(str(size) for size in result["shape"])
    with st.container(horizontal=True):
        st.metric("Batch shape", shape, border=True)
        st.metric("Batches an epoch", f"{result['n_batches']:,}", border=True)
        st.metric("Train images", f"{result['n_train']:,}", border=True)
        st.metric("Valid images", f"{result['n_valid']:,}", border=True)
    rows = {
        "channel": ["red", "green", "blue"],
        "mean before": result["before"]["mean"],
        "deviation before": result["before"]["std"],
        "mean after": result["after"]["mean"],
        "deviation after": result["after"]["std"],
    }
    st.dataframe(rows, hide_index=True, width="stretch")
    st.caption("Before and after normalising, over this batch; before, black is 0 and white 1.")


show()
