"""Make a dataset of lists of image addresses."""

import pandas as pd
import streamlit as st

from core.datasets.urls import downloads, lists
from core.datasets.urls.lists import UrlList
from core.domain.errors import InputError, WinnowError
from core.runs import tasks
from pages.parts import errors, state, text

FILES = "urls-files"
PASTED = "urls-pasted"
LABEL = "urls-label"
NAME = "urls-name"
PRIVATE = "urls-private"
READ = "urls_form.read"  # what the form shows, for the button's callback


def show() -> None:
    """Draw the form, and what is in the lists."""
    st.caption(
        "Text files of addresses, one file a class, or a CSV with an address and a class a row. "
        "The order is kept as each image's rank: search engines put the best first."
    )
    st.file_uploader("Lists", type=("txt", "csv", "tsv"), accept_multiple_files=True, key=FILES)
    with st.expander("or paste addresses of one class"):
        st.text_input("Class", key=LABEL, placeholder="grizzly bear")
        st.text_area("Addresses, one a line", key=PASTED, height=120)
    found = _read()
    if found:
        _contents(found)
    st.session_state[READ] = found
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Name of the dataset", key=NAME, placeholder="bears", max_chars=120)
        st.button(
            "Download",
            type="primary",
            icon=":material/download:",
            on_click=_download,
            disabled=not found,
        )
    st.checkbox(
        "Allow addresses inside this machine and its network",
        key=PRIVATE,
        help="A list from a stranger could otherwise make Winnow fetch pages that only this "
        "machine can reach.",
    )


def _read() -> list[UrlList]:
    found: list[UrlList] = []
    for upload in st.session_state[FILES] or ():
        _try(found, upload.getvalue(), upload.name, None)
    pasted = st.session_state[PASTED].strip()
    if pasted:
        label = st.session_state[LABEL].strip()
        if label:
            _try(found, pasted.encode(), f"{label}.txt", label)
        else:
            st.warning("Name the class of the pasted addresses.", icon=":material/label:")
    return found


def _try(found: list[UrlList], content: bytes, name: str, label: str | None) -> None:
    try:
        found.append(_parse(content, name, label))
    except WinnowError as error:
        st.error(errors.explain(error), icon=":material/error:")


@st.cache_data(max_entries=32, show_spinner=False)
def _parse(content: bytes, name: str, label: str | None) -> UrlList:
    return lists.parse(lists.decode(content, name), name=name, label=label)


def _contents(found: list[UrlList]) -> None:
    per_class: dict[str, int] = {}
    for one in found:
        for label, number in one.counts.items():
            per_class[label] = per_class.get(label, 0) + number
    total = sum(per_class.values())
    classes = text.count(len(per_class), "class", "classes")
    st.markdown(f"**{total:,}** addresses in **{classes}**.")
    rows = [{"class": text.plain(label), "addresses": n} for label, n in per_class.items()]
    st.dataframe(pd.DataFrame(rows), hide_index=True, height=min(250, 38 + 35 * len(rows)))
    odd = [(text.plain(one.name), *problem) for one in found for problem in one.problems]
    if odd:
        with st.expander(f"Lines that are passed over: {len(odd):,}"):
            shown = [
                {"list": name, "line": line, "content": text.plain(content), "it": reason}
                for name, line, content, reason in odd[:500]
            ]
            st.dataframe(pd.DataFrame(shown), hide_index=True)


@errors.callback
def _download() -> None:
    found: list[UrlList] = st.session_state.get(READ) or []
    name = st.session_state[NAME].strip()
    if not name:
        raise InputError("The dataset has no name yet.", hint="Type a name beside the button.")
    dataset = downloads.make(found, name=name)
    state.choose_dataset(dataset.id)
    allow = bool(st.session_state[PRIVATE])
    tasks.start("download", dataset_id=dataset.id, params={"allow_private": allow})
    st.session_state[PASTED] = ""
