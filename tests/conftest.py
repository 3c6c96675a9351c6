"""Fixtures that every room's tests share."""

import shutil
from pathlib import Path

import pytest
from hypothesis import settings

from core.store import database

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrate one database for all tests: each copies it, which takes a tenth of the time."""
    folder = tmp_path_factory.mktemp("migrated")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WINNOW_HOME", str(folder))
        patch.delenv("WINNOW_DATABASE_URL", raising=False)
        with database.writing() as connection:
            connection.exec_driver_sql("SELECT 1")
        database.engine().dispose()  # the last connection writes its log into the file
        database.forget()
    return folder / "winnow.db"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, migrated: Path) -> Path:
    """Give each test a home folder, and so a database, of its own."""
    folder = tmp_path / "home"
    folder.mkdir()
    shutil.copyfile(migrated, folder / "winnow.db")
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
