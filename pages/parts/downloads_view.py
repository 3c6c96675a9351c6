"""How the downloads of a list went: each failure with its reason, and trying again."""

from collections import Counter
from collections.abc import Mapping

import pandas as pd
import streamlit as st

from core.datasets.urls import downloads
from core.domain.items import Dataset
from core.runs import tasks
from pages.parts import errors, task_view, text
from pages.parts.ways_in import url_lists

WORDS = {
    "ok": ("downloaded", "downloaded"),
    "copy": ("copy of another", "copies of others"),
    "not_image": ("no image", "no images"),
    "failed": ("failed", "failed"),
    "waiting": ("not tried yet", "not tried yet"),
}
PAGE_SIZE = 200


def show(dataset: Dataset) -> None:
    """Draw the counts, the list of what came to nothing, and the buttons that go on."""
    if dataset.source != "urls":
        return
    task = tasks.find_latest("download", dataset.id)
    if task is not None:
        task_view.ended(task, key="download-ended")
    counts = downloads.counts(dataset.id)
    found = (_in_words(one, counts[one]) for one in WORDS if counts[one])
    st.markdown(f"Addresses: {', '.join(found)}.")
    if counts["failed"]:
        _commonest(dataset.id)
    _buttons(dataset, counts, bool(task is not None and task.params.get("allow_private")))
    if counts["failed"] + counts["not_image"] + counts["copy"]:
        with st.expander("What came to nothing, and why", key="downloads-failed"):
            _failures(dataset.id)


def _in_words(status: str, number: int) -> str:
    one, several = WORDS[status]
    return f"**{number:,}** {one if number == 1 else several}"


def _commonest(dataset_id: str) -> None:
    """Say why most of them failed, as far as the first ones tell."""
    page = downloads.list_rows(dataset_id, statuses=("failed",), limit=PAGE_SIZE)
    reason, number = Counter(row.reason or "" for row in page.rows).most_common(1)[0]
    share = "All" if number == page.total else f"{number:,} of {page.total:,}"
    st.caption(f"{share} failed because the address {text.escape(text.shorten(reason, 120))}.")


def _buttons(dataset: Dataset, counts: Mapping[str, int], before: bool) -> None:
    allow = st.checkbox(
        "Allow addresses inside this machine and its network",
        before,
        key=f"downloads-private-{dataset.id}",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        if counts["waiting"]:
            st.button(
                "Go on downloading",
                type="primary",
                icon=":material/download:",
                on_click=_go_on,
                args=(dataset.id, allow),
            )
        for status, words in (("failed", "the failed ones"), ("not_image", "the no images")):
            if counts[status]:
                st.button(
                    f"Try {words} again",
                    key=f"retry-{status}",
                    icon=":material/replay:",
                    on_click=_retry,
                    args=(dataset.id, status, allow),
                )
        _add(dataset, allow)


def _add(dataset: Dataset, allow: bool) -> None:
    key = f"more-urls-{dataset.id}"
    with st.popover("Add addresses", icon=":material/add_link:"):
        found = url_lists.choose(key)
        st.session_state[f"{key}-read"] = found
        st.button(
            "Add and download",
            type="primary",
            on_click=_added,
            args=(dataset.id, key, allow),
            disabled=not found,
        )


@errors.callback
def _added(dataset_id: str, key: str, allow_private: bool) -> None:
    n_new = downloads.add(dataset_id, *st.session_state[f"{key}-read"])
    url_lists.clear(key)
    if n_new:
        _go_on(dataset_id, allow_private)
    else:
        st.toast("All of these addresses were there already.")


def _failures(dataset_id: str) -> None:
    key = f"downloads-page-{dataset_id}"
    number = int(st.session_state.get(key) or 1)
    page = downloads.list_rows(
        dataset_id,
        statuses=("failed", "not_image", "copy"),
        offset=(number - 1) * PAGE_SIZE,
        limit=PAGE_SIZE,
    )
    rows = [
        {
            "class": text.plain(row.label),
            "rank": row.rank,
            "address": text.plain(row.url),
            "reason": text.plain(row.reason or WORDS[row.status][0]),
            "tries": row.n_tries,
        }
        for row in page.rows
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, key="downloads-table")
    if page.total > PAGE_SIZE:
        st.pagination(-(-page.total // PAGE_SIZE), key=key)


@errors.callback
def _go_on(dataset_id: str, allow_private: bool) -> None:
    params = {"allow_private": allow_private}
    tasks.start("download", dataset_id=dataset_id, params=params)


@errors.callback
def _retry(dataset_id: str, status: downloads.Vain, allow_private: bool) -> None:
    downloads.retry(dataset_id, status)
    _go_on(dataset_id, allow_private)
