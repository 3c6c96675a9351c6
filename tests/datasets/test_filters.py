"""Filters and orders of a gallery: by what files are, by copies, by one label of several."""

from typing import Any

import pytest
import sqlalchemy as sa

from core.datasets import catalog, edits, splits
from core.datasets.catalog import ItemFilter, queries
from core.store import database
from tests.datasets import looks, shelves


def found(dataset_id: str, ids: list[int], **filters: Any) -> list[int]:
    """Give the positions of the items that a filter lets through, in its order."""
    page = catalog.list_items(dataset_id, filters=ItemFilter(**filters))
    assert page.total == len(page.items)
    return [ids.index(item.id) for item in page.items]


def test_items_are_found_by_what_their_files_are() -> None:
    dataset_id, ids = looks.items(
        {"format": "PNG", "is_grey": True, "is_misnamed": True},
        {"format": "JPEG", "is_grey": False, "is_misnamed": False},
        {"format": "WEBP"},
    )

    assert found(dataset_id, ids, formats=("PNG", "WEBP")) == [0, 2]
    assert found(dataset_id, ids, is_grey=True) == [0]
    assert found(dataset_id, ids, is_grey=False) == [1]
    assert found(dataset_id, ids, is_misnamed=True) == [0]
    assert found(dataset_id, ids, is_misnamed=False) == [1]


def test_a_range_has_its_lower_end_and_not_its_upper_one() -> None:
    dataset_id, ids = looks.items(
        {"width_px": 100, "height_px": 50, "size_bytes": 1000},
        {"width_px": 60, "height_px": 120, "size_bytes": 2000},
        {"width_px": 70, "height_px": 70, "size_bytes": 3000},
        {"width_px": None, "height_px": None, "size_bytes": 4000},
    )

    assert found(dataset_id, ids, shorter_px=(50, 70)) == [0, 1]
    assert found(dataset_id, ids, shorter_px=(60, None)) == [1, 2]
    assert found(dataset_id, ids, shorter_px=(None, None)) == [0, 1, 2]
    assert found(dataset_id, ids, aspect=(0.5, 1.0)) == [1]
    assert found(dataset_id, ids, aspect=(1.0, 2.5)) == [0, 2]
    assert found(dataset_id, ids, size_bytes=(None, 3000)) == [0, 1]


def test_copies_are_found_while_both_are_in_use() -> None:
    dataset_id, ids = looks.items(
        {"content_hash": "a", "label": "cat"},
        {"content_hash": "a", "label": "dog"},
        {"content_hash": "b", "label": "cat"},
        {"content_hash": "b", "label": "cat"},
        {"content_hash": "c", "label": "cat"},
        {"content_hash": "c", "label": "cat", "status": "gone"},
    )

    exact = found(dataset_id, ids, copies="exact")
    across = found(dataset_id, ids, copies="across_classes")
    edits.apply(dataset_id, operation_id="1", kind="exclude", item_ids=[ids[1]])

    assert sorted(exact) == [0, 1, 2, 3]
    assert sorted(across) == [0, 1]
    assert found(dataset_id, ids, copies="across_classes") == []
    assert sorted(found(dataset_id, ids, copies="exact")) == [2, 3]


def test_orders_put_what_they_know_nothing_of_last() -> None:
    dataset_id, ids = looks.items(
        {"label": "b", "rank": 2, "width_px": 10, "height_px": 10, "size_bytes": 30},
        {"label": "b", "rank": 1, "width_px": 30, "height_px": 30, "size_bytes": 10},
        {"label": "a", "rank": None, "width_px": None, "height_px": None, "size_bytes": 40},
        {"label": "a", "rank": 9, "width_px": 20, "height_px": 20, "size_bytes": 20},
    )

    assert found(dataset_id, ids, order="rank") == [3, 2, 1, 0]
    assert found(dataset_id, ids, order="smallest") == [0, 3, 1, 2]
    assert found(dataset_id, ids, order="largest") == [1, 3, 0, 2]
    assert found(dataset_id, ids, order="file size") == [1, 3, 0, 2]


@pytest.mark.parametrize("ahead", [0, 8, 2000])
@pytest.mark.parametrize("order", ["label", "rank", "smallest", "largest", "file size"])
def test_pages_join_to_the_whole_list_from_either_end(
    order: Any, ahead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"label": "ab"[n % 2], "rank": n % 3 or None, "width_px": n % 4} for n in range(23)]
    dataset_id, _ = looks.items(*rows)
    wanted = ItemFilter(order=order)
    whole = catalog.list_items(dataset_id, filters=wanted).items
    monkeypatch.setattr(queries, "AHEAD", ahead)

    pages = [
        catalog.list_items(dataset_id, filters=wanted, offset=start, limit=5)
        for start in range(0, 30, 5)
    ]

    assert tuple(item for page in pages for item in page.items) == whole
    assert [len(page.items) for page in pages] == [5, 5, 5, 5, 3, 0]
    assert {page.total for page in pages} == {23}


