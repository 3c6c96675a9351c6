"""The task `public`: bring one of fastai's public datasets below home, as a folder to be opened.

fastai's own code knows the addresses, sizes and hashes, and downloads; `unpacking` unpacks.
The archive is kept, as fastai keeps it.
"""

import fcntl
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fastai.data
import sqlalchemy as sa
from fastai.data.external import URLs
from fastcore.xtras import Config
from fastdownload import FastDownload

from core.domain.errors import ConflictError, NotFoundError, StoreError
from core.domain.public_datasets import PUBLIC, PublicDataset
from core.engine import downloading, unpacking
from core.store import database, files, jobs, schema


def run(lease: jobs.Lease) -> None:
    """Do the task that a lease holds: its result names the folder, which is there whole."""
    public = _wanted(lease.job_id)
    began_at = time.monotonic()
    url = str(getattr(URLs, public.url_name))
    fast = _fast()
    archive = downloading.archive_path(fast, url)
    target = Path(fast.data_path("data", archive))
    with _alone(archive, public):
        is_there = target.is_dir() or _bring(public, url, fast, lease)
    if not is_there:
        lease.finish("stopped", message="Stopped; nothing unfinished is kept")
        return
    seconds = round(time.monotonic() - began_at, 1)
    result = {"folder": str(target / public.folder), "name": public.name, "seconds": seconds}
    lease.finish("finished", result=result, message="")


def _wanted(task_id: str) -> PublicDataset:
    query = sa.select(schema.tasks.c.params).where(schema.tasks.c.id == task_id)
    with database.reading() as connection:
        name = connection.execute(query).scalar_one().get("name")
    if name not in PUBLIC:
        raise NotFoundError(
            f"fastai has no public dataset {name!r} that Winnow knows how to read.",
            hint=f"Choose one of {', '.join(PUBLIC)}.",
        )
    return PUBLIC[name]


def _fast() -> FastDownload:
    """Make fastai's downloader for our folders, without a config file anywhere."""
    home = files.imports_folder() / "public"
    archives = home / "archives"
    try:
        archives.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"The folder {archives} could not be made: {error.strerror or error}.",
            hint=files.ROOM_HINT,
        ) from error
    places = {"data": str(home), "archive": str(archives)}
    return FastDownload(Config(home, "config.ini", create=places, save=False), module=fastai.data)


@contextmanager
def _alone(archive: Path, public: PublicDataset) -> Iterator[None]:
    """Keep others from the same files, such as a task that counts as lost but lives."""
    with archive.with_name(f"{archive.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConflictError(
                f"Another process is downloading {public.title} already.",
                hint="Wait until it has ended, then try again.",
            ) from error
        yield


def _bring(public: PublicDataset, url: str, fast: FastDownload, lease: jobs.Lease) -> bool:
    """Download and unpack; False where the task was asked to stop."""
    archive = downloading.archive_path(fast, url)
    lease.report(message=f"Asking for {archive.name}")
    if not archive.exists():
        _check_room(public, archive.parent)
    if not downloading.fetch(fast, url, lease, total_bytes=public.size_bytes):
        return False
    target = Path(fast.data_path("data", archive))
    return unpacking.unpack(archive, target, lease, needs=public.folder)


def _check_room(public: PublicDataset, folder: Path) -> None:
    """Raise StoreError where the archive and what it unpacks to will not fit on the disk."""
    needed, free = 2 * public.size_bytes, shutil.disk_usage(folder).free
    if free < needed:
        raise StoreError(
            f"{public.title} needs {needed / 1e6:,.0f} MB on the disk of {folder}, "
            f"and {free / 1e6:,.0f} MB are free.",
            hint=files.ROOM_HINT,
        )
