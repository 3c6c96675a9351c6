"""Which columns of a table hold addresses and classes, and what parts them."""

import csv
import io
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

DELIMITERS = (",", ";", "\t")
ENDINGS = (".csv", ".tsv", ".tab")
URL_NAMES = frozenset(
    (
        "url",
        "urls",
        "link",
        "imageurl",
        "imagelink",
        "imgurl",
        "image",
        "src",
        "href",
        "contenturl",
    )
)
LABEL_NAMES = frozenset(
    ("label", "labels", "class", "classes", "classname", "category", "tag", "query", "keyword")
)
LOOKED_AT = 20
"""So many rows are looked at to tell what a table is."""


@dataclass(frozen=True, kw_only=True)
class Columns:
    """How a table is read; columns count from 0."""

    delimiter: str
    n_columns: int
    has_header: bool
    url: int
    label: int | None  # None: the table names no classes


def find(content: str, name: str) -> Columns | None:
    """Find the columns of a table; None for a text with an address a line.

    A table is what has a header with a column of addresses, or a name that ends as tables do.
    Without a header the first column with an address counts, and the first other one as class.
    """
    samples = {delimiter: _sample(content, delimiter) for delimiter in DELIMITERS}
    for delimiter, rows in samples.items():
        columns = _of_header(rows, delimiter)
        if columns is not None and (columns.n_columns > 1 or delimiter == DELIMITERS[-1]):
            return columns
    if not name.lower().endswith(ENDINGS):
        return None
    for delimiter, rows in samples.items():
        widths = {len(row) for row in rows}
        if len(widths) == 1 and max(widths) > 1:
            return _of_rows(rows, delimiter)
    return _of_rows(samples["\t"], "\t")  # a single column: a comma is part of an address


def split(line: str, delimiter: str) -> list[str]:
    """Split one line into its cells; none for a blank line, or a comment.

    A row is one line, also within quotes: a quote that nobody closes would swallow all that
    follow. Raises csv.Error for such a quote, and for a cell that is too long.
    """
    if line.startswith("#"):
        return []
    reader = csv.reader((line, ""), delimiter=delimiter)
    cells = next(reader)
    if reader.line_num > 1:
        raise csv.Error("a quote is opened and not closed")
    return cells if any(cells) else []


def _sample(content: str, delimiter: str) -> list[list[str]]:
    """Split the first lines that can be split and hold anything."""
    rows = []
    for line in islice(io.StringIO(content, newline=""), 2 * LOOKED_AT):
        with suppress(csv.Error):  # told where the whole table is read
            rows.append(split(line, delimiter))
    return [row for row in rows if row][:LOOKED_AT]


def _of_header(rows: Sequence[Sequence[str]], delimiter: str) -> Columns | None:
    if not rows:
        return None
    names = [re.sub(r"[\s_-]", "", cell.casefold()) for cell in rows[0]]
    url = _first(names, URL_NAMES)
    if url is None:
        return None
    label = _first(names, LABEL_NAMES)
    return Columns(
        delimiter=delimiter, n_columns=len(names), has_header=True, url=url, label=label
    )


def _of_rows(rows: Sequence[Sequence[str]], delimiter: str) -> Columns:
    first = rows[0] if rows else [""]
    is_url = [cell.strip().lower().startswith(("http://", "https://")) for cell in first]
    url = is_url.index(True) if True in is_url else 0
    others = [at for at in range(len(first)) if at != url]
    return Columns(
        delimiter=delimiter,
        n_columns=len(first),
        has_header=False,
        url=url,
        label=others[0] if others else None,
    )


def _first(names: Sequence[str], wanted: frozenset[str]) -> int | None:
    return next((at for at, name in enumerate(names) if name in wanted), None)
