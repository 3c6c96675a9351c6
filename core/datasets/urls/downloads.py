"""The rows of what is to be downloaded: an address each, with what became of it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, get_args

import sqlalchemy as sa

from core.datasets.catalog import registry
from core.datasets.urls.lists import Row, UrlList
from core.domain.errors import UrlError
from core.domain.items import Dataset
from core.store import database, files, ids, schema

Status = Literal["waiting", "ok", "copy", "not_image", "failed"]
STATUSES: tuple[Status, ...] = get_args(Status)
Vain = Literal["failed", "not_image"]
"""What can be tried again."""
"""What came to nothing, and may come to something another time."""

TABLE = schema.downloads
BATCH = 5000


@dataclass(frozen=True, kw_only=True)
class Download:
    """One address of a dataset's lists; its path is below the dataset's root."""

    id: int
    label: str
    rank: int
    url: str
    status: Status
    reason: str | None
    path: str | None  # the file that holds the image; of a copy: the one that was there already
    content_hash: str | None
    size_bytes: int | None
    n_tries: int


@dataclass(frozen=True, kw_only=True)
class DownloadPage:
    """Some rows of a longer list, and how long it is."""

    rows: tuple[Download, ...]
    total: int


def make(url_lists: Sequence[UrlList], *, name: str) -> Dataset:
    """Make a dataset with a folder of its own, below home, of what the lists hold, waiting.

    An address that several lists have in the same class counts once. Raises UrlError where there
    is no list. Who is killed meanwhile leaves a dataset without any address, never with some.
    """
    if not url_lists:
        raise UrlError("No list of addresses was given.", hint="Choose at least one list.")
    folder = files.import_folder(ids.new("urls"))
    folder.mkdir()
    n_urls = sum(len(one.rows) for one in url_lists)
    names = ", ".join(one.name for one in url_lists)
    dataset = registry.register(
        folder.resolve(),
        source="urls",
        name=name.strip() or url_lists[0].name,
        origin=_shortened(f"{n_urls} {'address' if n_urls == 1 else 'addresses'} in {names}"),
    )
    add(dataset.id, *url_lists)
    return dataset


def add(dataset_id: str, *url_lists: UrlList) -> int:
    """Add lists to the addresses of a dataset, all or none, and say how many were new to it.

    Ranks are those of the new lists. Raises UrlError as `check_place` does.
    """
    check_place(registry.get(dataset_id))
    here = TABLE.c.dataset_id == dataset_id
    with database.writing() as connection:
        known = {tuple(row) for row in connection.execute(_select("label", "url").where(here))}
        new = _new(url_lists, known)
        for some in _batches(new):
            values = [
                {**row._asdict(), "dataset_id": dataset_id, "status": "waiting", "n_tries": 0}
                for row in some
            ]
            connection.execute(sa.insert(TABLE), values)
    return len(new)


def check_place(dataset: Dataset) -> None:
    """Raise UrlError for a dataset that is not Winnow's own: it downloads into no other folder."""
    if dataset.source != "urls":
        raise UrlError(
            f"The dataset {dataset.name} was not made from lists of addresses.",
            hint="Download the list into a dataset of its own.",
        )
    if files.imports_folder().resolve() not in Path(dataset.root).resolve().parents:
        raise UrlError(
            f"The dataset {dataset.name} lies in a folder of yours now, {dataset.root}; Winnow "
            "downloads only into its own.",
            hint="Make a new dataset of the list.",
        )


def counts(dataset_id: str) -> dict[Status, int]:
    """Count a dataset's addresses by status; each status is there."""
    query = (
        sa.select(TABLE.c.status, sa.func.count())
        .where(TABLE.c.dataset_id == dataset_id)
        .group_by(TABLE.c.status)
    )
    with database.reading() as connection:
        found = {row[0]: row[1] for row in connection.execute(query)}
    return {status: found.get(status, 0) for status in STATUSES}


