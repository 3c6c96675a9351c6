"""What a file is, told by its first bytes: an archive that Winnow unpacks, or something else."""

import bz2
import gzip
import lzma
import os
import stat
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, Literal, cast

from core.datasets.archives import faults
from core.domain.errors import ArchiveError

Kind = Literal["zip", "tar"]
Packing = Literal["gzip", "bzip2", "xz"]

ENDINGS = (
    *(".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".tbz2", ".tbz", ".txz"),
    *(".tar", ".zip", ".gz", ".bz2", ".xz"),
)
READABLE = "Winnow reads zip and tar archives, a tar also packed by gzip, bzip2 or xz."

_PACKED: tuple[tuple[bytes, Packing], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
)
_FOREIGN = (
    (b"Rar!\x1a\x07", "is a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7z archive"),
    (b"\x28\xb5\x2f\xfd", "is packed by zstd"),
    (b"\x1f\x9d", "is packed by compress"),
    (b"MSCF", "is a Windows cabinet"),
    (b"MZ", "is a Windows program"),
    (b"%PDF", "is a PDF"),
    (b"\xff\xd8\xff", "is a JPEG image, not an archive"),
    (b"\x89PNG", "is a PNG image, not an archive"),
    (b"PK\x07\x08", "is one volume of a split zip archive"),
)
_TEXT = (
    (b"<!doctype html", "is an HTML page, not the archive itself"),
    (b"<html", "is an HTML page, not the archive itself"),
    (b"<", "is XML, not an archive"),
    (b"{", "is text, not an archive"),
)


@dataclass(frozen=True, kw_only=True)
class ArchiveInfo:
    """An archive on this machine, before anything but its start was read."""

    path: str
    kind: Kind
    packing: Packing | None  # of a tar: what it is packed by; None: by nothing
    size_bytes: int
    name: str  # the file's name without the endings of archives


def check(path: str) -> ArchiveInfo:
    """Tell what kind of archive a file is, by its content; raises ArchiveError with the reason."""
    real = _resolved(path)
    with open_without_waiting(real) as file:
        status = os.fstat(file.fileno())
        _check_file(real, status)
        with faults.named(real):
            start = file.read(tarfile.BLOCKSIZE)
        kind, packing = _kind(real, start, file)
    return ArchiveInfo(
        path=real,
        kind=kind,
        packing=packing,
        size_bytes=status.st_size,
        name=_bare(Path(real).name),
    )


def open_without_waiting(path: str) -> BinaryIO:
    """Open a file to read, also a named pipe, at once; raises ArchiveError."""
    try:
        return open(path, "rb", opener=_without_waiting)
    except FileNotFoundError as error:
        sentence, hint = "does not exist", "Check the spelling, and that its drive is connected."
        cause: OSError = error
    except IsADirectoryError as error:
        sentence, hint = "is a folder, not an archive", "Open it as a folder of images."
        cause = error
    except PermissionError as error:
        sentence, hint = "may not be read: permission is missing", "Allow reading it, or copy it."
        cause = error
    except OSError as error:
        sentence, hint = f"cannot be read ({error.strerror})", "Check the path and its drive."
        cause = error
    raise ArchiveError(f"{faults.shown(path)} {sentence}.", hint=hint) from cause


def unpacked(stream: BinaryIO, packing: Packing | None) -> IO[bytes]:
    """Give the bytes of a tar as they were before they were packed."""
    match packing:
        case "gzip":
            return cast("IO[bytes]", gzip.GzipFile(fileobj=stream))
        case "bzip2":
            return bz2.BZ2File(stream)
        case "xz":
            return lzma.LZMAFile(stream)
        case None:
            return stream


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # a named pipe would block for ever


def _resolved(path: str) -> str:
    if not path.strip():
        raise ArchiveError("No archive was named.", hint="Type the full path of a zip or tar.")
    try:
        real = str(Path(path.strip()).expanduser().resolve())
        real.encode()
    except UnicodeEncodeError as error:
        raise ArchiveError(
            f"The path {path!a} has bytes that are not valid text.",
            hint="Rename the archive, then try again.",
        ) from error
    except (OSError, RuntimeError, ValueError) as error:
        raise ArchiveError(
            f"{faults.shown(path)} is not a path that can be followed: {error}.",
            hint="Type the full path of a zip or tar.",
        ) from error
    return real


def _check_file(path: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ArchiveError(f"{path} is not a regular file.", hint=READABLE)
    if status.st_size == 0:
        raise ArchiveError(f"The file {path} is empty.", hint="Copy or download it again.")


def _kind(path: str, start: bytes, file: BinaryIO) -> tuple[Kind, Packing | None]:
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip", None
    if _is_tar(start):
        return "tar", None
    for magic, packing in _PACKED:
        if start.startswith(magic):
            return _kind_inside(path, packing, file)
    raise ArchiveError(f"{faults.shown(path)} {_foreign(start)}.", hint=READABLE)


def _kind_inside(path: str, packing: Packing, file: BinaryIO) -> tuple[Kind, Packing]:
    with faults.named(path):
        file.seek(0)
        start = unpacked(file, packing).read(tarfile.BLOCKSIZE)
    if not _is_tar(start):
        raise ArchiveError(
            f"{faults.shown(path)} is a file packed by {packing}, but no tar is inside.",
            hint=READABLE,
        )
    return "tar", packing


def _is_tar(start: bytes) -> bool:
    """Say whether bytes begin with a tar's header: old ones have no magic, but a right sum."""
    try:
        tarfile.TarInfo.frombuf(start, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _foreign(start: bytes) -> str:
    for magic, words in _FOREIGN:
        if start.startswith(magic):
            return words
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for magic, words in _TEXT:
        if text.startswith(magic):
            return words
    if not any(start):
        return "begins with nothing but zero bytes, so it is no archive"
    return "is neither a zip nor a tar archive, or its start is damaged"


def _bare(name: str) -> str:
    """Cut off one known ending, in any case, unless nothing would be left."""
    for ending in ENDINGS:
        if name.lower().endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)]
    return name
