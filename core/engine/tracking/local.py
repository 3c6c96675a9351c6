"""Trackers that write into the run's folder: a table, and TensorBoard's event files."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.engine.tracking.sinks import Place, package
from core.store import files


class CsvLog:
    """A table with a line an epoch, replaced as a whole, so that a kill leaves whole lines."""

    name = "the CSV log"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: list[dict[str, Any]] = []

    def begin(self, place: Place) -> None:
        """Take up the lines that an earlier process has written, up to the epochs kept."""
        if not self._path.exists():
            return
        lines = self._path.read_text(encoding="utf-8").splitlines()
        found = list(csv.DictReader(lines))
        self._rows = [row for row in found if int(row["epoch"]) < place.epoch]
        if len(self._rows) < len(found):
            self._write()

    def step(self, place: Place, values: Mapping[str, float]) -> None:
        """Leave steps out: `steps.parquet` has them."""

    def epoch(self, place: Place, values: Mapping[str, float], *, seconds: float) -> None:
        """Add a line."""
        row = {"epoch": place.epoch, "stage": place.stage, **values, "seconds": round(seconds, 3)}
        self._rows.append(row)
        self._write()

    def close(self) -> None:
        """Do nothing: every line is written."""

    def _write(self) -> None:
        text = io.StringIO()
        names = list(dict.fromkeys(name for row in self._rows for name in row))
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self._rows)
        files.write_bytes(self._path, text.getvalue().encode())


class TensorBoard:
    """Event files: loss, rate and momentum at each step, measurements at each epoch's last one."""

    name = "TensorBoard"

    def __init__(self, folder: Path) -> None:
        self._module = package(
            "torch.utils.tensorboard", what="Writing to TensorBoard", install="tensorboard"
        )
        self._folder = folder
        self._writer: Any = None
        self._n_steps = -1  # that are written; none yet

    def begin(self, place: Place) -> None:
        """Open a file, unless the open one ends here; what was written of later steps is void."""
        if place.n_steps == self._n_steps:
            return
        self.close()
        self._writer = self._module.SummaryWriter(str(self._folder), purge_step=place.n_steps)
        self._n_steps = place.n_steps

    def step(self, place: Place, values: Mapping[str, float]) -> None:
        """Add a point to each of a step's curves."""
        self._add(place, values)
        self._n_steps = place.n_steps

    def epoch(self, place: Place, values: Mapping[str, float], *, seconds: float) -> None:
        """Add a point to each measurement's curve."""
        self._add(place, values)
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()

    def _add(self, place: Place, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, place.n_steps - 1)
