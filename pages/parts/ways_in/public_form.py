"""Download one of fastai's public datasets, and go on as with a folder."""

import streamlit as st

from core.domain.public_datasets import PUBLIC
from core.runs import brought
from pages.parts import errors, text
from pages.parts.ways_in import following

CHOSEN = "public-chosen"


def show() -> None:
    """Draw the picker, and what is being downloaded."""
    st.caption(
        "Datasets that the fastai library knows, downloaded by its own code, once. They are "
        "good to learn with, and to compare with published numbers."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Public dataset",
            list(PUBLIC),
            format_func=lambda one: f"{PUBLIC[one].title}, {text.size(PUBLIC[one].size_bytes)}",
            key=CHOSEN,
        )
        st.button("Download", type="primary", icon=":material/download:", on_click=_download)
    st.markdown(text.escape(PUBLIC[name].about))
    following.show("public")


@errors.callback
def _download() -> None:
    following.begin("public", brought.download(st.session_state[CHOSEN]).id)
