"""Addresses are rows: each once in its class, with what became of it."""

import dataclasses
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa

from core.datasets import catalog
from core.datasets.urls import downloads, lists
from core.datasets.urls.lists import UrlList
from core.domain.errors import NotFoundError, UrlError
from core.store import database, files, schema
from tests.datasets import shelves


def urls(label: str, *names: str) -> UrlList:
    """Make a list of a class."""
    content = "\n".join(f"https://a.example/{name}" for name in names)
    return lists.parse(content, name=f"{label}.txt")


def become(dataset_id: str, **columns: object) -> None:
    """Write what became of all of a dataset's addresses."""
    mine = sa.update(schema.downloads).where(schema.downloads.c.dataset_id == dataset_id)
    with database.writing() as connection:
        connection.execute(mine.values(**columns))


def test_lists_make_a_dataset_whose_folder_is_below_home() -> None:
    dataset = downloads.make([urls("cat", "1", "2"), urls("dog", "1")], name=" Pets ")

    assert (dataset.name, dataset.source) == ("Pets", "urls")
    assert dataset.origin == "3 addresses in cat.txt, dog.txt"
    assert Path(dataset.root).parent == files.imports_folder().resolve()
    assert list(Path(dataset.root).iterdir()) == []
    assert downloads.counts(dataset.id) == {
        "waiting": 3,
        "ok": 0,
        "copy": 0,
        "not_image": 0,
        "failed": 0,
    }


def test_an_address_counts_once_in_its_class_over_several_lists() -> None:
    dataset = downloads.make([urls("cat", "1", "2"), urls("cat", "2", "3")], name="Cats")

    added = downloads.add(dataset.id, urls("dog", "1"))
    again = downloads.add(dataset.id, urls("cat", "3", "4"))

    page = downloads.list_rows(dataset.id)
    assert (added, again) == (1, 1)
    assert [(row.label, row.rank, row.url[-1]) for row in page.rows] == [
        ("cat", 1, "1"),
        ("cat", 2, "2"),
        ("cat", 2, "3"),
        ("cat", 2, "4"),
        ("dog", 1, "1"),
    ]


def test_lists_come_all_or_not_at_all() -> None:
    good = urls("cat", "1", "2")
    bad = dataclasses.replace(
        good, rows=(lists.Row("dog", cast(int, None), "https://a.example/"),)
    )
    there = downloads.make([urls("bear", "1")], name="Bears")

    with pytest.raises(sa.exc.IntegrityError):
        downloads.make([good, bad], name="Pets")
    with pytest.raises(sa.exc.IntegrityError):
        downloads.add(there.id, good, bad)

    every = {dataset.name: downloads.counts(dataset.id) for dataset in catalog.list_datasets()}
    assert {name: counts["waiting"] for name, counts in every.items()} == {"Pets": 0, "Bears": 1}


def test_a_folder_that_is_somebodys_own_by_now_takes_no_addresses(tmp_path: Path) -> None:
    dataset = downloads.make([urls("cat", "1")], name="Cats")
    catalog.move(dataset.id, str(tmp_path))

    with pytest.raises(UrlError, match="The dataset Cats lies in a folder of yours now, /"):
        downloads.add(dataset.id, urls("cat", "2"))

    assert downloads.counts(dataset.id)["waiting"] == 1


def test_a_folder_of_somebody_takes_no_downloads(tmp_path: Path) -> None:
    dataset = catalog.open_folder(str(tmp_path))

    with pytest.raises(UrlError, match="was not made from lists"):
        downloads.add(dataset.id, urls("cat", "1"))


def test_addresses_need_a_list_and_a_dataset_that_is_there() -> None:
    with pytest.raises(UrlError, match="No list"):
        downloads.make([], name="Pets")
    with pytest.raises(NotFoundError, match="no dataset ds-none"):
        downloads.add("ds-none", urls("cat", "1"))


def test_rows_are_listed_by_page_and_status() -> None:
    dataset = downloads.make([urls("cat", *"12345")], name="Cats")

    page = downloads.list_rows(dataset.id, statuses=("waiting",), offset=1, limit=2)

    assert ([row.rank for row in page.rows], page.total) == ([2, 3], 5)
    assert downloads.list_rows(dataset.id, statuses=("failed", "ok")).total == 0


def test_a_page_of_rows_is_walked_to_without_sorting_or_reading_those_before() -> None:
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        asked.append((statement, values))

    sa.event.listen(database.engine(), "before_cursor_execute", note)
    downloads.list_rows("ds-1", statuses=("failed", "not_image", "copy"), offset=50_000)
    sa.event.remove(database.engine(), "before_cursor_execute", note)

    page = next(one for one in asked if "ORDER BY" in one[0])
    with database.reading() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {page[0]}", page[1]).all()
    assert [row.detail for row in plan] == [
        "SEARCH downloads USING INDEX ix_downloads_listed (dataset_id=?)"
    ]


def test_only_what_came_to_nothing_waits_again() -> None:
    good = downloads.make([urls("cat", "1")], name="Cats")
    bad = downloads.make([urls("cat", "1", "2")], name="More cats")
    become(good.id, status="ok", path="cat/00001-1.jpg")
    become(bad.id, status="failed", reason="answers 404", n_tries=1)

    assert downloads.retry(good.id, "failed") == 0
    assert downloads.retry(bad.id, "not_image") == 0
    assert downloads.retry(bad.id, "failed") == 2
    (row, _) = downloads.list_rows(bad.id).rows
    assert (row.status, row.reason, row.n_tries) == ("waiting", None, 1)


def test_items_get_the_best_rank_of_the_addresses_that_led_to_them() -> None:
    dataset_id, item_ids = shelves.shelved(("cat", "cat", "cat"))
    other, others = shelves.shelved(("cat",))
    shared = {"label": "cat", "n_tries": 1}
    rows = [
        (dataset_id, 7, "ok", "cat/00000.jpg"),
        (dataset_id, 3, "copy", "cat/00000.jpg"),
        (dataset_id, 9, "ok", "cat/00001.jpg"),
        (dataset_id, 1, "failed", "cat/00001.jpg"),
        (other, 5, "ok", "cat/00000.jpg"),
    ]
    names = ("dataset_id", "rank", "status", "path")
    with database.writing() as connection:
        connection.execute(
            sa.insert(schema.downloads),
            [
                {**dict(zip(names, row, strict=True)), **shared, "url": f"https://a.example/{at}"}
                for at, row in enumerate(rows)
            ],
        )

        downloads.store_ranks(connection, dataset_id)

    ranks = [catalog.get_item(item_id).rank for item_id in (*item_ids, *others)]
    assert ranks == [3, 9, None, None]
