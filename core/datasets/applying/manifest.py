"""What lies in the trash and where it came from, as a file beside it: readable without Winnow."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from core.datasets.applying import placing
from core.datasets.applying.journal import Application, Move
from core.domain.errors import FolderError
from core.domain.items import Dataset
from core.store import files

NAME = "manifest.json"


def check(root: Path, trash: str) -> None:
    """Raise FolderError where the trash folder is a link: nothing is moved through one."""
    try:
        placing.check_way(root, f"{trash}/{NAME}")
    except placing.LeftError as error:
        raise FolderError(
            f"The trash folder {root / trash} {error.reason}.",
            hint="Move that link out of the way, then apply again; nothing was moved.",
        ) from error


def write(dataset: Dataset, application: Application, moves: Sequence[Move]) -> None:
    """Write down what moves from where to where; raises StoreError where it cannot be written."""
    root = Path(dataset.root)
    check(root, application.trash)
    told = {
        "dataset": dataset.name,
        "application": application.id,
        "revision": application.revision,
        "created_at": application.created_at,
        "moves": [
            {
                "what": move.kind,
                "from": move.source,
                "to": move.target,
                "label": move.label,
                "size_bytes": move.size_bytes,
                "content_hash": move.content_hash,
                "status": move.status,
            }
            for move in moves
        ],
    }
    files.write_json(root / application.trash / NAME, told)


def tidy(root: Path, trash: str) -> None:
    """Take the manifest and the empty folders away after all was taken back.

    A folder that still holds anything stays, and so do the folders above it.
    """
    folder = root / trash
    left = [one for one in folder.rglob("*") if not one.is_dir() or one.is_symlink()]
    if left == [folder / NAME]:
        (folder / NAME).unlink()
    inner = sorted((one for one in folder.rglob("*") if one.is_dir()), reverse=True)
    for empty in (*inner, folder, folder.parent):
        with contextlib.suppress(OSError):  # it holds something
            empty.rmdir()
