"""One entry of an archive, where it would lie, and why it may be passed over."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from core.datasets.archives import faults
from core.datasets.archives.budget import MAX_FILE_BYTES
from core.datasets.folders import is_text
from core.datasets.images import IMAGE_SUFFIXES, suffix_of
from core.datasets.labelling.heads import TABLE_SUFFIXES
from core.domain.errors import ArchiveError

MAX_NAME_BYTES = 255  # what Linux file systems take
MAX_PATH_BYTES = 1000
MAX_DEPTH = 50  # folders in each other
CHUNK_BYTES = 64 * 1024

EntryKind = Literal["file", "folder", "link", "device", "not a file"]
_DRIVE = re.compile("[A-Za-z]:")


@dataclass(frozen=True, kw_only=True)
class Member:
    """One entry as an archive describes it; nothing of it can be believed."""

    name: str
    kind: EntryKind
    size_bytes: int
    chunks: Callable[[], Iterator[bytes]]  # its real content; to be asked for before the next one


def parts(archive: str, name: str) -> tuple[str, ...]:
    """Split a name into folders and file name; raises ArchiveError where that leaves the target.

    Backslashes separate, too: some programs of Windows write them. Nobody makes the names that
    are refused innocently, so nothing else of such an archive is taken either.
    """
    plain = name.replace("\\", "/")
    found = tuple(part for part in plain.split("/") if part not in ("", "."))
    if plain.startswith("/") or _DRIVE.match(plain) or ".." in found:
        raise ArchiveError(
            f"The archive {faults.shown(archive)} was refused: its entry {faults.shown(name)} "
            "would be written outside of the folder that it is unpacked to.",
            hint="Get the archive from a source that you trust, or pack the images again.",
        )
    return found


def reason_to_pass(member: Member, found: tuple[str, ...]) -> str | None:
    """Say why an entry is not taken, in words that are counted; None: it is taken."""
    if member.kind != "file":
        return member.kind
    reason = _reason_by_name(found)
    if reason is not None:
        return reason
    if suffix(found) not in IMAGE_SUFFIXES.union(TABLE_SUFFIXES):
        return "not an image"
    if member.size_bytes > MAX_FILE_BYTES:
        return f"larger than {MAX_FILE_BYTES // 1024**2} MB"
    return None


def suffix(found: tuple[str, ...]) -> str:
    """Give a file's ending in lower case, with its dot."""
    return suffix_of(found[-1])


def _reason_by_name(found: tuple[str, ...]) -> str | None:
    path = "/".join(found)
    if not path or "\0" in path or not is_text(path):
        return "name is not valid text"
    if len(path.encode()) > MAX_PATH_BYTES or any(len(n.encode()) > MAX_NAME_BYTES for n in found):
        return "name is too long"
    if len(found) > MAX_DEPTH:
        return "too many folders deep"
    if any(name == "__MACOSX" or name.startswith("._") for name in found):
        return "macOS note"
    return "hidden" if any(name.startswith(".") for name in found) else None
