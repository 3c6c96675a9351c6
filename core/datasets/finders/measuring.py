"""The items in use with the measures of their pictures, which are made once for a content."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import sqlalchemy as sa

from core.datasets import catalog, decoding, images, thumbnails
from core.datasets.finders import measures
from core.domain.errors import UnreadableImageError
from core.store import database, files, frames, schema

ITEM_COLUMNS = ["item_id", "path", "label", "content_hash", "width_px", "height_px"]
NAMES = measures.NAMES
REPORT_EVERY = 64


class Job(Protocol):
    """What a finder needs of the task it works for."""

    def report(self, **columns: Any) -> None:
        """Set progress columns."""

    def should_stop(self) -> bool:
        """Say whether a person asked for an end."""


def items(dataset_id: str, job: Job) -> pd.DataFrame | None:
    """List the items in use: item_id, path, label, content_hash, width_px, height_px, measures.

    Pictures that cannot be read any more have NaN; None: it was stopped, and what was measured
    until then is kept.
    """
    found = _in_use(dataset_id)
    known = _known()
    fresh = found[~found["content_hash"].isin(known.index)].drop_duplicates("content_hash")
    if len(fresh):
        measured = pd.DataFrame(_measure(dataset_id, fresh, job), columns=["content_hash", *NAMES])
        known = _keep(measured.set_index("content_hash"))
        if len(measured) < len(fresh):
            return None
    return found.join(known, on="content_hash")


def _in_use(dataset_id: str) -> pd.DataFrame:
    table = schema.items
    columns = (table.c.id, *(table.c[name] for name in ITEM_COLUMNS[1:]))
    query = sa.select(*columns).where(
        table.c.dataset_id == dataset_id,
        table.c.status == "ok",
        ~table.c.excluded,
        table.c.content_hash.is_not(None),
    )
    with database.reading() as connection:
        rows = connection.execute(query.order_by(table.c.path)).all()
    return pd.DataFrame(rows, columns=ITEM_COLUMNS)


def _known() -> pd.DataFrame:
    """Load what was measured by this version, by content."""
    path = files.looks()
    if not path.exists():
        return pd.DataFrame(columns=[*NAMES], index=pd.Index([], name="content_hash"), dtype=float)
    table = frames.load(path)
    return table[table["version"] == measures.VERSION].set_index("content_hash")[[*NAMES]]


def _keep(measured: pd.DataFrame) -> pd.DataFrame:
    """Add to what is known; of two audits at one time the later keeps only its own."""
    known = pd.concat([_known(), measured])
    known = known[~known.index.duplicated(keep="last")].astype(np.float32)
    frames.save(files.looks(), known.reset_index().assign(version=measures.VERSION))
    return known


def _measure(dataset_id: str, fresh: pd.DataFrame, job: Job) -> Iterator[tuple[object, ...]]:
    """Measure pictures until all are measured, or a person asks for an end."""
    total, began = len(fresh), time.monotonic()
    job.report(message="Measuring pictures", progress_done=0, progress_total=total)
    if not _make_missing(dataset_id, fresh, job):
        return
    for done, content_hash in enumerate(fresh["content_hash"]):
        if done % REPORT_EVERY == 0:
            if job.should_stop():
                return
            seconds = (time.monotonic() - began) / max(1, done)
            left = (total - done) * seconds if done else None
            job.report(progress_done=done, progress_total=total, remaining_seconds=left)
        yield (content_hash, *_of(content_hash))
    job.report(progress_done=total, progress_total=total, remaining_seconds=0.0)


def _make_missing(dataset_id: str, fresh: pd.DataFrame, job: Job) -> bool:
    """Have children make the thumbnails that are not there; false when it was stopped."""
    root = catalog.get(dataset_id).root
    missing = [
        f"{root}/{row.path}" for row in fresh.itertuples() if not thumbnails.find(row.content_hash)
    ]
    if not missing:
        return True
    with decoding.Pool(n_children=min(2, len(missing))) as pool:
        for done, _reading in enumerate(pool.read_all(missing)):  # leaves thumbnails behind
            job.report(message="Reading files", progress_done=done, progress_total=len(missing))
            if job.should_stop():
                return False
    job.report(message="Measuring pictures", progress_done=0, progress_total=len(fresh))
    return True


def _of(content_hash: str) -> tuple[float, ...]:
    """Measure the thumbnail of a content; NaN where its file went or changed since the scan."""
    unknown = (float("nan"),) * len(NAMES)
    path = thumbnails.find(content_hash)
    if path is None:
        return unknown
    try:
        small = images.load(Path(path))  # a JPEG that Winnow wrote itself
    except UnreadableImageError:
        return unknown  # as after a crash of the machine: the next scan of its folder remakes it
    found = measures.measure(small)
    return tuple(getattr(found, name) for name in NAMES)
