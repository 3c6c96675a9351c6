"""Labels from a CSV, TSV or text file: its head for a form, and all of it for a scan.

Rows are read by the csv module, one at a time: a ragged or odd row is a problem with its line
number, and hides no other.
"""

import codecs
import csv
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.datasets.labelling.values import Label, checked, part_of
from core.domain import labellers
from core.domain.errors import LabellerError
from core.domain.labellers import TableLabeller

TABLE_SUFFIXES = (".csv", ".tsv", ".txt")
DELIMITERS = ",\t;| "
HEAD_BYTES = 64 * 1024
MAX_BYTES = 1024**3
MAX_PROBLEMS = 1000
"""So many odd rows are kept to be shown; all are counted."""

csv.field_size_limit(10_000_000)


@dataclass(frozen=True, kw_only=True)
class Head:
    """The start of a table: how it is written, its columns, and some rows as they are."""

    path: str
    delimiter: str
    has_header: bool
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]  # without the header; shorter where a row is ragged

    def column(self, name: str) -> tuple[str, ...]:
        """Give the values of one column in the rows that have it."""
        at = self.columns.index(name)
        return tuple(row[at] for row in self.rows if len(row) > at)


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
    is_fixed: bool = False  # the table may have been changed since
    asked: set[str] = field(default_factory=set)

    def read(self, path: str) -> Label | str:
        """Give the label of a file, or say that the table has no row for it."""
        found = self.labels.get(path)
        if found is None:
            return "without a row in the table"
        self.asked.add(path)
        return found

    def without_file(self) -> list[str]:
        """List the paths of rows that were never asked for: no file is there, by path."""
        return sorted(self.labels.keys() - self.asked)


def find_tables(root: Path, most: int = 30) -> list[str]:
    """List the tables right below a folder by name, as paths below it."""
    try:
        with os.scandir(root) as entries:
            names = [entry.name for entry in entries if _is_table(entry)]
    except OSError:
        return []  # the folder's own form says why it cannot be read
    return sorted(names)[:most]


def head(
    path: Path, *, delimiter: str | None = None, has_header: bool | None = None, n_rows: int = 50
) -> Head:
    """Read the start of a table and say how it is written; raises LabellerError.

    What is not given is guessed: the delimiter that cuts most rows alike, and a header where no
    value of the first row comes again below.
    """
    text = _start_of(path)
    lines = text.splitlines()
    if not any(line.strip() for line in lines):
        raise LabellerError(f"The table {path} is empty.", hint="Choose another file.")
    cut = delimiter or _delimiter(lines)
    rows = [tuple(cell.strip() for cell in row) for row in csv.reader(lines, delimiter=cut) if row]
    rows = rows[: n_rows + 1]
    headed = _has_header(rows) if has_header is None else has_header
    width = max(len(row) for row in rows)
    columns = _named(rows[0], width) if headed else tuple(str(at + 1) for at in range(width))
    body = tuple(rows[1:] if headed else rows[:n_rows])
    return Head(path=str(path), delimiter=cut, has_header=headed, columns=columns, rows=body)


def load(labeller: TableLabeller, root: Path) -> Table:
    """Read all rows of a table; raises LabellerError where it or a column is not there."""
    path = table_path(labeller, root)
    first = head(path, delimiter=labeller.delimiter, has_header=labeller.has_header)
    at = _positions(first, labeller)
    labels: dict[str, Label] = {}
    problems: list[RowProblem] = []
    n_rows = n_problems = 0
    for line, row in _rows(path, labeller):
        n_rows += 1
        problem = _take(row, labeller, at, labels)
        if problem is not None:
            n_problems += 1
            if len(problems) < MAX_PROBLEMS:
                content = labeller.delimiter.join(row)[:200]
                problems.append(RowProblem(line=line, content=content, reason=problem))
    return Table(labels=labels, problems=tuple(problems), n_rows=n_rows, n_problems=n_problems)


def table_path(labeller: TableLabeller, root: Path) -> Path:
    """Give the path of a labeller's table."""
    return root / Path(labeller.table).expanduser()


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


