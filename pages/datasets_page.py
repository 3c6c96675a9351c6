"""Datasets: every way in, the one that is shown with what was found in it, and all of them."""

import streamlit as st

from core.datasets import catalog
from pages.parts import dataset_card, errors, state, text
from pages.parts.ways_in import archive_form, folder_form, following, public_form, urls_form

WAYS = {
    "folder": ("Folder", folder_form.show),
    "archive": ("Archive", archive_form.show),
    "urls": ("List of URLs", urls_form.show),
    "public": ("Public dataset", public_form.show),
}


def main() -> None:
    """Draw the page."""
    st.title("Datasets", anchor=False)
    way = _ways_in()
    dataset = state.find_dataset()
    if dataset is not None:
        dataset_card.show(dataset)
    elif way == "folder" and not st.session_state.get(folder_form.PATH):
        st.info(
            "Name a folder with one sub-folder a class, such as `photos/cat` and `photos/dog`, or "
            "with a table of labels. Nothing in it is changed.",
            icon=":material/lightbulb:",
        )
    _list()


def _ways_in() -> str:
    if following.NEXT_WAY in st.session_state:  # a widget's value may be set only before it
        st.session_state[following.WAY] = st.session_state.pop(following.NEXT_WAY)
    way = st.segmented_control(
        "Images come from",
        list(WAYS),
        format_func=lambda one: WAYS[one][0],
        default="folder",
        key=following.WAY,
        required=True,
    )
    WAYS[way][1]()
    return way


@errors.callback
def _show(dataset_id: str) -> None:
    state.choose_dataset(dataset_id)


def _list() -> None:
    found = catalog.list_datasets()
    if not found:
        return
    st.subheader("All datasets", anchor=False)
    for dataset in found:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            with st.container(gap=None):
                st.markdown(f"**{text.escape(text.shorten(dataset.name))}**")
                st.caption(text.escape(text.shorten(dataset.root, 110)))
            st.button(
                "Show",
                key=f"show-{dataset.id}",
                icon=":material/folder_open:",
                type="tertiary",
                on_click=_show,
                args=(dataset.id,),
            )
            if dataset.scanned_at:
                state.link("browse", "Browse", icon="photo_library", dataset=dataset.id)


main()
