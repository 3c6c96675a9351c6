"""How long the server takes for one page of the gallery, with its total, at 100,000 images.

    python -m benchmarks.gallery [--items 100000] [--classes 500] [--runs 15]

Rows are inserted into a home folder of its own, in no order, so no file is read; thumbnails are
not part of it. Every filter is timed on its first, its middle and its last page, in a process
that has asked for each once before: milliseconds on the wall. What pages show beside it (classes,
counts, statistics) and what runs read (`items_at`) come last.
"""

import argparse
import functools
import gc
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from core.datasets import catalog
from core.datasets.catalog import ItemFilter
from core.datasets.catalog import statistics as described
from core.store import clock, database, schema

PAGE_SIZE = 200
TIMES: list[float] = []  # of all pages, in milliseconds
WORK: list[float] = []  # the processor's time in them
SIZES = ((4000, 3000), (1600, 1200), (1024, 768), (800, 800), (640, 480), (300, 168), (48, 48))
CLASS = "class 007 of many"
FILTERS = {
    "none": ItemFilter(),
    "one class": ItemFilter(labels=(CLASS,)),
    "part valid": ItemFilter(parts=("valid",)),
    "part train": ItemFilter(parts=("train",)),
    "in use": ItemFilter(status="in_use"),
    "excluded": ItemFilter(status="excluded"),
    "relabelled": ItemFilter(status="relabelled"),
    "broken": ItemFilter(status="broken"),
    "name, few": ItemFilter(name_contains="abc"),
    "name, most": ItemFilter(name_contains="jpg"),
    "name, only in folders": ItemFilter(name_contains="class"),
    "format": ItemFilter(formats=("PNG",)),
    "grey": ItemFilter(is_grey=True),
    "misnamed": ItemFilter(is_misnamed=True),
    "shorter side": ItemFilter(shorter_px=(128, 900)),
    "aspect": ItemFilter(aspect=(1.25, 1.43)),
    "file size": ItemFilter(size_bytes=(50_000, None)),
    "exact copies": ItemFilter(copies="exact"),
    "copies across classes": ItemFilter(copies="across_classes"),
    "by rank": ItemFilter(order="rank"),
    "smallest first": ItemFilter(order="smallest"),
    "largest first": ItemFilter(order="largest"),
    "by file size": ItemFilter(order="file size"),
    "in use, train, side, name": ItemFilter(
        status="in_use", parts=("train",), shorter_px=(128, None), name_contains="a"
    ),
}
SEVERAL = {
    "multi-label: none": ItemFilter(),
    "multi-label: one class": ItemFilter(labels=(CLASS,)),
    "multi-label: five classes": ItemFilter(
        labels=tuple(f"class {n:03d} of many" for n in range(5))
    ),
    "multi-label: one class, valid": ItemFilter(labels=(CLASS,), parts=("valid",)),
}
FORMATS = (("JPEG", "jpg"),) * 8 + (("PNG", "png"), ("WEBP", "jpg"))


def insert(dataset_id: str, *, n_items: int, n_classes: int, multi: bool = False) -> str:
    """Insert a dataset with a master split, always the same; gives the split's id."""
    draw = random.Random(7)
    names = [f"class {number:03d} of many" for number in range(n_classes)]
    rows = [_item(dataset_id, at, names, draw, multi=multi) for at in range(n_items)]
    now = clock.now()
    labeller = {"kind": "table", "table": "a.csv", "file_column": "1", "label_column": "2"}
    dataset = {
        "id": dataset_id,
        "name": dataset_id,
        "root": f"/nowhere/{dataset_id}",
        "labeller": {**labeller, "separator": " "} if multi else {"kind": "folder"},
        "source": "folder",
        "revision": 1,
        "created_at": now,
        "scanned_at": now,
        "ignored": {},
    }
    split_id = f"split-{dataset_id}"
    split = {"id": split_id, "dataset_id": dataset_id, "name": "Master split", "is_master": True}
    split |= {"seed": 42, "valid_fraction": 0.2, "created_at": now}
    first = {"dataset_id": dataset_id, "revision": 1, "kind": "scan", "created_at": now}
    with database.writing() as connection:
        connection.execute(sa.insert(schema.datasets).values(**dataset))
        connection.execute(sa.insert(schema.revisions).values(**first))
        connection.execute(sa.insert(schema.splits).values(**split))
        connection.execute(sa.insert(schema.items), rows)
        mine = sa.select(schema.items.c.id, schema.items.c.path)
        mine = mine.where(schema.items.c.dataset_id == dataset_id)
        ids = list(connection.execute(mine.order_by(schema.items.c.path)).scalars())
        parts = ("valid" if draw.random() < 0.2 else "train" for _ in ids)
        assigned = [
            {"split_id": split_id, "item_id": item_id, "part": part}
            for item_id, part in zip(ids, parts, strict=True)
        ]
        connection.execute(sa.insert(schema.assignments), assigned)
        added = {"dataset_id": dataset_id, "revision": 1, "kind": "added", "before": sa.null()}
        log = [{**added, "item_id": item_id} for item_id in ids]
        connection.execute(sa.insert(schema.scan_changes), log)
    return split_id


