"""What leaves Winnow: edits carried out on disk, a clean copy, the items as a table."""

import streamlit as st

from core.domain.items import Dataset
from pages.parts.audit import disk_copy, disk_moves, disk_table


def show(dataset: Dataset) -> None:
    """Draw the three ways to disk, one below the other."""
    st.subheader("Apply to disk", anchor=False)
    disk_moves.show(dataset)
    st.subheader("Write a clean copy", anchor=False)
    disk_copy.show(dataset)
    st.subheader("Take the items along as a table", anchor=False)
    disk_table.show(dataset)