def _positions(first: Head, labeller: TableLabeller) -> dict[str, int]:
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


def _rows(path: Path, labeller: TableLabeller) -> Iterator[tuple[int, list[str]]]:
    lines = csv.reader(_open(path), delimiter=labeller.delimiter)
    skip = labeller.has_header
    try:
        for row in lines:
            if not row or row == [""]:
                continue
            if skip:
                skip = False
                continue
            yield lines.line_num, row
    except (csv.Error, UnicodeDecodeError) as error:
        raise LabellerError(
            f"The table {path} cannot be read after line {lines.line_num}: {error}.",
            hint="Save it again as a plain CSV file in UTF-8.",
        ) from error


def _open(path: Path) -> io.TextIOBase:
    encoding = _encoding(path)
    if path.stat().st_size > MAX_BYTES:
        raise LabellerError(
            f"The table {path} is larger than {MAX_BYTES // 1024**3} GB.",
            hint="Keep only the columns of the file and of its labels.",
        )
    return io.StringIO(path.read_text(encoding=encoding), newline="")


def _encoding(path: Path) -> str:
    """Say how a table is written: UTF-8 as far as its bytes are, else Windows' western letters."""
    try:
        decoder = codecs.getincrementaldecoder("utf-8")()
        with path.open("rb") as file:
            for block in iter(lambda: file.read(1024**2), b""):
                if b"\0" in block:
                    raise LabellerError(
                        f"{path} is no text file: it holds zero bytes.",
                        hint="Save the table as CSV in UTF-8.",
                    )
                decoder.decode(block)
    except UnicodeDecodeError:
        return "latin-1"
    except OSError as error:
        raise _unreadable(path, error) from error
    return "utf-8-sig"


def _start_of(path: Path) -> str:
    try:
        if not path.is_file():
            raise LabellerError(
                f"There is no table {path}.", hint="Check its name, or choose another file."
            )
        with path.open("rb") as file:
            content = file.read(HEAD_BYTES)
    except OSError as error:
        raise _unreadable(path, error) from error
    if b"\0" in content:
        raise LabellerError(
            f"{path} is no text file: it holds zero bytes.", hint="Save the table as CSV in UTF-8."
        )
    if len(content) == HEAD_BYTES:
        content = content[: content.rfind(b"\n") + 1] or content
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _unreadable(path: Path, error: OSError) -> LabellerError:
    return LabellerError(
        f"The table {path} cannot be read: {error.strerror or error}.",
        hint="Allow reading it, or choose another file.",
    )


def _is_table(entry: "os.DirEntry[str]") -> bool:
    visible = not entry.name.startswith(".") and entry.name.isprintable()
    return (
        visible
        and entry.name.lower().endswith(TABLE_SUFFIXES)
        and entry.is_file(follow_symlinks=False)
    )


def _delimiter(lines: Iterable[str]) -> str:
    some = [line for line in list(lines)[:30] if line.strip()]

    def evenness(cut: str) -> tuple[float, int]:
        widths = [len(row) for row in csv.reader(some, delimiter=cut)]
        if not widths or max(widths) < 2:
            return 0.0, 0
        common = max(set(widths), key=widths.count)
        return (widths.count(common) / len(widths) if common > 1 else 0.0), -DELIMITERS.index(cut)

    return max(DELIMITERS, key=evenness)


def _has_header(rows: Sequence[tuple[str, ...]]) -> bool:
    if len(rows) < 2 or len(set(rows[0])) < len(rows[0]):
        return False
    below = {cell for row in rows[1:] for cell in row}
    looks_like_file = any("." in cell.rpartition("/")[2] for cell in rows[0])
    return not looks_like_file and not below.intersection(rows[0])


def _named(first: Sequence[str], width: int) -> tuple[str, ...]:
    names: list[str] = []
    for at in range(width):
        name = first[at] if at < len(first) and first[at] else str(at + 1)
        names.append(name if name not in names else f"{name} ({at + 1})")
    return tuple(names)
