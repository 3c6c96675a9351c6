"""The filters of the queue: which kinds of findings, which classes, which part."""

import streamlit as st

from core.datasets import catalog, findings
from core.datasets.findings import Entry, QueueFilter
from core.domain.findings import KINDS, FindingKind
from core.domain.items import PARTS, Dataset
from core.review.queue import Queue
from pages.parts import errors, text
from pages.parts.audit.review import words


def show(dataset: Dataset, whole: Queue) -> QueueFilter:
    """Draw the filters with how many images each kind has, and give what is chosen."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        labels = _classes(dataset)
        part = st.selectbox(
            "Part",
            PARTS,
            index=None,
            placeholder="All parts",
            key=_key("part", dataset.id),
            width=130,
        )
        here = QueueFilter(labels=tuple(labels) or None, parts=(part,) if part else None)
        kinds = _kinds(dataset.id, whole, whole.choose(here))
    return QueueFilter(kinds=tuple(kinds) or None, labels=here.labels, parts=here.parts)


def name(chosen: QueueFilter | None) -> str:
    """Name a choice, so that another one is told from it."""
    return repr(chosen)


@errors.callback
def clear(dataset_id: str) -> None:
    """Let everything through again."""
    st.session_state[_key("classes", dataset_id)] = []
    st.session_state[_key("part", dataset_id)] = None
    for key in [str(one) for one in st.session_state]:
        if key.startswith(_key("kinds", dataset_id)):
            del st.session_state[key]


def _key(name: str, dataset_id: str) -> str:
    return f"review-{dataset_id}-{name}"


def _classes(dataset: Dataset) -> list[str]:
    """Offer the classes of the dataset: those of the queue alone would vanish while chosen."""
    return st.multiselect(
        "Class",
        catalog.classes(dataset.id),
        format_func=lambda name: text.plain(text.shorten(name, 40)),
        placeholder="All classes",
        key=_key("classes", dataset.id),
        width=220,
    )


def _kinds(dataset_id: str, whole: Queue, here: list[Entry]) -> list[FindingKind]:
    """Offer the kinds that the queue has, each with how many images the other filters leave.

    Streamlit knows what is chosen by its words, and loses it when a number in them changes twice:
    other words make another widget, which begins with the choice that is kept beside it.
    """
    number = findings.n_by_kind(here)
    kept = st.session_state.setdefault(_key("kinds", dataset_id), [])
    there = {*findings.n_by_kind(whole.entries), *kept}  # one that is chosen may be done with
    labels = {
        kind: f"{words.MANY[kind]} {number.get(kind, 0):,}" for kind in KINDS if kind in there
    }
    key = _key(f"kinds-{list(labels.values())}", dataset_id)
    st.pills(
        "Kind",
        list(labels),
        selection_mode="multi",
        default=None if key in st.session_state else kept,
        format_func=labels.__getitem__,
        key=key,
        wrap=True,
        on_change=_keep_kinds,
        args=(key, dataset_id),
    )
    return list(kept)


@errors.callback
def _keep_kinds(key: str, dataset_id: str) -> None:
    st.session_state[_key("kinds", dataset_id)] = list(st.session_state[key])
