"""Images of an older revision whose files are not as they were then: replaced, or gone for good.

A dataset keeps no copies. What edits exclude lies where it was, or in the trash of an application;
a file that somebody replaced or deleted is no longer what that revision had, and a run that reads
it would train on other bytes than it says.
"""

from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from core.datasets import applying, catalog
from core.datasets.rebuild import AT_ONCE
from core.domain.errors import RecipeError
from core.store import database, schema

MOST_NAMED = 3


def find(dataset_id: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Give the rows whose files are not theirs any more, as the last scan has seen them.

    `frame` has item_id and content_hash as they were at a revision. A file in a trash is there.
    """
    held = frame[["item_id", "content_hash"]].merge(_now(dataset_id), on="item_id", how="left")
    is_lost = held["content_hash"] != held["hash_now"]
    gone = held[(held["status"] == "gone") & ~is_lost]
    places = applying.current(dataset_id, gone["item_id"].tolist())
    root = Path(catalog.get(dataset_id).root)
    for at, item_id, last in zip(gone.index, gone["item_id"], gone["path"], strict=True):
        # what lies at the path of an item that is gone is something that no scan has read yet
        is_lost[at] = places[item_id] == last or not (root / places[item_id]).is_file()
    return frame[is_lost.to_numpy()]


def check(dataset_id: str, frame: pd.DataFrame, *, revision: int) -> None:
    """Raise RecipeError where rows of `items_at` cannot be read as they were at the revision."""
    paths = find(dataset_id, frame)["path"].tolist()
    if not paths:
        return
    more = f" and {len(paths) - MOST_NAMED:,} more" if len(paths) > MOST_NAMED else ""
    were = "1 image was" if len(paths) == 1 else f"{len(paths):,} images were"
    raise RecipeError(
        f"{were} replaced or deleted after revision {revision}, which therefore cannot be trained "
        f"any more: {', '.join(paths[:MOST_NAMED])}{more}.",
        hint="Choose a later revision, one that came after that, or put the files back as they "
        "were and scan.",
    )


def _now(dataset_id: str) -> pd.DataFrame:
    """List what the last scan knows of all items: item_id, path, status, hash_now."""
    table = schema.items
    columns = (table.c.id, table.c.path, table.c.status, table.c.content_hash)
    query = sa.select(*columns).where(table.c.dataset_id == dataset_id)
    with database.reading() as connection:
        found = connection.execute(query).partitions(AT_ONCE)
        rows = [tuple(row) for some in found for row in some]
    return pd.DataFrame(rows, columns=["item_id", "path", "status", "hash_now"])
