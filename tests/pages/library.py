"""Datasets of real, small image files, as a scan leaves them."""

from pathlib import Path

import sqlalchemy as sa
from PIL import Image

from core.datasets import catalog, comparison, decoding, folders, labelling
from core.datasets.changes import Found
from core.domain.items import Dataset
from core.store import clock, database, schema


def write_images(root: Path, classes: dict[str, int]) -> Path:
    """Write images of different colours, so many a class."""
    for index, (label, number) in enumerate(sorted(classes.items())):
        folder = root / label
        folder.mkdir(parents=True)
        for n in range(number):
            colour = (40 + 12 * n % 200, 60 * index % 256, 200 - 9 * n % 200)
            Image.new("RGB", (96, 64 + n), colour).save(folder / f"{n:03d}.png")
    return root


def listed(dataset: Dataset) -> list[Found]:
    """List the files of a dataset as a scan finds them."""
    labels = labelling.reader(dataset.labeller, dataset.root)
    listing = folders.walk(dataset.root)
    return list(comparison.compare(dataset.id, listing, labels).to_read)


def open_scanned(root: Path) -> Dataset:
    """Register a folder and put into the store what a scan finds in it, without a process."""
    dataset = catalog.open_folder(str(root))
    found = listed(dataset)
    readings = [decoding.read_one(Path(dataset.root) / one.path) for one in found]
    rows = [
        {
            "dataset_id": dataset.id,
            "path": one.path,
            "recorded_label": one.label,
            "label": one.label,
            "status": "broken" if reading.reason else "ok",
            "reason": reading.reason,
            "size_bytes": one.size_bytes,
            "mtime_ns": one.mtime_ns,
            "width_px": reading.width_px,
            "height_px": reading.height_px,
            "format": reading.format,
            "mode": reading.mode,
            "is_grey": reading.is_grey,
            "is_misnamed": reading.is_misnamed,
            "content_hash": reading.content_hash,
        }
        for one, reading in zip(found, readings, strict=True)
    ]
    first = {"revision": 1, "kind": "scan", "note": "first scan", "created_at": clock.now()}
    mine = sa.update(schema.datasets).where(schema.datasets.c.id == dataset.id)
    with database.writing() as connection:
        connection.execute(sa.insert(schema.items), rows)
        connection.execute(sa.insert(schema.revisions).values(dataset_id=dataset.id, **first))
        connection.execute(mine.values(revision=1, scanned_at=clock.now()))
    return catalog.get(dataset.id)
