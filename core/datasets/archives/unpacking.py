"""Unpack an archive below Winnow's home: its images and tables, whole or not at all.

The work of a task of kind "unpack". Files are written to a hidden folder beside the final one,
which takes its name at the end; what a killed process has left is removed by the next one.
"""

import errno
import fcntl
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from core.datasets.archives import faults, kinds, members
from core.datasets.archives.budget import Budget, Reporter, StoppedError
from core.datasets.archives.kinds import ArchiveInfo
from core.datasets.archives.members import Member
from core.datasets.archives.tars import TarReader
from core.datasets.archives.zips import ZipReader
from core.datasets.images import IMAGE_SUFFIXES
from core.datasets.labelling.heads import TABLE_SUFFIXES
from core.domain.errors import ArchiveError, StoreError
from core.store import files

FILE_MODE, FOLDER_MODE = 0o644, 0o755
REPORT_EVERY = 16  # members
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
Reader = ZipReader | TarReader


def unpack(path: str, import_id: str, lease: Reporter) -> dict[str, Any] | None:
    """Unpack an archive as an import and give the result in numbers, or None when it was stopped.

    The result's `folder` is the one to open as a dataset; `passed` counts by reason what was not
    taken. An import that exists already gives its result again. Raises ArchiveError for what
    cannot be unpacked safely, and StoreError where it cannot be written; nothing is left then.
    """
    if files.import_folder(import_id).exists():
        return _load(import_id)
    info = kinds.check(path)
    lease.report(message="Opening the archive")
    with _alive(), _part(import_id) as part:
        try:
            result = _fill(part, info, lease)
        except StoppedError:
            return None
        _put_in_place(part, import_id, result)
    return _load(import_id)


def _fill(part: Path, info: ArchiveInfo, lease: Reporter) -> dict[str, Any]:
    """Write all that is taken into a folder; raises ArchiveError where no image is among it."""
    began = time.monotonic()
    budget = Budget(info.path, info.size_bytes, folder=part, lease=lease)
    target = _Target(part, budget)
    with closing(_reader(info, budget)) as reader:
        progress = _Progress(lease, reader)
        for member in reader.members():
            budget.begin(member.name)
            target.take(info.path, member)
            progress.step()
        progress.report()
    if target.n_images == 0:
        raise _without_images(info.path, target.passed)
    return {
        "n_files": budget.n_files,
        "n_bytes": budget.n_bytes,
        "passed": dict(sorted(target.passed.items())),
        "seconds": round(time.monotonic() - began, 3),
    }


def _reader(info: ArchiveInfo, budget: Budget) -> Reader:
    return ZipReader(info, budget) if info.kind == "zip" else TarReader(info, budget)


class _Target:
    """The folder that members are written to, and a count of what is passed over."""

    def __init__(self, root: Path, budget: Budget) -> None:
        self.passed: Counter[str] = Counter()
        self.n_images = 0
        self._root = root
        self._budget = budget
        self._made = {root}

    def take(self, archive: str, member: Member) -> None:
        """Write a member, or count why it is passed over; raises ArchiveError."""
        found = members.parts(archive, member.name)
        if member.kind == "folder":
            return  # folders are made when a file needs them
        reason = members.reason_to_pass(member, found) or self._write(found, member)
        if reason is not None:
            self.passed[reason] += 1
        elif members.suffix(found) in IMAGE_SUFFIXES:
            self.n_images += 1

    def _write(self, found: tuple[str, ...], member: Member) -> str | None:
        path = self._root.joinpath(*found)
        try:
            if not self._make(path.parent):
                return "a file lies where its folder should be"
            handle = os.open(path, NEW_FILE, FILE_MODE)
            with os.fdopen(handle, "wb") as file:
                self._budget.take()
                for chunk in member.chunks():
                    self._budget.write(len(chunk))
                    file.write(chunk)
        except FileExistsError:
            return "named twice"
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                return "name is too long"
            raise _not_written(path, error) from error
        return None

    def _make(self, folder: Path) -> bool:
        """Make a folder with those above it; false where a file is in the way."""
        if folder in self._made:
            return True
        if not self._make(folder.parent):
            return False
        try:
            folder.mkdir(FOLDER_MODE, exist_ok=True)
        except FileExistsError:
            return False
        self._made.add(folder)
        return True


class _Progress:
    """Says how far it is and how fast it goes."""

    def __init__(self, lease: Reporter, reader: Reader) -> None:
        self._lease = lease
        self._reader = reader
        self._n_members = 0
        self._began = time.monotonic()

    def step(self) -> None:
        self._n_members += 1
        if self._n_members % REPORT_EVERY == 0:
            self.report()

    def report(self) -> None:
        done, total = self._reader.progress()
        rate = done / max(1e-3, time.monotonic() - self._began)
        self._lease.report(
            progress_done=done,
            progress_total=total,
            progress_rate=rate,
            remaining_seconds=(total - done) / rate if done else None,
            message=self._reader.message,
        )


@contextmanager
def _alive() -> Iterator[None]:
    """Hold a lock that all unpacking shares, and before it, if nobody else does, tidy up.

    A process that dies lets go of the lock, so what then lies half unpacked is nobody's.
    """
    with files.lock("unpack").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(files.imports_folder().glob(".*.unpack-*"))
        except BlockingIOError:
            pass  # another one is at work: its folder stays, and older ones may wait
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


@contextmanager
def _part(import_id: str) -> Iterator[Path]:
    """Make a hidden folder beside the final one, and remove it unless it took the final name."""
    parent = files.imports_folder()
    try:
        part = Path(tempfile.mkdtemp(prefix=f".{import_id}.unpack-", dir=parent))
    except OSError as error:
        raise _not_written(parent, error) from error
    try:
        yield part
    finally:
        _remove([part])


def _put_in_place(part: Path, import_id: str, result: dict[str, Any]) -> None:
    """Store the result, then give the folder its name: where the folder is, its result is."""
    files.write_json(_result_path(import_id), result)
    final = files.import_folder(import_id)
    try:
        part.chmod(FOLDER_MODE)
        part.rename(final)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):  # another process was quicker
            raise _not_written(final, error) from error


def _load(import_id: str) -> dict[str, Any]:
    result = files.load_json(_result_path(import_id))
    return {"folder": str(_root(files.import_folder(import_id))), **result}


def _root(folder: Path) -> Path:
    """Go down while a folder holds nothing but one that has folders or tables in it.

    One that holds images alone is left where it is: it may be the only class.
    """
    entries = list(folder.iterdir())
    while len(entries) == 1 and entries[0].is_dir():
        inner = list(entries[0].iterdir())
        if not any(one.is_dir() or one.suffix.lower() in TABLE_SUFFIXES for one in inner):
            break
        folder, entries = entries[0], inner
    return folder


def _result_path(import_id: str) -> Path:
    return files.imports_folder() / f"{import_id}.json"


def _remove(folders: Iterable[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)  # what stays is tried again by the next one


def _without_images(archive: str, passed: Counter[str]) -> ArchiveError:
    counted = ", ".join(f"{number:,} {reason}" for reason, number in passed.most_common())
    return ArchiveError(
        f"The archive {faults.shown(archive)} holds no images"
        + (f"; what it holds was passed over: {counted}." if counted else "."),
        hint="Choose an archive of JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF files.",
    )


def _not_written(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{faults.shown(str(path))} could not be written: {error.strerror or error}.",
        hint=files.ROOM_HINT,
    )
