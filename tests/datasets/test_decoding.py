"""No file takes the process with it that asks for it."""

import os
import signal
import sys
from pathlib import Path

import pytest

from core.datasets import catalog, decoding, thumbnails
from core.datasets.child import Child
from core.domain.errors import ConflictError, NotFoundError, StoreError, UnreadableImageError
from core.store import files
from tests.datasets import corpus, shelves

# Behaves as the real child, but for files whose name says what a decoder's bug would do.
STUMBLING = """
import os, signal
from core.datasets import decode_child, reading
plain = reading.read
def read(path, size_px):
    if "crash" in path:
        os.kill(os.getpid(), signal.SIGSEGV)
    if "bug" in path:
        raise ZeroDivisionError("no decoder promises anything")
    while "slow" in path:
        pass
    return plain(path, size_px)
reading.read = read
decode_child.main()
"""
COMMAND = (sys.executable, "-c", STUMBLING)


def test_only_the_file_that_ends_the_child_is_broken(tmp_path: Path) -> None:
    names = ("a.jpg", "crash.jpg", "b.jpg", "slow.jpg", "c.jpg", "bug.jpg", "crash2.jpg", "d.jpg")
    paths = [str(corpus.put(tmp_path / name, corpus.jpeg(at))) for at, name in enumerate(names)]

    with decoding.Pool(n_children=1, file_seconds=1, command=COMMAND) as pool:
        reasons = [reading.reason for reading in pool.read_all(paths)]

    assert reasons == [
        None,
        "makes the decoder crash (SIGSEGV)",
        None,
        "takes longer than 1 s to decode",
        None,
        "makes the decoder fail (status 1)",
        "makes the decoder crash (SIGSEGV)",
        None,
    ]


def test_a_child_that_was_killed_from_outside_breaks_no_file(tmp_path: Path) -> None:
    path = str(corpus.put(tmp_path / "a.jpg", corpus.jpeg(1)))
    child = Child()
    first = child.read_many([path], 256)
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)

    again = child.read_many([path, path], 256)

    child.close()
    assert again == first * 2
    assert first[0].reason is None


def test_answers_come_in_the_order_of_the_files(tmp_path: Path) -> None:
    paths = [
        str(corpus.put(tmp_path / f"{at}.jpg", corpus.jpeg(at, (20 + at, 20)))) for at in range(40)
    ]

    with decoding.Pool(n_children=2) as pool:
        widths = [reading.width_px for reading in pool.read_all(paths)]

    assert widths == list(range(20, 60))


def test_a_child_that_cannot_start_is_told_as_such(tmp_path: Path) -> None:
    child = Child(command=(sys.executable, "-c", "raise SystemExit(3)"))

    with pytest.raises(StoreError, match="status 3"):
        child.read_many([str(tmp_path / "a.jpg")], 256)


def test_a_large_picture_does_not_pass_the_memory_limit(tmp_path: Path) -> None:
    greedy = "from core.datasets import decode_child as d\nd.MEMORY_BYTES = 2**28\nd.main()"
    path = corpus.put(tmp_path / "large.png", corpus.flat_png(7000))
    child = Child(command=(sys.executable, "-c", greedy))

    found = child.read_many([str(path)], 256)

    child.close()
    assert found[0].reason is not None
    assert "memory" in found[0].reason


def test_the_corpus_ends_with_a_reason_each_and_good_files_with_none(tmp_path: Path) -> None:
    damaged = {name: reason for name, (_, reason) in corpus.damaged().items()}
    for name, (content, _) in corpus.damaged().items():
        corpus.put(tmp_path / name, content)
    for name, content in corpus.unusual().items():
        corpus.put(tmp_path / name, content)
    paths = sorted(tmp_path.glob("*.*"))

    with decoding.Pool(n_children=1) as pool:
        found = dict(zip(paths, pool.read_all([str(path) for path in paths]), strict=True))

    for path, reading in found.items():
        assert damaged.get(path.name, "") in (reading.reason or "")
        assert (reading.reason is not None) == (path.name in damaged)


def test_a_thumbnail_is_made_by_a_child_once_and_kept(tmp_path: Path) -> None:
    root = tmp_path / "root"
    corpus.put(root / "cat" / "a.jpg", corpus.jpeg(1, (600, 300)))
    dataset_id, _ = shelves.scanned(root)
    content_hash = content_of(dataset_id, "cat/a.jpg")
    small = thumbnails.get(content_hash)
    small.unlink()

    again = thumbnails.get(content_hash)
    large = thumbnails.get(content_hash, size_px=1280)

    assert again == small == files.thumbnail(content_hash, 256)
    assert images_size(again) == (256, 128)
    assert images_size(large) == (600, 300)


def test_a_file_that_changed_since_its_scan_gives_no_thumbnail(tmp_path: Path) -> None:
    root = tmp_path / "root"
    path = corpus.put(root / "cat" / "a.jpg", corpus.jpeg(1))
    dataset_id, _ = shelves.scanned(root)
    content_hash = content_of(dataset_id, "cat/a.jpg")
    thumbnails.get(content_hash).unlink()
    path.write_bytes(corpus.jpeg(2))

    with pytest.raises(ConflictError, match="changed since it was scanned"):
        thumbnails.get(content_hash)


def test_a_file_that_broke_since_its_scan_says_why_it_has_no_thumbnail(tmp_path: Path) -> None:
    root = tmp_path / "root"
    path = corpus.put(root / "cat" / "a.jpg", corpus.jpeg(1))
    dataset_id, _ = shelves.scanned(root)
    content_hash = content_of(dataset_id, "cat/a.jpg")
    thumbnails.get(content_hash).unlink()
    path.write_bytes(corpus.damaged()["page.jpg"][0])

    with pytest.raises(UnreadableImageError, match="is HTML"):
        thumbnails.get(content_hash)


def test_an_unknown_content_has_no_thumbnail() -> None:
    with pytest.raises(NotFoundError, match="00ff"):
        thumbnails.get("00ff")


def content_of(dataset_id: str, path: str) -> str:
    """Give the content hash of a scanned file."""
    content_hash = catalog.get_item(shelves.by_path(dataset_id)[path]).content_hash
    assert content_hash is not None
    return content_hash


def images_size(path: Path) -> tuple[int, int]:
    """Read a picture's size."""
    from PIL import Image

    with Image.open(path) as image:
        return image.size
