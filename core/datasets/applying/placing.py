"""One file from one place to another below a root: never over another file, never half.

A file gets its second name before it loses its first one, so that the file system itself refuses
a name that is taken. Whoever is killed in between finds one file under two names, and goes on.
Where a file system knows no second names it is renamed; into another one it is copied under a
hidden name, synced, renamed, and only then taken away.
"""

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from core.datasets import damage, images, reading

NO_LINKS = frozenset(
    {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL}
)
"""What file systems say that know no second names, or not for this file."""

Step = Callable[[str], None]
"""Is told of each point at which a process may be killed."""


def on(_step: str) -> None:
    """Go on."""


class LeftError(Exception):
    """A file stays where it is; the reason is in words that follow its name."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TakenError(Exception):
    """Another file has the name already."""


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a file held when it was scanned."""

    size_bytes: int
    content_hash: str | None
    mtime_ns: int | None  # tells where there is no hash


def move(root: Path, source: str, target: str, content: Content, *, step: Step = on) -> None:
    """Have a file under `target` and no longer under `source`, whatever was done of it before.

    Raises LeftError where the file is gone, changed, or behind a link; TakenError where another
    file has the name; OSError where the file system refuses. Then nothing has changed.
    """
    check_way(root, source)
    check_way(root, target)
    here, there = root / source, root / target
    drop_part(there)
    drop_part(here)
    if _is_one_file(here, there):  # killed between its second name and its first
        here.unlink()
        return
    if not holds(here, content):
        if holds(there, content):
            return  # it was moved before
        raise LeftError(_why_left(here))
    if os.path.lexists(there):
        if not (lie_apart(here, there) and holds(there, content)):
            raise TakenError(target)
        here.unlink()  # killed between its copy and its end
        return
    there.parent.mkdir(parents=True, exist_ok=True)
    _put(here, there, step)


def drop_part(place: Path) -> None:
    """Take away what a killed copy may have left beside the place where it goes."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        _part(place).unlink()


def check_way(root: Path, path: str) -> None:
    """Raise LeftError where a path leads through a link, or out of the root."""
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise LeftError("leads out of the dataset's folder")
    folder = root
    for part in parts[:-1]:
        folder = folder / part
        try:
            mode = folder.lstat().st_mode
        except FileNotFoundError:
            return
        if stat.S_ISLNK(mode):
            raise LeftError(f"is left alone: {folder} is a link to another place")
        if not stat.S_ISDIR(mode):
            raise LeftError(f"has no folder to go to: {folder} is a file")


def holds(path: Path, content: Content) -> bool:
    """Say whether a regular file is there that holds what was scanned."""
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    if not stat.S_ISREG(status.st_mode) or status.st_size != content.size_bytes:
        return False
    if content.content_hash is None:
        return status.st_mtime_ns == content.mtime_ns
    try:
        return reading.hash_of(images.read(path)) == content.content_hash
    except damage.DamageError:
        return False


def is_moved(root: Path, source: str, target: str, content: Content) -> bool:
    """Say whether a file is under `target` and no longer under `source`; nothing is touched."""
    return not os.path.lexists(root / source) and holds(root / target, content)


def lie_apart(here: Path, there: Path) -> bool:
    """Say whether two files lie in different file systems."""
    return here.lstat().st_dev != there.lstat().st_dev


def folders_of(root: Path, path: str) -> set[Path]:
    """Give the folders that a path leads through, the root too: they are synced after a move."""
    return {root, *(root / parent for parent in Path(path).parents)}


def sync(folders: Iterable[Path]) -> None:
    """Have the names in folders reach the disk; a folder that is gone needs no sync."""
    for folder in folders:
        try:
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            continue
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _put(here: Path, there: Path, step: Step) -> None:
    try:
        _rename(here, there, step)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        part = _copy(here, there)
        step("copied")
        _rename(part, there, step)
        sync([there.parent])
        step("placed")
        here.unlink()


def _rename(here: Path, there: Path, step: Step) -> None:
    """Rename a file within its file system, without ever replacing another one."""
    try:
        os.link(here, there, follow_symlinks=False)
    except FileExistsError as error:
        raise TakenError(str(there)) from error
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        if os.path.lexists(there):
            raise TakenError(str(there)) from error
        here.rename(there)
        return
    step("linked")
    try:
        here.unlink()
    except OSError:  # its folder may not be written to
        there.unlink()
        raise


def _copy(here: Path, there: Path) -> Path:
    """Copy a file, with its times, beside where it goes; it has reached the disk then."""
    part = _part(there)
    shutil.copy2(here, part, follow_symlinks=False)
    with part.open("rb") as file:
        os.fsync(file.fileno())
    return part


def _part(place: Path) -> Path:
    return place.with_name(f".{place.name}.winnow-part")


def _is_one_file(here: Path, there: Path) -> bool:
    try:
        one, other = here.lstat(), there.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)


def _why_left(here: Path) -> str:
    if not os.path.lexists(here):
        return "is not there any more"
    if here.is_symlink():
        return "is a link now"
    return "has changed since it was scanned, or may not be read"
