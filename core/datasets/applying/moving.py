"""The moves of an application, one after the other, there or back, in batches that are marked.

Each batch is moved, its folders are synced, and one transaction marks the moves and tells the
items. Who is killed within a batch finds out from the disk what was moved of it.
"""

import errno
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from core.datasets import pacing
from core.datasets.applying import journal, naming, placing, relocating
from core.datasets.applying.journal import Application, Move, MoveStatus
from core.datasets.applying.placing import Content, LeftError, Step, TakenError
from core.datasets.applying.told import Told
from core.datasets.pacing import Reporter
from core.domain.errors import StoreError
from core.domain.items import Dataset
from core.domain.labellers import TableLabeller
from core.store import database, files

BATCH = 100
ENDS_ALL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
"""What concerns every file: going on would only repeat it."""


class Mover:
    """Moves the files of one application; `back` says which way."""

    def __init__(
        self, dataset: Dataset, application: Application, lease: Reporter, *, step: Step
    ) -> None:
        self.told = Told()
        self._dataset, self._application, self._lease = dataset, application, lease
        self._back = application.status == "undoing"
        self._root = Path(dataset.root)
        self._names = naming.Names(self._root, dataset.id)
        self._step = step

    def run(self, moves: Sequence[Move]) -> None:
        """Move all files, or those before somebody asked to stop."""
        words = "Moving files back" if self._back else "Moving files"
        pace = pacing.Pace(self._lease, len(moves), words)
        for start in range(0, len(moves), BATCH):
            batch: list[tuple[Move, MoveStatus]] = []
            for move in moves[start : start + BATCH]:
                if self._lease.should_stop():
                    self.told.is_stopped = True
                    break
                batch.append(self._one(move))
                self._step("moved")
                pace.step()
            self._close(batch)
            if self.told.is_stopped:
                break
        pace.report()

    def _one(self, move: Move) -> tuple[Move, MoveStatus]:
        """Move one file, and say under which names and with what end."""
        if self._back and move.status == "planned" and not _was_begun(self._root, move):
            placing.drop_part(self._root / move.target)
            return move, "undone"
        try:
            move = self._placed(move)
        except LeftError as error:
            self.told.note_left(move.target if self._back else move.source, error.reason)
            return move, move.status if self._back else "skipped"
        self.told.note_moved(move)
        return move, "undone" if self._back else "done"

    def _placed(self, move: Move) -> Move:
        """Move a file under the name it was planned for, else under the first free one."""
        while True:
            start, end = self._way(move)
            try:
                placing.move(self._root, start, end, _content(move), step=self._step)
                return move
            except TakenError:
                move = self._renamed(move, end)
            except OSError as error:
                raise _refusal(self._root / start, error) from error

    def _way(self, move: Move) -> tuple[str, str]:
        return (move.target, move.source) if self._back else (move.source, move.target)

    def _renamed(self, move: Move, taken: str) -> Move:
        """Give a move another end, and write that down before it is made."""
        if self._back and isinstance(self._dataset.labeller, TableLabeller):
            raise LeftError(f"stays in the trash: another file is at {taken}, as the table says")
        free = self._names.take(taken, move.item_id)
        self.told.note_renamed(taken, free)
        move = replace(move, source=free) if self._back else replace(move, target=free)
        journal.rename(self._application.id, move.number, source=move.source, target=move.target)
        self._step("renamed")
        return move

    def _close(self, batch: Sequence[tuple[Move, MoveStatus]]) -> None:
        """Have a batch reach the disk, then mark its moves and tell its items at once."""
        ended: MoveStatus = "undone" if self._back else "done"
        done = [move for move, status in batch if status == ended]
        folders = {
            folder
            for move in done
            for path in (move.source, move.target)
            for folder in placing.folders_of(self._root, path)
        }
        placing.sync(folders)
        self._step("synced")
        with database.writing() as connection:
            journal.mark(
                connection,
                self._application.id,
                {move.number: status for move, status in batch},
            )
            relocating.store(connection, self._dataset, done, back=self._back)
        self._step("marked")


def note_moved(dataset: Dataset, application: Application) -> int:
    """Mark what the disk shows as moved and the journal does not yet; gives how many there were.

    For whoever looks at the folder after a kill: nothing is moved by it.
    """
    back = application.status == "undoing"
    root = Path(dataset.root)
    ended: MoveStatus = "undone" if back else "done"
    found: list[Move] = []
    for move in journal.list_moves(application.id, statuses=("done",) if back else ("planned",)):
        start, end = (move.target, move.source) if back else (move.source, move.target)
        if placing.is_moved(root, start, end, _content(move)):
            found.append(move)
    with database.writing() as connection:
        journal.mark(connection, application.id, {move.number: ended for move in found})
        relocating.store(connection, dataset, found, back=back)
    return len(found)


def _was_begun(root: Path, move: Move) -> bool:
    """Say whether anything was done of a move that is not marked."""
    return os.path.lexists(root / move.target) or not os.path.lexists(root / move.source)


def _content(move: Move) -> Content:
    return Content(
        size_bytes=move.size_bytes, content_hash=move.content_hash, mtime_ns=move.mtime_ns
    )


def _refusal(path: Path, error: OSError) -> LeftError | StoreError:
    """Say why the file system refuses: this file alone, or whatever comes."""
    said = error.strerror or str(error)
    if error.errno in ENDS_ALL:
        return StoreError(f"{path} could not be moved: {said}.", hint=files.ROOM_HINT)
    return LeftError(f"cannot be moved: {said}")
