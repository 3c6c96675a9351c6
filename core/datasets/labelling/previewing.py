"""What a labeller would make of the first files of a folder, before anything is opened."""

from collections import Counter
from dataclasses import dataclass

from core.datasets.labelling.looking import look
from core.datasets.labelling.readers import reader
from core.datasets.labelling.table import RowProblem, Table
from core.datasets.labelling.values import Label
from core.domain import labellers
from core.domain.items import Part
from core.domain.labellers import Labeller

MOST_ROWS = 20_000
"""Of a table: as many as are read in some 80 ms."""


@dataclass(frozen=True, kw_only=True)
class PreviewRow:
    """One file, with what the labeller gives it: labels and part, or why it is left out."""

    path: str
    labels: tuple[str, ...]
    part: Part | None
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a labeller gives for some files of a folder; `is_all` says that there are no more."""

    rows: tuple[PreviewRow, ...]
    n_labelled: int
    n_by_class: dict[str, int]
    n_by_part: dict[Part, int]
    is_all: bool
    n_unlabelled: int = 0  # files that have a row with no label, in a multi-label dataset
    n_rows: int | None = None  # of a table
    n_without_file: int | None = None  # rows of a table; None: not all files or rows were seen
    problems: tuple[RowProblem, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """List the classes that the files have."""
        return tuple(sorted(self.n_by_class))


def preview(labeller: Labeller, root: str, *, most: int = 300) -> Preview:
    """Read the labels of some files; raises LabellerError, and FolderError for the root."""
    seen = look(root, most=most)
    labels = reader(labeller, root, most_rows=MOST_ROWS)
    multi = labellers.is_multi_label(labeller)
    rows = [_row(path, labels.read(path), multi) for path in seen.files]
    labelled = [row for row in rows if row.reason is None]
    of_table = labels if isinstance(labels, Table) else None
    return Preview(
        rows=tuple(rows),
        n_labelled=len(labelled),
        n_by_class=dict(Counter(one for row in labelled for one in row.labels)),
        n_by_part=dict(Counter(row.part for row in labelled if row.part is not None)),
        is_all=seen.is_all,
        n_unlabelled=sum(not row.labels for row in labelled),
        n_rows=None if of_table is None else of_table.n_rows,
        n_without_file=_without_file(of_table) if seen.is_all else None,
        problems=() if of_table is None else of_table.problems,
    )


def _without_file(of_table: Table | None) -> int | None:
    return len(of_table.without_file()) if of_table is not None and of_table.is_whole else None


def _row(path: str, found: Label | str, multi: bool) -> PreviewRow:
    if isinstance(found, str):
        return PreviewRow(path=path, labels=(), part=None, reason=found)
    labels = labellers.split(found.label, multi=multi)
    return PreviewRow(path=path, labels=labels, part=found.part, reason=None)
