"""The table that a dataset's edits make of its labels, for those whose class is no folder."""

import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

import sqlalchemy as sa

from core.datasets.applying import naming
from core.datasets.catalog import registry
from core.datasets.labelling import table
from core.domain import labellers
from core.domain.items import Dataset
from core.domain.labellers import TableLabeller
from core.store import database, files, schema

NAME = "labels-corrected.csv"


def write(dataset_id: str, path: Path, *, drop_excluded: bool) -> dict[str, int]:
    """Write a CSV of every present file with its label: file, label, and part where it is given.

    Files are paths below the root. Several labels are joined by the table's own separator. Gives
    n_rows, n_relabelled and n_dropped. Raises StoreError where it cannot be written.
    """
    dataset = registry.get(dataset_id)
    rows = _rows(dataset_id)
    kept = [row for row in rows if not (drop_excluded and row.excluded)]

    def fill(part: Path) -> None:
        with part.open("w", encoding="utf-8", newline="") as file:
            _fill(file, dataset, kept)

    files.write_with(path, fill)
    n_relabelled = sum(row.label != row.recorded_label for row in kept)
    return {
        "n_rows": len(kept),
        "n_relabelled": n_relabelled,
        "n_dropped": len(rows) - len(kept),
    }


def place_beside(dataset: Dataset) -> Path:
    """Give a free name beside the table that labels were read from, else right below the root."""
    root = Path(dataset.root)
    name = NAME
    folder = root
    if isinstance(dataset.labeller, TableLabeller):
        original = table.table_path(dataset.labeller, root)
        folder, name = original.parent, f"{original.stem}-corrected.csv"
    free = (one for one in naming.numbered(name) if not os.path.lexists(folder / one))
    return folder / next(free)


def _fill(file: TextIO, dataset: Dataset, rows: Sequence[Any]) -> None:
    writer = csv.writer(file)
    labeller = dataset.labeller
    from_table = labeller if isinstance(labeller, TableLabeller) else None
    has_parts = from_table is not None and from_table.part_column is not None
    writer.writerow(_header(from_table, has_parts))
    for row in rows:
        cells = [row.path, _cell(row.label, from_table)]
        writer.writerow([*cells, row.recorded_part or ""] if has_parts else cells)


def _header(labeller: TableLabeller | None, has_parts: bool) -> Iterator[str]:
    """Name the columns as the table has them, where it names them."""
    named = labeller if labeller is not None and labeller.has_header else None
    yield named.file_column if named else "file"
    yield named.label_column if named else "label"
    if has_parts:
        yield (named.part_column if named else None) or "part"


def _cell(label: str, labeller: TableLabeller | None) -> str:
    if labeller is None or labeller.separator is None:
        return label
    return labeller.separator.join(labellers.split(label, multi=True))


def _rows(dataset_id: str) -> Sequence[Any]:
    items = schema.items
    columns = (
        items.c.path,
        items.c.label,
        items.c.recorded_label,
        items.c.recorded_part,
        items.c.excluded,
    )
    here = sa.and_(items.c.dataset_id == dataset_id, items.c.status != "gone")
    with database.reading() as connection:
        return connection.execute(sa.select(*columns).where(here).order_by(items.c.path)).all()
