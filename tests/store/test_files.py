from pathlib import Path

import pytest

from core.domain.errors import StoreError
from core.store import files


def test_a_write_that_fails_leaves_the_old_file_and_no_rest(tmp_path: Path):
    path = tmp_path / "run" / "weights"
    files.write_bytes(path, b"old")

    def half(part: Path) -> None:
        part.write_bytes(b"ne")
        raise OSError(28, "No space left on device")

    with pytest.raises(StoreError, match="No space left"):
        files.write_with(path, half)

    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


def test_json_with_any_letter_comes_back(tmp_path: Path):
    path = tmp_path / "folder" / "x.json"

    files.write_json(path, {"name": "猫 <b>"})

    assert files.load_json(path) == {"name": "猫 <b>"}


def test_a_home_that_cannot_be_made_is_told_in_a_sentence(tmp_path: Path, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("WINNOW_HOME", str(tmp_path / "file" / "home"))

    with pytest.raises(StoreError, match="cannot make its home folder"):
        files.home()
