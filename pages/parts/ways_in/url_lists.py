"""Lists of addresses, uploaded or pasted, and what is in them."""

import pandas as pd
import streamlit as st

from core.datasets.urls import lists
from core.datasets.urls.lists import UrlList
from core.domain.errors import WinnowError
from pages.parts import errors, text

MOST_SHOWN = 500


def choose(key: str) -> list[UrlList]:
    """Draw the widgets, and give the lists that are readable; the others say why they are not."""
    uploads = st.file_uploader(
        "Lists", type=("txt", "csv", "tsv"), accept_multiple_files=True, key=f"{key}-files"
    )
    with st.expander("or paste addresses of one class"):
        label = st.text_input("Class", key=f"{key}-label", placeholder="grizzly bear").strip()
        pasted = st.text_area("Addresses, one a line", key=f"{key}-pasted", height=120).strip()
    found: list[UrlList] = []
    for upload in uploads or ():
        _read(found, upload.getvalue(), upload.name, None)
    if pasted and label:
        _read(found, pasted.encode(), f"{label}.txt", label)
    elif pasted:
        st.warning("Name the class of the pasted addresses.", icon=":material/label:")
    if found:
        _contents(found)
    return found


def clear(key: str) -> None:
    """Empty the pasted addresses; for a callback."""
    st.session_state[f"{key}-pasted"] = ""


def _read(found: list[UrlList], content: bytes, name: str, label: str | None) -> None:
    try:
        found.append(_parse(content, name, label))
    except WinnowError as error:
        st.error(errors.explain(error), icon=":material/error:")


@st.cache_data(max_entries=32, show_spinner="Reading the list …")
def _parse(content: bytes, name: str, label: str | None) -> UrlList:
    return lists.parse(lists.decode(content, name), name=name, label=label)


def _contents(found: list[UrlList]) -> None:
    per_class: dict[str, int] = {}
    for one in found:
        for label, number in one.counts.items():
            per_class[label] = per_class.get(label, 0) + number
    total = text.count(sum(per_class.values()), "address", "addresses")
    classes = text.count(len(per_class), "class", "classes")
    st.markdown(f"**{total}** in **{classes}**.")
    rows = [{"class": text.plain(label), "addresses": n} for label, n in per_class.items()]
    st.dataframe(pd.DataFrame(rows), hide_index=True, height=min(250, 38 + 35 * len(rows)))
    odd = [(text.plain(one.name), *problem) for one in found for problem in one.problems]
    if odd:
        with st.expander(f"Lines that are passed over: {len(odd):,}"):
            shown = [
                {"list": name, "line": line, "content": text.plain(content), "reason": reason}
                for name, line, content, reason in odd[:MOST_SHOWN]
            ]
            st.dataframe(pd.DataFrame(shown), hide_index=True)
