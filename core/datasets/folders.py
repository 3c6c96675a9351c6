"""What lies in a folder: the images with their class folder, and a count of what is passed over.

Symbolic links are never followed: one link can bring in foreign files, another loop for ever.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.datasets.images import IMAGE_SUFFIXES
from core.domain.errors import FolderError
from core.store import files


@dataclass(frozen=True, kw_only=True)
class Found:
    """One image file; its path is relative to the root, with forward slashes."""

    path: str
    label: str  # the name of the top-level sub-folder
    size_bytes: int
    mtime_ns: int


@dataclass(frozen=True, kw_only=True)
class Listing:
    """All images below a root, sorted by path, and how many entries were passed over, and why."""

    images: tuple[Found, ...]
    ignored: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class FolderEntry:
    """A sub-folder, for picking one; `n_folders` counts its own, None where they are not seen."""

    name: str
    path: str
    n_folders: int | None


def walk(root: str) -> Listing:
    """List the images below a root; raises FolderError where the root itself cannot be read."""
    ignored: Counter[str] = Counter()
    found: list[Found] = []
    waiting = [("", "")]  # folders as (relative path with a slash at its end, label)
    entries: list[os.DirEntry[str]] | None = _entries(root)
    own = str(files.home().resolve())
    while waiting:
        prefix, label = waiting.pop()
        if prefix:
            entries = _entries_or_none(f"{root}/{prefix}")
        if entries is None:
            ignored["unreadable folder"] += 1
            continue
        for entry in entries:
            reason = _reason_to_pass(entry, own)
            if reason is not None:
                ignored[reason] += 1
            elif entry.is_dir(follow_symlinks=False):
                waiting.append((f"{prefix}{entry.name}/", label or entry.name))
            elif not label:
                ignored["not in a class folder"] += 1
            else:
                found += _found(entry, prefix, label, ignored)
    found.sort(key=lambda one: one.path)
    return Listing(images=tuple(found), ignored=dict(sorted(ignored.items())))


def list_folders(path: str) -> list[FolderEntry]:
    """List the visible sub-folders of a folder by name; raises FolderError."""
    names = sorted(
        (entry for entry in _entries(path) if _is_visible_folder(entry)),
        key=lambda entry: entry.name.casefold(),
    )
    return [
        FolderEntry(
            name=entry.name,
            path=str(Path(path).absolute() / entry.name),
            n_folders=_count_folders(entry.path),
        )
        for entry in names
    ]


def resolve(path: str) -> Path:
    """Give the real path of a folder that can be listed; raises FolderError with the reason."""
    if not path.strip():
        raise FolderError(
            "No folder was named.", hint="Type the full path of a folder, or browse to it."
        )
    try:
        real = Path(path.strip()).expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise FolderError(
            f"{path!r} is not a path that can be followed: {error}.",
            hint="Type the full path of a folder, or browse to it.",
        ) from error
    _entries(str(real))
    return real


def _entries(path: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as listed:
            return list(listed)
    except FileNotFoundError as error:
        sentence, hint = "does not exist", "Check the spelling, and that its drive is connected."
        cause: Exception = error
    except NotADirectoryError as error:
        sentence, hint = (
            "is a file, not a folder",
            "Choose the folder that holds the class folders.",
        )
        cause = error
    except PermissionError as error:
        sentence, hint = "may not be read: permission is missing", "Allow reading it, or copy it."
        cause = error
    except (OSError, ValueError) as error:
        sentence, hint = f"cannot be read ({error})", "Check the drive, then try again."
        cause = error
    raise FolderError(f"The folder {path} {sentence}.", hint=hint) from cause


def _entries_or_none(path: str) -> list[os.DirEntry[str]] | None:
    try:
        return _entries(path)
    except FolderError:
        return None  # counted by the caller: one closed folder must not hide the others


def _reason_to_pass(entry: os.DirEntry[str], own: str) -> str | None:
    if not _is_text(entry.name):
        return "name is not valid text"
    if entry.name.startswith("."):
        return "hidden"
    if entry.is_symlink():
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return "Winnow's own folder" if os.path.realpath(entry.path) == own else None
    if not entry.is_file(follow_symlinks=False):
        return "not a file"
    ending = "." + entry.name.rpartition(".")[2].lower()
    return None if ending in IMAGE_SUFFIXES else "not an image"


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _found(
    entry: os.DirEntry[str], prefix: str, label: str, ignored: Counter[str]
) -> Iterator[Found]:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        ignored["vanished during the scan"] += 1
        return
    yield Found(
        path=prefix + entry.name,
        label=label,
        size_bytes=status.st_size,
        mtime_ns=status.st_mtime_ns,
    )


def _is_visible_folder(entry: os.DirEntry[str]) -> bool:
    hidden = entry.name.startswith(".") or not _is_text(entry.name)
    return not hidden and not entry.is_symlink() and entry.is_dir(follow_symlinks=False)


def _count_folders(path: str) -> int | None:
    entries = _entries_or_none(path)
    if entries is None:
        return None
    return sum(_is_visible_folder(entry) for entry in entries)
