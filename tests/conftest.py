"""Fixtures that every room's tests share."""

from pathlib import Path

import pytest
from hypothesis import settings

from core.store import database

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a home folder, and so a database, of its own."""
    folder = tmp_path / "home"
    monkeypatch.setenv("WINNOW_HOME", str(folder))
    monkeypatch.delenv("WINNOW_DATABASE_URL", raising=False)
    yield folder
    database.forget()


@pytest.fixture
def clothing() -> Path:
    """Give the folder of clothing photos, or skip where this machine has none."""
    folder = SHARED / "data" / "clothing"
    if not folder.is_dir():
        pytest.skip(f"needs the clothing photos in {folder}")
    return folder


# how long an example takes says how busy the machine is
settings.register_profile("winnow", deadline=None)
settings.load_profile("winnow")
