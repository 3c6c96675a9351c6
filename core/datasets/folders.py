"""What lies in a folder: the image files, and a count of what is passed over.

Symbolic links are never followed: one link can bring in foreign files, another loop for ever.
"""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from core.datasets.images import IMAGE_SUFFIXES, suffix_of
from core.domain.errors import FolderError
from core.store import files

File = tuple[str, int, int]
"""Path below the root with forward slashes, size in bytes, time of change in nanoseconds.

A plain tuple: a hundred thousand of them are made at every scan.
"""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """All files below a root that end like images, and how many entries were passed over, why."""

    files: list[File]
    ignored: Counter[str]


@dataclass(frozen=True, kw_only=True)
class FolderEntry:
    """A sub-folder, for picking one; `n_folders` counts its own, None where they are not seen."""

    name: str
    path: str
    n_folders: int | None


def walk(root: str) -> Listing:
    """List the image files below a root; raises FolderError where the root cannot be read."""
    ignored: Counter[str] = Counter()
    files_here: list[File] = []
    waiting = [""]  # folders below the root, with a slash at their end
    found: list[os.DirEntry[str]] | None = entries(root)
    own = str(files.home().resolve())
    while waiting:
        prefix = waiting.pop()
        if prefix:
            found = _entries_or_none(f"{root}/{prefix}")
        if found is None:
            ignored["unreadable folder"] += 1
            continue
        for entry in _take(found, prefix, files_here):
            reason = _reason(entry, own)
            if reason is None:
                waiting.append(f"{prefix}{entry.name}/")
            else:
                ignored[reason] += 1
    return Listing(files=files_here, ignored=ignored)


def _take(found: list[os.DirEntry[str]], prefix: str, into: list[File]) -> list[os.DirEntry[str]]:
    """Add the entries that are visible image files, nearly all of them, and give the others."""
    others = []
    for entry in found:
        name = entry.name
        try:
            if (
                name[name.rfind(".") :].lower() in IMAGE_SUFFIXES
                and name[0] != "."
                and entry.is_file(follow_symlinks=False)
                and (name.isascii() or is_text(name))
            ):
                status = entry.stat(follow_symlinks=False)
                into.append((prefix + name, status.st_size, status.st_mtime_ns))
                continue
        except OSError:
            pass  # it vanished, which the reason says
        others.append(entry)
    return others


def list_folders(path: str) -> list[FolderEntry]:
    """List the visible sub-folders of a folder by name; raises FolderError."""
    names = sorted(
        (entry for entry in entries(path) if _is_visible_folder(entry)),
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
        given = Path(path.strip()).expanduser()
        if not given.is_absolute():
            raise FolderError(
                f"{path.strip()!r} is not a full path.",
                hint="Type the full path of a folder, such as /home/me/photos, or browse to it.",
            )
        real = given.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise FolderError(
            f"{path!r} is not a path that can be followed: {error}.",
            hint="Type the full path of a folder, or browse to it.",
        ) from error
    entries(str(real))
    return real


def is_there(root: str) -> bool:
    """Say whether a dataset's folder is where it was, or its drive is not connected."""
    return Path(root).is_dir()


def entries(path: str) -> list[os.DirEntry[str]]:
    """List what lies right in a folder; raises FolderError with the reason."""
    try:
        with os.scandir(path) as listed:
            return list(listed)
    except FileNotFoundError as error:
        sentence, hint = "does not exist", "Check the spelling, and that its drive is connected."
        cause: Exception = error
    except NotADirectoryError as error:
        sentence, hint = "is a file, not a folder", _instead_of(path)
        cause = error
    except PermissionError as error:
        sentence, hint = "may not be read: permission is missing", "Allow reading it, or copy it."
        cause = error
    except (OSError, ValueError) as error:
        sentence, hint = f"cannot be read ({error})", "Check the drive, then try again."
        cause = error
    raise FolderError(f"The folder {path} {sentence}.", hint=hint) from cause


def _instead_of(path: str) -> str:
    """Say what to open where a file was named."""
    if path.lower().endswith((".csv", ".tsv", ".txt")):
        return f"Open its folder {Path(path).parent}: the table is offered there."
    if path.lower().endswith((".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz")):
        return "Choose Archive above to unpack it."
    return "Choose the folder that holds the class folders."


def _entries_or_none(path: str) -> list[os.DirEntry[str]] | None:
    try:
        return entries(path)
    except FolderError:
        return None  # counted by the caller: one closed folder must not hide the others


def reason_to_pass(entry: os.DirEntry[str]) -> str | None:
    """Say why an entry is neither an image file nor a folder to look into; None: it is one."""
    if not is_text(entry.name):
        return "name is not valid text"
    if entry.name.startswith("."):
        return "hidden"
    if entry.is_symlink():
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return None
    if not entry.is_file(follow_symlinks=False):
        return "not a file"
    return None if suffix_of(entry.name) in IMAGE_SUFFIXES else "not an image"


def _reason(entry: os.DirEntry[str], own: str) -> str | None:
    reason = reason_to_pass(entry)
    if reason is None and not entry.is_dir(follow_symlinks=False):
        return "vanished during the scan"
    has_its_name = entry.name == own.rpartition("/")[2]  # asked first: the real path takes long
    if reason is None and has_its_name and os.path.realpath(entry.path) == own:
        return "Winnow's own folder"
    return reason


def is_text(name: str) -> bool:
    """Say whether a name is text: a file system may hold any bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_visible_folder(entry: os.DirEntry[str]) -> bool:
    hidden = entry.name.startswith(".") or not is_text(entry.name)
    return not hidden and not entry.is_symlink() and entry.is_dir(follow_symlinks=False)


def _count_folders(path: str) -> int | None:
    found = _entries_or_none(path)
    return None if found is None else sum(_is_visible_folder(entry) for entry in found)
