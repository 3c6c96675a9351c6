"""Keep an uploaded file, whose name is a stranger's."""

import shutil
import unicodedata
from pathlib import Path
from typing import BinaryIO

from core.datasets.archives.members import CHUNK_BYTES
from core.store import files, ids

MAX_NAME_BYTES = 120  # room for the temporary name that a file has while it is written
NAMELESS = "upload"


def save_upload(name: str, content: BinaryIO) -> Path:
    """Store an upload below Winnow's home, whole or not at all, and give its path.

    Raises StoreError where it cannot be written; nothing is left then.
    """
    path = files.upload(ids.new("upload"), safe_name(name))
    content.seek(0)  # whoever looked at its start has moved it on
    try:
        files.write_with(path, lambda part: _copy(content, part))
    finally:
        if not path.exists():
            path.parent.rmdir()
    return path


def drop_upload(path: str) -> None:
    """Remove an upload that was unpacked; any other file is left alone."""
    if is_upload(path):
        shutil.rmtree(Path(path).resolve().parent, ignore_errors=True)


def is_upload(path: str) -> bool:
    """Say whether a path is that of an upload which Winnow keeps."""
    return Path(path).resolve().is_relative_to(files.uploads_folder().resolve())


def safe_name(name: str) -> str:
    """Give a file name without folders, control characters and leading dots; its ending stays."""
    last = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(sign for sign in last if not unicodedata.category(sign).startswith("C"))
    plain = kept.strip().lstrip(". ")
    stem, dot, ending = plain.rpartition(".")
    room = MAX_NAME_BYTES - len((dot + ending).encode())
    if room < 1:  # no ending is that long
        return _cut(plain, MAX_NAME_BYTES)
    return _cut(stem, room) + dot + ending or NAMELESS


def _cut(value: str, n_bytes: int) -> str:
    """Cut text to a number of bytes, between two characters."""
    return value.encode()[:n_bytes].decode(errors="ignore")


def _copy(content: BinaryIO, path: Path) -> None:
    with path.open("wb") as file:
        shutil.copyfileobj(content, file, CHUNK_BYTES)