def list_rows(
    dataset_id: str,
    *,
    statuses: Sequence[Status] = STATUSES,
    offset: int = 0,
    limit: int = 200,
) -> DownloadPage:
    """List one page of a dataset's addresses that have one of the statuses, by class and rank."""
    where = (TABLE.c.dataset_id == dataset_id, TABLE.c.status.in_(statuses))
    page = sa.select(TABLE).where(*where).order_by(TABLE.c.label, TABLE.c.rank, TABLE.c.id)
    count = sa.select(sa.func.count()).where(*where)
    with database.reading() as connection:
        rows = connection.execute(page.offset(offset).limit(limit)).all()
        total = connection.execute(count).scalar_one()
    return DownloadPage(rows=tuple(_download(row) for row in rows), total=total)


def retry(dataset_id: str, status: Vain) -> int:
    """Let the addresses that came to nothing in one way wait again, and say how many those are."""
    mine = sa.update(TABLE).where(TABLE.c.dataset_id == dataset_id, TABLE.c.status == status)
    with database.writing() as connection:
        return connection.execute(mine.values(status="waiting", reason=None)).rowcount


def store_ranks(connection: sa.Connection, dataset_id: str) -> None:
    """Give a dataset's items the best rank of the addresses that led to their file."""
    items = schema.items
    best = (
        sa.select(TABLE.c.path, sa.func.min(TABLE.c.rank).label("rank"))
        .where(TABLE.c.dataset_id == dataset_id, TABLE.c.status.in_(("ok", "copy")))
        .group_by(TABLE.c.path)
        .subquery()
    )
    mine = sa.update(items).where(items.c.dataset_id == dataset_id, items.c.path == best.c.path)
    connection.execute(mine.values(rank=best.c.rank))


def waiting(dataset_id: str, *, after_id: int, limit: int) -> list[Download]:
    """List the next addresses that wait, in the order in which they came."""
    query = sa.select(TABLE).where(
        TABLE.c.dataset_id == dataset_id, TABLE.c.status == "waiting", TABLE.c.id > after_id
    )
    with database.reading() as connection:
        rows = connection.execute(query.order_by(TABLE.c.id).limit(limit)).all()
    return [_download(row) for row in rows]


def kept(dataset_id: str) -> Iterator[tuple[str, str, str]]:
    """Give label, content hash and path of each address that has a file."""
    query = _select("label", "content_hash", "path").where(
        TABLE.c.dataset_id == dataset_id, TABLE.c.status == "ok"
    )
    with database.reading() as connection:
        for row in connection.execute(query):
            yield row.label, row.content_hash, row.path


def store(outcomes: Sequence[Download]) -> None:
    """Write what became of some addresses."""
    names = ("status", "reason", "path", "content_hash", "size_bytes", "n_tries")
    change = (
        sa.update(TABLE)
        .where(TABLE.c.id == sa.bindparam("row"))
        .values({name: sa.bindparam(f"new_{name}") for name in names})
    )
    rows = [
        {"row": one.id, **{f"new_{name}": getattr(one, name) for name in names}}
        for one in outcomes
    ]
    if rows:
        with database.writing() as connection:
            connection.execute(change, rows)


def _select(*names: str) -> sa.Select[Any]:
    return sa.select(*(TABLE.c[name] for name in names))


def _new(url_lists: Iterable[UrlList], known: Iterable[tuple[str, str]]) -> list[Row]:
    """Give the rows of lists whose address is not known yet in its class, each once."""
    seen = set(known)
    new = []
    for row in (row for one in url_lists for row in one.rows):
        if (row.label, row.url) not in seen:
            seen.add((row.label, row.url))
            new.append(row)
    return new


def _batches(rows: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(rows)
    while some := list(islice(rest, BATCH)):
        yield some


def _shortened(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:199]}…"


def _download(row: Any) -> Download:
    return Download(**{name: row._mapping[name] for name in Download.__dataclass_fields__})
