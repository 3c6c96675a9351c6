"""One file of a dataset into a copy: as a second name of it, or as a copy with its times."""

import errno
import os
import shutil
import stat
from pathlib import Path
from typing import Any, Literal

from core.datasets.applying.placing import NO_LINKS, LeftError
from core.domain.errors import StoreError
from core.store import files

How = Literal["linked", "copied"]
ENDS_ALL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})


def put(root: Path, row: Any, place: Path, *, link: bool) -> How:
    """Give an item's file a second name at `place`, or copy it there; its folder exists.

    A link that the file systems refuse becomes a copy. Raises LeftError where the file is not as
    it was scanned or cannot be read, and StoreError where nothing can be written.
    """
    source = root / row.path
    _check(source, row)
    try:
        if link and _link(source, place):
            return "linked"
        shutil.copy2(source, place, follow_symlinks=False)
    except OSError as error:
        place.unlink(missing_ok=True)
        said = error.strerror or str(error)
        if error.errno in ENDS_ALL or error.filename == str(place):
            raise StoreError(
                f"{place} could not be written: {said}.", hint=files.ROOM_HINT
            ) from error
        raise LeftError(f"cannot be read: {said}") from error
    return "copied"


def _link(source: Path, place: Path) -> bool:
    """Make a second name; false where that cannot be done between these places."""
    try:
        os.link(source, place, follow_symlinks=False)
    except OSError as error:
        if error.errno in NO_LINKS or error.errno == errno.EXDEV:
            return False
        raise
    return True


def _check(source: Path, row: Any) -> None:
    try:
        status = source.lstat()
    except OSError as error:
        raise LeftError("is not there any more") from error
    if not stat.S_ISREG(status.st_mode):
        raise LeftError("is no ordinary file any more")
    if (status.st_size, status.st_mtime_ns) != (row.size_bytes, row.mtime_ns):
        raise LeftError("has changed since it was scanned")
