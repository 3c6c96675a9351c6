"""What training saw of each item, an epoch a file while a run lives, and one file at its end."""

from pathlib import Path
from typing import Any

import pandas as pd

from core.engine import collecting
from core.store import files, frames

Part = dict[str, Any]


class ItemLossFiles:
    """The files of one run's losses by item: a killed run loses at most its last epoch's."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._rest: list[Part] = []

    def keep(self, epoch: int, parts: list[Part]) -> None:
        """Write the batches of a whole epoch of the run."""
        if parts:
            frames.save(files.run_epoch_losses(self._run_id, epoch), collecting.train_table(parts))

    def add_rest(self, parts: list[Part]) -> None:
        """Note the batches of an epoch that did not become whole."""
        self._rest += parts

    def keep_until(self, epoch: int) -> None:
        """Remove the epochs from a number on: they will be trained again."""
        for path in self._paths():
            if int(path.stem.rpartition("-")[2]) >= epoch:
                path.unlink()

    def table(self) -> pd.DataFrame | None:
        """Put all epochs together: epoch, item_id, loss, pred (index of the class), p_pred.

        None where nothing was collected, as by several processes that share the batches.
        """
        tables = [frames.load(path) for path in self._paths()]
        if self._rest:
            tables.append(collecting.train_table(self._rest))
        return pd.concat(tables, ignore_index=True) if tables else None

    def _paths(self) -> list[Path]:
        folder = files.run_epoch_losses(self._run_id, 0).parent
        return sorted(folder.glob("losses-*.parquet"))
