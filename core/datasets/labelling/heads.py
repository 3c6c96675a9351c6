"""How a table file is written, read off its start: letters, delimiter, header, columns."""

import codecs
import csv
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.domain.errors import LabellerError

TABLE_SUFFIXES = (".csv", ".tsv", ".txt")
DELIMITERS = ",\t;| "
HEAD_BYTES = 64 * 1024
MAX_BYTES = 1024**3


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


def encoding_of(path: Path) -> str:
    """Say how a table is written: UTF-8 as far as its bytes are, else Windows' western letters."""
    try:
        decoder = codecs.getincrementaldecoder("utf-8")()
        if path.stat().st_size > MAX_BYTES:
            raise LabellerError(
                f"The table {path} is larger than {MAX_BYTES // 1024**3} GB.",
                hint="Keep only the columns of the file and of its labels.",
            )
        with path.open("rb") as file:
            for block in iter(lambda: file.read(1024**2), b""):
                if b"\0" in block:
                    raise LabellerError(
                        f"{path} is no text file: it holds zero bytes.",
                        hint="Save the table as CSV in UTF-8.",
                    )
                decoder.decode(block)
        decoder.decode(b"", final=True)
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
