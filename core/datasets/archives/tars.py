"""The members of a tar archive, read from its start to its end, whatever it is packed by."""

import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, cast

from core.datasets.archives import faults, kinds
from core.datasets.archives.budget import Budget
from core.datasets.archives.kinds import ArchiveInfo
from core.datasets.archives.members import CHUNK_BYTES, EntryKind, Member

MEGABYTE = 1_000_000


class TarReader:
    """Reads a tar's members as they come; progress is in MB of the archive."""

    message = "Unpacking, in MB of the archive"

    def __init__(self, info: ArchiveInfo, budget: Budget) -> None:
        self._path = info.path
        self._size_bytes = info.size_bytes
        self._is_packed = info.packing is not None
        self._file = kinds.open_without_waiting(info.path)
        stream = kinds.unpacked(self._file, info.packing)
        self._tape = _Tape(stream, expand=budget.expand, can_jump=not self._is_packed)

    def progress(self) -> tuple[int, int]:
        """Give how much was read, and of how much."""
        return -(-self._file.tell() // MEGABYTE), -(-self._size_bytes // MEGABYTE)

    def members(self) -> Iterator[Member]:
        """Give the members one by one; raises ArchiveError also for what follows the last one."""
        with faults.named(self._path):
            tar = tarfile.TarFile(fileobj=cast("IO[bytes]", self._tape))
        while True:
            with faults.named(self._path):
                info = tar.next()
            if info is None:
                break
            tar.members.clear()  # type: ignore[attr-defined]  # it would keep every one
            yield Member(
                name=info.name,
                kind=_kind(info),
                size_bytes=info.size,
                chunks=partial(self._chunks, info),
            )
        self._check_end()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _chunks(self, info: tarfile.TarInfo) -> Iterator[bytes]:
        left = info.size
        while left > 0:
            with faults.named(self._path):
                chunk = self._tape.read_at(info.offset_data + info.size - left, left)
            left -= len(chunk)
            yield chunk

    def _check_end(self) -> None:
        """Tell the end, two blocks of zeros, from damage, at which tarfile ends without a word.

        What is packed is read to its very end, where the sum over all bytes is compared.
        """
        with faults.named(self._path):
            if not self._tape.last:
                raise tarfile.ReadError("its end is missing")
            if any(self._tape.last) or any(self._tape.read(tarfile.BLOCKSIZE)):
                raise tarfile.ReadError("one of its headers is not valid")
            while self._is_packed and self._tape.read(CHUNK_BYTES):
                pass


class _Tape:
    """A file for tarfile that only goes forward, in bounded steps, and counts what it reads.

    tarfile takes the sizes in headers on trust: it would read a name of 10 GB into memory, and
    follow a negative size back for ever.
    """

    def __init__(
        self, stream: IO[bytes], *, expand: Callable[[int], None], can_jump: bool
    ) -> None:
        self.last = b""  # what was read last: after the last member, a block of zeros
        self._stream = stream
        self._expand = expand
        self._can_jump = can_jump
        self._at = 0

    def tell(self) -> int:
        return self._at

    def read(self, size: int) -> bytes:
        if not 0 <= size <= CHUNK_BYTES:
            raise tarfile.ReadError(f"one of its headers claims {size:,} bytes")
        self.last = self._stream.read(size)
        self._at += len(self.last)
        self._expand(len(self.last))
        return self.last

    def seek(self, position: int) -> None:
        if position < self._at:
            raise tarfile.ReadError("one of its headers points back")
        if self._can_jump:
            self._stream.seek(position)
            self._at = position
        while self._at < position and self.read(min(CHUNK_BYTES, position - self._at)):
            pass

    def read_at(self, position: int, size: int) -> bytes:
        """Read the next piece of at most `size` bytes, or raise at the end of the file."""
        self.seek(position)
        chunk = self.read(min(size, CHUNK_BYTES))
        if not chunk:
            raise tarfile.ReadError("it ends in the middle of a file")
        return chunk


def _kind(info: tarfile.TarInfo) -> EntryKind:
    if info.issym() or info.islnk():
        return "link"
    if info.isdir():
        return "folder"
    if info.isdev():
        return "device"
    return "file" if info.isreg() and not info.issparse() else "not a file"
