"""Unpack an archive of fastai's into its place: whole or not at all, and nowhere else.

Not by fastdownload, which takes any folder that is there for a whole one, and moves the files
over from the machine's temporary folder one by one. Here tarfile unpacks with its `data` filter
into a hidden folder beside the place, which then gets its name at once.
"""

import gzip
import shutil
import tarfile
import tempfile
import zlib
from pathlib import Path

from core.domain.errors import EngineError, StoreError, WinnowError
from core.store import files, jobs

REPORT_EVERY = 50  # members
AGAIN = "It was removed: try again, and it is downloaded anew."


def unpack(archive: Path, target: Path, lease: jobs.Lease, *, needs: str) -> bool:
    """Unpack to `target`, with the folder `needs` in it; False where it was asked to stop before.

    An archive that holds one folder and nothing else becomes that folder, as fastai has it.
    Raises EngineError for an archive that is damaged, leads outside or lacks the folder, and
    removes it; StoreError where the disk refuses.
    """
    for left in target.parent.glob(f".{target.name}.*"):  # by a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    part = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        if not _extract(archive, part, lease):
            return False
        whole = _root(part)
        if not (whole / needs).is_dir():
            raise _refused(archive, f"it holds no folder {needs}")
        whole.chmod(0o755)
        whole.rename(target)
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise _explained(error, archive) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return True


def _extract(archive: Path, folder: Path, lease: jobs.Lease) -> bool:
    with tarfile.open(archive) as members:
        for count, member in enumerate(members):
            if lease.should_stop():
                return False
            if count % REPORT_EVERY == 0:
                _report(lease, count)
            tarfile.data_filter(member, str(folder))
            if member.isreg() or member.isdir():  # no scan follows a link, so none is made
                members.extract(member, folder, filter="data")
        _read_on(members)
    return True


def _read_on(members: tarfile.TarFile) -> None:
    """Read what follows the last member: only at its very end does gzip compare its checksum."""
    while members.fileobj is not None and members.fileobj.read(1 << 20):
        pass


def _report(lease: jobs.Lease, count: int) -> None:
    """Say how many files are there; how many there will be is not known."""
    lease.report(
        progress_done=count,
        progress_total=None,
        progress_rate=None,
        remaining_seconds=None,
        message=f"Unpacking, {count:,} files",
    )


def _root(folder: Path) -> Path:
    """Give the one folder that lies in a folder; itself where there is more than one thing."""
    found = [path for path in folder.iterdir() if not path.name.startswith(".")]
    return found[0] if len(found) == 1 and found[0].is_dir() else folder


def _explained(error: Exception, archive: Path) -> WinnowError:
    if isinstance(error, tarfile.FilterError):
        return _refused(archive, f"its member {error.tarinfo.name[:100]!r} leads outside")
    if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
        return StoreError(
            f"{archive.name} could not be unpacked: {error.strerror or error}.",
            hint=files.ROOM_HINT,
        )
    return _refused(archive, f"it is damaged ({error})")


def _refused(archive: Path, why: str) -> EngineError:
    archive.unlink(missing_ok=True)
    return EngineError(f"{archive.name} was not unpacked: {why}.", hint=AGAIN)
