"""Fixtures for pages: rendered without a browser, caches empty, a small dataset of real images."""

from pathlib import Path

import pytest
import streamlit as st

from core.domain.items import Dataset
from tests.pages import library


@pytest.fixture(autouse=True)
def empty_caches() -> None:
    """Forget what Streamlit kept: its caches are shared by all sessions of a process."""
    st.cache_data.clear()


@pytest.fixture
def pets(tmp_path: Path) -> Dataset:
    """Give a dataset of five cats and four dogs."""
    return library.open_scanned(library.write_images(tmp_path / "pets", {"cat": 5, "dog": 4}))