def _item(
    dataset_id: str, at: int, names: list[str], draw: random.Random, *, multi: bool
) -> dict[str, object]:
    folder = draw.choice(names)
    label = "|".join(sorted(draw.sample(names, draw.randint(0, 4)))) if multi else folder
    width, height = draw.choice(SIZES)
    kind, ending = draw.choice(FORMATS)
    is_broken = draw.random() < 0.01
    return {
        "dataset_id": dataset_id,
        "path": f"{folder}/{draw.getrandbits(40):010x}_photo.{ending}",
        "recorded_label": label,
        "label": draw.choice(names) if draw.random() < 0.01 and not multi else label,
        "excluded": draw.random() < 0.02,
        "status": "broken" if is_broken else "ok",
        "reason": "ends too early" if is_broken else None,
        "size_bytes": draw.randint(2_000, 900_000),
        "mtime_ns": at,
        "width_px": None if is_broken else width + draw.randint(0, 9),
        "height_px": None if is_broken else height,
        "format": None if is_broken else kind,
        "mode": None if is_broken else draw.choice(("RGB",) * 9 + ("L",)),
        "is_grey": None if is_broken else draw.random() < 0.1,
        "is_misnamed": None if is_broken else kind == "WEBP",
        "rank": at % 200 + 1,
        "content_hash": f"{at - 1 if draw.random() < 0.01 else at:032x}",
        "perceptual_hash": at,
        "group_id": None,
    }


def time_pages(dataset_id: str, split_id: str, filters: ItemFilter, *, n_runs: int) -> list[str]:
    """Time the first, the middle and the last page of a filter; gives the rows of a table."""

    def ask(offset: int) -> int:
        page = catalog.list_items(
            dataset_id, filters=filters, split_id=split_id, offset=offset, limit=PAGE_SIZE
        )
        return page.total

    n_items = ask(0)
    last = max(0, n_items - 1) // PAGE_SIZE * PAGE_SIZE
    middle = last // 2 // PAGE_SIZE * PAGE_SIZE
    rows = []
    for name, offset in {"first": 0, "middle": middle, "last": last}.items():
        numbers = measure(functools.partial(ask, offset), n_runs=n_runs)
        rows.append(f"{name} | {n_items:,} | {numbers}")
    return rows


def measure(act: Callable[[], object], *, n_runs: int) -> str:
    """Time a call after one that is not counted: median, 95th percentile, processor's median.

    All in ms; the processor's time is what others on the machine disturb less.
    """
    act()
    found, worked = [], []
    for _ in range(n_runs):
        began, began_work = time.perf_counter(), time.process_time()
        act()
        found.append(1000 * (time.perf_counter() - began))
        worked.append(1000 * (time.process_time() - began_work))
    TIMES.extend(found)
    WORK.extend(worked)
    numbers = (statistics.median(found), percentile(found), statistics.median(worked))
    return " | ".join(f"{number:.0f}" for number in numbers) + f" | {n_runs}"


def percentile(found: list[float]) -> float:
    """Give the 95th percentile."""
    return statistics.quantiles(found, n=20)[-1]


def main() -> None:
    """Print a table of all filters and pages, then one of what stands beside them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--classes", type=int, default=500)
    parser.add_argument("--runs", type=int, default=15)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WINNOW_HOME"] = folder
        many = insert("many", n_items=arguments.items, n_classes=arguments.classes)
        several = insert("several", n_items=arguments.items, n_classes=100, multi=True)
        print("| filter | page | images | median ms | p95 ms | CPU ms | n |")
        print("| --- " * 7 + "|")
        gc.collect()
        gc.freeze()  # as the server does
        for dataset_id, split_id, filters in (
            ("many", many, FILTERS),
            ("several", several, SEVERAL),
        ):
            for name, one in filters.items():
                for row in time_pages(dataset_id, split_id, one, n_runs=arguments.runs):
                    print(f"| {name} | {row} |")
        median, most = statistics.median(TIMES), percentile(TIMES)
        print(f"\nall pages: median {median:.0f} ms, p95 {most:.0f} ms, n={len(TIMES)};")
        print(f"p95 of the processor's time {percentile(WORK):.0f} ms")
        print("\n| beside it | median ms | p95 ms | CPU ms | n |\n" + "| --- " * 5 + "|")
        for name, act in _beside(many).items():
            print(f"| {name} | {measure(act, n_runs=5)} |")
        size = Path(folder, "winnow.db").stat().st_size / 1e6
        print(f"\ndatabase with {2 * arguments.items:,} images: {size:.0f} MB")


def _beside(split_id: str) -> dict[str, Callable[[], object]]:
    return {
        "classes": lambda: catalog.classes("many"),
        "classes, multi-label": lambda: catalog.classes("several"),
        "counts": lambda: catalog.counts("many", split_id=split_id),
        "totals": lambda: catalog.totals("many"),
        "statistics": lambda: described.describe("many"),
        "items_at": lambda: catalog.items_at("many", revision=1, split_id=split_id),
    }


if __name__ == "__main__":
    main()