def test_a_name_is_looked_for_in_names_alone() -> None:
    dataset_id, ids = looks.items(
        {"path": "cat/deep/dog.jpg"},
        {"path": "dog/cat.jpg"},
        {"path": "dogs.jpg"},
        {"path": "cat/100%_\\.jpg"},
    )

    assert sorted(found(dataset_id, ids, name_contains="DOG")) == [0, 2]
    assert found(dataset_id, ids, name_contains="cat") == [1]
    assert found(dataset_id, ids, name_contains="dog/") == []
    assert found(dataset_id, ids, name_contains="0%_\\") == [3]


def test_only_filters_and_no_order_leave_something_out() -> None:
    assert ItemFilter(order="smallest").lets_all_through
    assert not ItemFilter(is_grey=False).lets_all_through
    assert not ItemFilter(name_contains="a").lets_all_through


def test_an_item_with_several_labels_is_found_by_each_of_them() -> None:
    dataset_id, ids = looks.several("", "cat", "cat|dog", "CAT|catfish", "100%|a_b")

    assert found(dataset_id, ids, labels=("cat",)) == [1, 2]
    assert found(dataset_id, ids, labels=("dog", "CAT")) == [3, 2]
    assert found(dataset_id, ids, labels=("a_b",)) == [4]
    assert found(dataset_id, ids, labels=("axb",)) == []
    assert found(dataset_id, ids, labels=("100%",)) == [4]
    assert found(dataset_id, ids, labels=()) == []


def test_classes_and_counts_take_joined_labels_apart() -> None:
    dataset_id, ids = looks.several("", "cat", "cat|dog", "dog|fox")
    edits.apply(dataset_id, operation_id="1", kind="exclude", item_ids=[ids[3]])

    counted = catalog.counts(dataset_id).set_index("label")

    assert catalog.classes(dataset_id) == ("cat", "dog", "fox")
    assert counted["n_in_use"].to_dict() == {"cat": 2, "dog": 1, "fox": 0}
    assert counted["n_excluded"].to_dict() == {"cat": 0, "dog": 1, "fox": 1}
    assert catalog.totals(dataset_id).n_in_use == 3


def test_a_label_with_a_stroke_is_one_label_where_items_have_one() -> None:
    dataset_id, ids = looks.items({"label": "cat|dog"}, {"label": "cat"})

    assert catalog.classes(dataset_id) == ("cat", "cat|dog")
    assert found(dataset_id, ids, labels=("cat",)) == [1]


def test_a_page_reads_an_index_and_only_its_own_rows() -> None:
    dataset_id, _ = shelves.shelved(("cat", "dog") * 10)
    split = splits.make(dataset_id)
    seen: list[tuple[str, Any]] = []
    engine = database.engine()

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        seen.append((statement, values))

    sa.event.listen(engine, "before_cursor_execute", note)
    wanted = ItemFilter(parts=("valid",), name_contains="0", shorter_px=(1, 100), status="in_use")
    catalog.list_items(dataset_id, filters=wanted, split_id=split.id)
    sa.event.remove(engine, "before_cursor_execute", note)

    plans = [_plan(statement, values) for statement, values in seen if "items" in statement]
    assert len(plans) == 2
    assert "ix_items_gallery" in plans[0]
    assert all("SCAN items" not in plan for plan in plans)


def _plan(statement: str, values: Any) -> str:
    with database.reading() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    return " / ".join(row[3] for row in rows)


def test_the_name_of_a_file_is_its_path_without_folders() -> None:
    dataset_id, ids = looks.items({"path": "a/b/c d.jpg"}, {"path": "plain.jpg"})

    assert [catalog.get_item(item_id).name for item_id in ids] == ["c d.jpg", "plain.jpg"]
    assert found(dataset_id, ids, name_contains="c d") == [0]


def test_ranks_are_there_where_one_item_has_one() -> None:
    without, _ = looks.items({"rank": None})
    ranked, _ = looks.items({"rank": None}, {"rank": 3})

    assert (queries.has_ranks(without), queries.has_ranks(ranked)) == (False, True)
