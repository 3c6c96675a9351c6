"""Labels from a CSV, TSV or text file, a row an image.

Rows are read by the csv module, one at a time: a ragged or odd row is a problem with its line
number, and hides no other.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.datasets.labelling import heads
from core.datasets.labelling.values import Label, checked, part_of
from core.domain import labellers
from core.domain.errors import LabellerError
from core.domain.labellers import TableLabeller

MAX_PROBLEMS = 1000
"""So many odd rows are kept to be shown; all are counted."""

csv.field_size_limit(10_000_000)


@dataclass(frozen=True, kw_only=True)
class RowProblem:
    """A row that names no item, and why."""

    line: int
    content: str
    reason: str


@dataclass(kw_only=True)
class Table:
    """The labels of a table by path below the root: a reader, which notes what it was asked."""

    labels: dict[str, Label]
    problems: tuple[RowProblem, ...]
    n_rows: int
    n_problems: int
    is_whole: bool = True  # whether all rows were read
    is_fixed: bool = False  # the table may have been changed since
    asked: set[str] = field(default_factory=set)
    without_row: set[str] = field(default_factory=set)  # files that were asked for in vain

    def read(self, path: str) -> Label | str:
        """Give the label of a file, or say that the table has no row for it."""
        found = self.labels.get(path)
        if found is not None:
            self.asked.add(path)
            return found
        self.without_row.add(path)
        where = "in" if self.is_whole else f"among the first {self.n_rows:,} of"
        return f"without a row {where} the table"

    def without_file(self) -> list[str]:
        """List the paths of rows that were never asked for: no file is there, by path."""
        return sorted(self.labels.keys() - self.asked)


def load(labeller: TableLabeller, root: Path, *, most_rows: int | None = None) -> Table:
    """Read all rows of a table, or the first; raises LabellerError where it cannot be read."""
    path = table_path(labeller, root)
    first = heads.head(path, delimiter=labeller.delimiter, has_header=labeller.has_header)
    at = _positions(first, labeller)
    labels: dict[str, Label] = {}
    problems: list[RowProblem] = []
    n_rows = n_problems = 0
    is_whole = True
    for line, row in _rows(path, labeller, max(at.values()) + 1):
        if n_rows == most_rows:
            is_whole = False
            break
        n_rows += 1
        problem = _take(row, labeller, at, labels)
        if problem is not None:
            n_problems += 1
            if len(problems) < MAX_PROBLEMS:
                content = labeller.delimiter.join(row)[:200]
                problems.append(RowProblem(line=line, content=content, reason=problem))
    return Table(
        labels=labels,
        problems=tuple(problems),
        n_rows=n_rows,
        n_problems=n_problems,
        is_whole=is_whole,
    )


def table_path(labeller: TableLabeller, root: Path) -> Path:
    """Give the path of a labeller's table; raises LabellerError for a home that is nobody's."""
    try:
        return root / Path(labeller.table).expanduser()
    except RuntimeError as error:
        raise LabellerError(
            f"{labeller.table} is not a path that can be followed: {error}",
            hint="Type the full path of the table.",
        ) from error


def item_path(labeller: TableLabeller, cell: str) -> str:
    """Make the path below the root that a cell of the file column means."""
    name = cell.strip().replace("\\", "/").removeprefix("./")
    folder = labeller.folder.strip().replace("\\", "/").strip("/")
    return f"{folder}/{name}{labeller.suffix}" if folder else f"{name}{labeller.suffix}"


def _take(
    row: Sequence[str],
    labeller: TableLabeller,
    at: dict[str, int],
    labels: dict[str, Label],
) -> str | None:
    """Add the label of a row, or say what is wrong with it."""
    if len(row) <= max(at.values()):
        return f"has {len(row)} of the columns, not {max(at.values()) + 1}"
    if not row[at["file"]].strip():
        return "names no file"
    path = item_path(labeller, row[at["file"]])
    label, problem = _label(row[at["label"]], labeller.separator)
    if problem is not None:
        return problem
    part, problem = part_of(row[at["part"]]) if "part" in at else (None, None)
    if problem is not None:
        return problem
    found = Label(label, part)
    if labels.setdefault(path, found) != found:
        return "contradicts an earlier row of the same file"
    return None


def _label(cell: str, separator: str | None) -> tuple[str, str | None]:
    if separator is None:
        return checked(cell)
    several: list[str] = []
    for one in cell.split(separator):
        if one.strip():
            label, problem = checked(one)
            if problem is None and labellers.LABEL_SEPARATOR in label:
                problem = f"has the sign {labellers.LABEL_SEPARATOR} in a label"
            if problem is not None:
                return "", problem
            several.append(label)
    return labellers.join(several), None


def _positions(first: heads.Head, labeller: TableLabeller) -> dict[str, int]:
    wanted = {"file": labeller.file_column, "label": labeller.label_column}
    if labeller.part_column is not None:
        wanted["part"] = labeller.part_column
    for name in wanted.values():
        if name not in first.columns:
            raise LabellerError(
                f"The table {first.path} has no column {name!r}.",
                hint=f"It has these: {', '.join(first.columns[:20])}.",
            )
    return {what: first.columns.index(name) for what, name in wanted.items()}


def _rows(path: Path, labeller: TableLabeller, needed: int) -> Iterator[tuple[int, list[str]]]:
    """Give the rows with the line each begins at; `needed` cells make a row.

    A quote that is opened and not closed would swallow all lines up to the next one, so a row
    that reaches over several lines and lacks cells, or has one of them broken, is cut up again.
    """
    with path.open(encoding=heads.encoding_of(path), newline="") as file:
        lines = _Lines(file)
        rows = csv.reader(lines, delimiter=labeller.delimiter)
        skip = labeller.has_header
        try:
            for row in rows:
                taken = lines.take()
                first = rows.line_num - len(taken) + 1
                if not row or row == [""]:
                    continue
                if skip:
                    skip = False
                elif len(taken) > 1 and _is_broken(row, needed):
                    alone = csv.reader(taken, delimiter=labeller.delimiter, quoting=csv.QUOTE_NONE)
                    yield from ((first + at, one) for at, one in enumerate(alone) if one)
                else:
                    yield first, row
        except (csv.Error, UnicodeDecodeError) as error:
            raise LabellerError(
                f"The table {path} cannot be read after line {rows.line_num}: {error}.",
                hint="Save it again as a plain CSV file in UTF-8.",
            ) from error


def _is_broken(row: Sequence[str], needed: int) -> bool:
    return len(row) < needed or any("\n" in cell or "\r" in cell for cell in row[:needed])


class _Lines:
    """Hands out lines, and remembers those that the last row was made of."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._taken: list[str] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self._taken.append(line)
        return line

    def take(self) -> list[str]:
        taken, self._taken = self._taken, []
        return taken
