"""Datasets: every way in, the one that is shown with what was found in it, and all of them."""

import streamlit as st

from core.datasets import catalog
from pages.parts import dataset_card, errors, state, text, toolbar
from pages.parts.ways_in import archive_form, folder_form, following, public_form, urls_form

MOST_REMOVED = 50
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
    _removed()


def _ways_in() -> str:
    if following.NEXT_WAY in st.session_state:  # a widget's value may be set only before it
        st.session_state[following.WAY] = st.session_state.pop(following.NEXT_WAY)
    st.session_state.setdefault(following.WAY, "folder")
    way = st.segmented_control(
        "Images come from",
        list(WAYS),
        format_func=lambda one: WAYS[one][0],
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
                root = text.escape(text.shorten(dataset.root, 110))
                st.caption(f"{toolbar.in_short(dataset)}  \n{root}")
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


def _removed() -> None:
    found = catalog.list_removed()
    if not found:
        return
    with st.expander(f"Removed from Winnow: {len(found)}", key="removed"):
        for dataset in found[:MOST_REMOVED]:
            with st.container(horizontal=True, vertical_alignment="center"):
                name, root = text.shorten(dataset.name), text.shorten(dataset.root, 90)
                st.markdown(f"**{text.escape(name)}** :gray[{text.escape(root)}]")
                st.button(
                    "Bring back",
                    key=f"back-{dataset.id}",
                    icon=":material/undo:",
                    type="tertiary",
                    on_click=_bring_back,
                    args=(dataset.id,),
                )


@errors.callback
def _bring_back(dataset_id: str) -> None:
    catalog.bring_back(dataset_id)
    state.choose_dataset(dataset_id)


main()
