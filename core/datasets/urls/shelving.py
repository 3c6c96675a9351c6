"""Where a downloaded image goes below the dataset's folder, and which ones are there already.

A file gets its name before its row says so. Who was killed in between finds the same content
under that name, and takes it as its own; a file of other content is never written over.
"""

import dataclasses
import os
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from urllib.parse import unquote, urlsplit

from core.datasets import damage, images, reading
from core.datasets.urls import downloads
from core.datasets.urls.arriving import Arrival
from core.datasets.urls.downloads import Download, Status
from core.domain.errors import FolderError, StoreError
from core.store import files

ENDINGS = {
    "JPEG": "jpg",
    "PNG": "png",
    "WEBP": "webp",
    "GIF": "gif",
    "BMP": "bmp",
    "TIFF": "tif",
    "AVIF": "avif",
}
MAX_NAME = 40


class Shelf:
    """Puts arrivals in place one by one, and their rows in batches."""

    def __init__(self, dataset_id: str, root: Path) -> None:
        self._root = root
        self._taken: set[str] = set()
        self._contents: dict[tuple[str, str], str] = {}
        for label, content_hash, path in downloads.kept(dataset_id):
            self._taken.add(path)
            self._contents[label, content_hash] = path
        self._done: list[Download] = []
        self._touched: set[Path] = set()

    @property
    def n_open(self) -> int:
        """Count the rows that are not stored yet."""
        return len(self._done)

    def put(self, arrival: Arrival) -> None:
        """Give an arrival's file its place, or take it away; the row follows with `flush`."""
        row, found, part = arrival.row, arrival.reading, arrival.part
        if found is None or part is None:
            self._note(arrival, "failed", reason=arrival.reason)
            return
        if found.reason is not None:
            part.unlink()
            self._note(arrival, "not_image", reason=found.reason)
            return
        assert found.content_hash is not None
        key = (row.label, found.content_hash)
        same = self._contents.get(key)
        if same is not None and os.path.lexists(self._root / same):
            part.unlink()
            self._note(arrival, "copy", reason=f"is the same file as {same}", path=same)
            return
        path = self._place(row, part, found)
        self._contents[key] = path
        self._taken.add(path)
        self._note(arrival, "ok", path=path)

    def flush(self) -> None:
        """Store the rows of what was put; the files' names reach the disk before."""
        for folder in self._touched:
            _sync(folder)
        self._touched.clear()
        downloads.store(self._done)
        self._done.clear()

    def _note(
        self,
        arrival: Arrival,
        status: Status,
        *,
        reason: str | None = None,
        path: str | None = None,
    ) -> None:
        found = arrival.reading
        self._done.append(
            dataclasses.replace(
                arrival.row,
                status=status,
                reason=reason,
                path=path,
                content_hash=None if found is None else found.content_hash,
                size_bytes=arrival.size_bytes,
                n_tries=arrival.row.n_tries + arrival.n_tries,
            )
        )

    def _place(self, row: Download, part: Path, found: reading.Reading) -> str:
        """Rename a temporary file to the first name that is free, or that it has already."""
        ending = ENDINGS[found.format or ""]
        folder = self._class_folder(row.label)
        for stem in _stems(row):
            target = folder / f"{stem}.{ending}"
            path = f"{row.label}/{target.name}"
            if path not in self._taken and _is_free(target, found.content_hash):
                break
        try:
            part.replace(target)
        except OSError as error:
            raise _unwritten(target, error) from error
        self._touched.add(folder)
        return path

    def _class_folder(self, label: str) -> Path:
        folder = self._root / label
        if folder.parent != self._root or not folder.resolve().is_relative_to(self._root):
            raise FolderError(
                f"The class folder {folder} leads out of its dataset's folder.",
                hint="Put an ordinary folder in its place, then go on with the download.",
            )
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise _unwritten(folder, error) from error
        self._touched.add(self._root)
        return folder


def _stems(row: Download) -> Iterator[str]:
    """Give the names that a file may have, without an end, the plainest first."""
    name = _name(row)
    yield name
    yield f"{name}-{row.id}"
    for number in count(2):
        yield f"{name}-{row.id}-{number}"


def _name(row: Download) -> str:
    """Name a file by its rank and a safe piece of its address: `00007-tabby-cat`."""
    last = unquote(urlsplit(row.url).path).rpartition("/")[2]
    stem = last.rpartition(".")[0] or last
    piece = re.sub(r"[^A-Za-z0-9_]+", "-", stem)[:MAX_NAME].strip("-")
    return f"{row.rank:05d}-{piece}" if piece else f"{row.rank:05d}"


def _is_free(target: Path, content_hash: str | None) -> bool:
    """Say whether a name is unused, or its file holds the very same content."""
    if not os.path.lexists(target):
        return True
    try:
        return reading.hash_of(images.read(target)) == content_hash
    except damage.DamageError:
        return False


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unwritten(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{path} could not be written: {error.strerror or error}.", hint=files.ROOM_HINT
    )
