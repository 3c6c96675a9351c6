"""The members of a zip archive."""

import io
import stat
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

from core.datasets.archives import faults
from core.datasets.archives.budget import Budget
from core.datasets.archives.kinds import ArchiveInfo
from core.datasets.archives.members import CHUNK_BYTES, EntryKind, Member
from core.domain.errors import ArchiveError

MAX_DIRECTORY_BYTES = 100 * 1024**2  # of the list of contents, which zipfile reads at once
SMALL_CHUNK_BYTES = 4096  # of bzip2 and LZMA, whose output zipfile does not bound: 80 MB at worst
ENCRYPTED = 0x1  # in flag_bits


class ZipReader:
    """Reads a zip's members in the order of its list; progress is in members."""

    message = "Unpacking files"

    def __init__(self, info: ArchiveInfo, budget: Budget) -> None:
        self._path = info.path
        self._budget = budget
        self._done = 0
        with faults.named(info.path), ExitStack() as opened:
            file = opened.enter_context(_BoundedFile(io.FileIO(info.path)))
            self._zip = opened.enter_context(zipfile.ZipFile(file))
            self._opened = opened.pop_all()

    def progress(self) -> tuple[int, int]:
        """Give how much was read, and of how much."""
        return self._done, len(self._zip.infolist())

    def members(self) -> Iterator[Member]:
        """Give the members one by one."""
        for info in self._zip.infolist():
            yield Member(
                name=_name(info),
                kind=_kind(info),
                size_bytes=info.file_size,
                chunks=partial(self._chunks, info),
            )
            self._done += 1

    def close(self) -> None:
        """Let go of the file."""
        self._opened.close()

    def _chunks(self, info: zipfile.ZipInfo) -> Iterator[bytes]:
        if info.flag_bits & ENCRYPTED:
            raise ArchiveError(
                f"The archive {faults.shown(self._path)} is encrypted: its file "
                f"{faults.shown(info.filename)} needs a password.",
                hint="Unpack it with its password, then open the folder.",
            )
        simple = info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        size = CHUNK_BYTES if simple else SMALL_CHUNK_BYTES
        with faults.named(self._path):
            source = self._zip.open(info)
        with source:
            while True:
                with faults.named(self._path):
                    chunk = source.read(size)
                if not chunk:
                    return
                self._budget.expand(len(chunk))
                yield chunk


class _BoundedFile(io.BufferedReader):
    """Refuses the one read that a hostile archive can make as large as itself."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_DIRECTORY_BYTES:
            raise zipfile.BadZipFile(
                f"its list of contents is larger than {MAX_DIRECTORY_BYTES // 1024**2} MB"
            )
        return super().read(size)


def _name(info: zipfile.ZipInfo) -> str:
    """Give the whole name: zipfile's own ends at a zero byte."""
    return info.orig_filename if "\0" in info.orig_filename else info.filename


def _kind(info: zipfile.ZipInfo) -> EntryKind:
    """Tell an entry's kind by the Unix mode that it may carry, else by its name."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "link"
    if kind == stat.S_IFDIR or _name(info).endswith(("/", "\\")):
        return "folder"
    return "file" if kind in (0, stat.S_IFREG) else "device"
