"""Unpack an archive, on this machine or uploaded, and go on as with a folder."""

import streamlit as st

from core.datasets import archives
from core.domain.errors import WinnowError
from core.runs import brought
from pages.parts import errors
from pages.parts.ways_in import following

PATH = "archive-path"
UPLOAD = "archive-upload"
ENDINGS = ("zip", "tar", "tgz", "gz", "bz2", "xz")


def show() -> None:
    """Draw the form, and what is being unpacked."""
    st.caption(
        "A zip or tar of images. It is unpacked into Winnow's home, images and tables only; "
        "then you choose how labels are read."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Archive",
            key=PATH,
            placeholder="/home/me/photos.zip",
            help="The full path of a file on the machine where Winnow runs.",
        )
        st.button("Unpack", type="primary", icon=":material/unarchive:", on_click=_unpack)
    st.file_uploader(
        "or upload one from this computer", type=ENDINGS, key=UPLOAD, on_change=_uploaded
    )
    following.show("archive")


@errors.callback
def _unpack() -> None:
    following.begin("archive", brought.unpack(st.session_state[PATH]).id)


@errors.callback
def _uploaded() -> None:
    """Keep what was uploaded, and unpack it; taking the file out of the widget does nothing."""
    upload = st.session_state[UPLOAD]
    if upload is None:
        return
    kept = str(archives.save_upload(upload.name, upload))
    try:
        following.begin("archive", brought.unpack(kept).id)
    except WinnowError:
        archives.drop_upload(kept)
        raise
