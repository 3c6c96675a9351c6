"""A folder is listed whatever lies in it, and nothing outside of it is."""

import os
from pathlib import Path

import pytest

from core.datasets import folders
from core.domain.errors import FolderError
from tests.datasets import corpus

PHOTO = corpus.jpeg(1)
HARD_NAMES = (
    "with space.jpg",
    "per%20cent.jpg",
    "what?.jpg",
    "\"double\" and 'single'.jpg",
    "连衣裙.jpg",
    "new\nline.jpg",
    "n" * 200 + ".jpg",
    "<script>alert(1)<_script>.JPG",
    "-rf.jpeg",
)


def paths(listing: folders.Listing) -> list[str]:
    """Give the paths of the files that were listed."""
    return [path for path, _size, _mtime in listing.files]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Leave the home unmade: these tests list the folder in which it would lie."""
    folder = tmp_path / "home"
    monkeypatch.setenv("WINNOW_HOME", str(folder))
    return folder


def test_any_name_is_listed(tmp_path: Path) -> None:
    for name in HARD_NAMES:
        corpus.put(tmp_path / "a class" / name, PHOTO)

    listing = folders.walk(str(tmp_path))

    assert sorted(paths(listing)) == sorted(f"a class/{n}" for n in HARD_NAMES)
    assert listing.ignored == {}


def test_what_is_passed_over_is_counted_by_reason(tmp_path: Path) -> None:
    for name in (".hidden.jpg", "notes.txt", "drawing.svg", "icon.ico", "layers.psd", "photo.jpg"):
        corpus.put(tmp_path / "cat" / name, PHOTO)
    corpus.put(tmp_path / ".git" / "photo.jpg", PHOTO)
    corpus.put(tmp_path / "loose.jpg", PHOTO)
    os.mkfifo(tmp_path / "cat" / "pipe.jpg")

    listing = folders.walk(str(tmp_path))

    assert sorted(paths(listing)) == ["cat/photo.jpg", "loose.jpg"]
    assert listing.ignored == {
        "hidden": 2,
        "not a file": 1,
        "not an image": 4,
    }


def test_links_and_loops_are_not_followed(tmp_path: Path) -> None:
    corpus.put(tmp_path / "outside" / "foreign.jpg", PHOTO)
    own = corpus.put(tmp_path / "root" / "cat" / "own.jpg", PHOTO)
    (tmp_path / "root" / "cat" / "loop").symlink_to(tmp_path / "root")
    (tmp_path / "root" / "linked").symlink_to(tmp_path / "outside")
    (tmp_path / "root" / "cat" / "linked.jpg").symlink_to(own)

    listing = folders.walk(str(tmp_path / "root"))

    assert paths(listing) == ["cat/own.jpg"]
    assert listing.ignored == {"link": 3}


def test_images_deeper_inside_are_listed(tmp_path: Path) -> None:
    corpus.put(tmp_path / "cat" / "2024" / "june" / "a.jpg", PHOTO)

    listing = folders.walk(str(tmp_path))

    assert paths(listing) == ["cat/2024/june/a.jpg"]


def test_a_closed_folder_is_counted_and_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = corpus.folder(tmp_path / "root", classes=("cat", "dog"), per_class=1)
    close(monkeypatch, root / "cat")  # the tests may run as root, whom no permission stops

    listing = folders.walk(str(root))

    assert paths(listing) == ["dog/dog-0.jpg"]
    assert listing.ignored == {"unreadable folder": 1}


def test_names_that_are_no_text_are_counted(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / os.fsdecode(b"\xff\xfe.jpg")).write_bytes(PHOTO)

    listing = folders.walk(str(tmp_path))

    assert listing.files == []
    assert listing.ignored == {"name is not valid text": 1}


def test_winnows_own_folder_is_never_a_class(tmp_path: Path, home: Path) -> None:
    corpus.put(home / "thumbnails" / "aa" / "photo.jpg", PHOTO)

    listing = folders.walk(str(tmp_path))

    assert listing.files == []
    assert listing.ignored == {"Winnow's own folder": 1}


@pytest.mark.parametrize(
    ("name", "words"),
    [("none", "does not exist"), ("file.jpg", "is a file"), ("closed", "permission")],
)
def test_a_root_that_cannot_be_listed_is_refused(
    name: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus.put(tmp_path / "file.jpg", PHOTO)
    (tmp_path / "closed").mkdir()
    close(monkeypatch, tmp_path / "closed")

    with pytest.raises(FolderError, match=words) as caught:
        folders.walk(str(tmp_path / name))

    assert str(tmp_path / name) in caught.value.sentence


def test_a_folder_to_pick_from_shows_sub_folders_by_name(tmp_path: Path) -> None:
    corpus.folder(tmp_path / "b", classes=("x", "y"), per_class=1)
    (tmp_path / "A").mkdir()
    (tmp_path / ".hidden").mkdir()

    entries = folders.list_folders(str(tmp_path))

    assert [(entry.name, entry.n_folders) for entry in entries] == [("A", 0), ("b", 2)]
    assert entries[1].path == str(tmp_path / "b")


def close(monkeypatch: pytest.MonkeyPatch, closed: Path) -> None:
    """Refuse to list one folder, as missing permission does."""
    scandir = os.scandir

    def refusing(path: str) -> object:
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
