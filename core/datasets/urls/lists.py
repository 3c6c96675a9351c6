"""Lists of image addresses, as search engines and people write them: a text file, or a table."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

from core.datasets import edits
from core.datasets.urls import addresses, columns
from core.datasets.urls.addresses import FetchError
from core.domain.errors import InputError, UrlError

MAX_LINES = 200_000
MAX_LABEL_BYTES = 240
"""A class becomes a folder, whose name may have 255 bytes on most disks."""

SHOWN = 120


class Row(NamedTuple):
    """One address with its class and its rank: the position in the class's list, from 1."""

    label: str
    rank: int
    url: str


class Problem(NamedTuple):
    """A line that gives no row: its number from 1, its start, and the reason in words."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class UrlList:
    """What a list holds, in its order."""

    name: str
    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]
    n_lines: int

    @property
    def counts(self) -> dict[str, int]:
        """Count the addresses of each class, in the order of the list."""
        return dict(Counter(row.label for row in self.rows))


def decode(content: bytes, name: str) -> str:
    """Read a list's bytes as text: UTF-8, else Windows' 1252; raises UrlError."""
    hint = "Save it as plain text in UTF-8, then choose it again."
    if b"\0" in content:
        raise UrlError(f"{name} is not plain text: it has zero bytes in it.", hint=hint)
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UrlError(f"{name} is neither UTF-8 nor Windows text.", hint=hint)


def parse(content: str, *, name: str, label: str | None = None) -> UrlList:
    """Read a list: an address a line, or a table (CSV, TSV) with a column of addresses.

    The class is the table's column of that meaning, else `label`, else the list's name without
    its ending. What is no address, or there twice, becomes a problem and takes no rank. Raises
    UrlError for a list that is too long, or without a single address.
    """
    content = content.removeprefix("\ufeff")
    n_lines = _count_lines(content)
    if n_lines > MAX_LINES:
        raise UrlError(
            f"{name} has {n_lines:,} lines; {MAX_LINES:,} are the most that are read.",
            hint="Cut it into several lists, and add one after the other.",
        )
    reader = _Reader(label or PurePosixPath(name.replace("\\", "/")).stem)
    table = columns.find(content, name)
    for line, text in _lines(content) if table is None else ():
        reader.take(line, text, text, None)
    if table is not None:
        _read_table(content, table, reader)
    return _checked(reader, name, n_lines)


def _checked(reader: "_Reader", name: str, n_lines: int) -> UrlList:
    if not reader.rows:
        first = reader.problems[0] if reader.problems else None
        why = "" if first is None else f"; line {first.line} {first.reason}"
        raise UrlError(
            f"{name} has no address of an image{why}.",
            hint="A list has one http or https address a line, or a column called url.",
        )
    return UrlList(
        name=name, rows=tuple(reader.rows), problems=tuple(reader.problems), n_lines=n_lines
    )


def _count_lines(content: str) -> int:
    ends = content.count("\n") + content.count("\r") - content.count("\r\n")
    return ends + (content[-1:] not in "\r\n")  # an empty text ends so, too


def _lines(content: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(io.StringIO(content, newline=None), start=1):
        text = line.strip()
        if text and not text.startswith("#"):
            yield number, text


def _read_table(content: str, table: columns.Columns, reader: "_Reader") -> None:
    skip = table.has_header
    for number, line in enumerate(io.StringIO(content, newline=""), start=1):
        try:
            cells = columns.split(line, table.delimiter)
        except csv.Error as error:
            reader.problem(number, line.strip(), f"is not a row of a table ({error})")
            continue
        if cells and not skip:
            _take(cells, table, number, reader)
        skip = skip and not cells


def _take(cells: list[str], table: columns.Columns, line: int, reader: "_Reader") -> None:
    text = table.delimiter.join(cells)
    if len(cells) != table.n_columns:
        reader.problem(
            line, text, f"has another number of columns than the first row: {len(cells)}"
        )
        return
    label = None if table.label is None else cells[table.label]
    reader.take(line, text, cells[table.url].strip(), label)


class _Reader:
    """Gathers rows and problems; a class is checked once, an address within its class once."""

    def __init__(self, default_label: str) -> None:
        self.rows: list[Row] = []
        self.problems: list[Problem] = []
        self._default = default_label
        self._ranks: Counter[str] = Counter()
        self._first: dict[tuple[str, str], int] = {}
        self._labels: dict[str, tuple[str, str | None]] = {}

    def problem(self, line: int, text: str, reason: str) -> None:
        shown = text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
        self.problems.append(Problem(line, shown, reason))

    def take(self, line: int, text: str, url: str, label: str | None) -> None:
        """Take one address; `label` is the class that its own row names, if it can."""
        wished = self._default if label is None else label
        if wished not in self._labels:
            self._labels[wished] = _label(wished)
        checked, refused = self._labels[wished]
        reason = _refusal(url) or refused
        first = self._first.get((checked, url))
        if reason is None and first is not None:
            reason = f"has the same address as line {first}"
        if reason is not None:
            self.problem(line, text, reason)
            return
        self._first[checked, url] = line
        self._ranks[checked] += 1
        self.rows.append(Row(checked, self._ranks[checked], url))


def _refusal(url: str) -> str | None:
    if len(url.split(maxsplit=1)) > 1:
        return "has a blank inside its address; write %20"
    try:
        addresses.parse(url)
    except FetchError as error:
        return error.reason
    return None


def _label(wished: str) -> tuple[str, str | None]:
    """Give a class as it is written, and the reason if it cannot be one."""
    if not wished.strip():
        return "", "names no class"
    try:
        label = edits.checked_label(wished)
    except InputError as error:
        return "", f"has no class: {error.sentence.removesuffix('.')}"
    if len(label.encode()) > MAX_LABEL_BYTES:
        return "", f"has a class whose name is longer than {MAX_LABEL_BYTES} bytes"
    return label, None
