"""Winnow's entry: the server when it is started, the frame of every page when a browser comes.

`streamlit run app.py`, `python app.py` and `uvicorn app:app` start the same server.
"""

import streamlit as st
from streamlit import runtime

# Every url_path differs from its file's stem: otherwise Streamlit's old discovery of `pages/`
# answers the first deep link without this frame.
PAGES = (
    ("home", "Home", "home"),
    ("datasets", "Datasets", "folder_open"),
    ("browse", "Browse", "photo_library"),
    ("audit", "Audit", "policy"),
    ("batches", "Batches", "grid_view"),
    ("lr", "LR finder", "speed"),
    ("train", "Train", "play_circle"),
    ("interpret", "Interpret", "troubleshoot"),
    ("predict", "Predict", "image_search"),
    ("runs", "Runs", "stacked_line_chart"),
)


def main() -> None:
    """Draw the page that the address names, inside the one error boundary."""
    from pages.parts import errors, state

    st.set_page_config(page_title="Winnow", page_icon="pages/parts/mark.svg", layout="wide")
    st.logo("pages/parts/logo.svg", size="large")
    page = st.navigation([_page(*entry) for entry in PAGES], position="top")
    state.begin(page.url_path)
    with errors.boundary():
        page.run()


def _page(name: str, title: str, icon: str) -> st.Page:
    path, icon = f"pages/{name}_page.py", f":material/{icon}:"
    return st.Page(path, title=title, icon=icon, url_path=name, default=name == "home")


if runtime.exists():
    main()
else:
    from streamlit.runtime.pages_manager import PagesManager

    from pages.parts import server

    PagesManager.uses_pages_directory = False
    app = st.App(__file__, **server.build())
    if __name__ == "__main__":
        app.run()
