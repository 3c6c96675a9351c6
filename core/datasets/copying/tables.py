"""The items of a dataset as a table to take along: labels, parts, decisions and findings."""

from collections import defaultdict
from pathlib import Path
from typing import Literal

import pandas as pd
import sqlalchemy as sa

from core.datasets import findings, splits
from core.datasets.catalog.queries import with_parts
from core.store import database, files, schema

Format = Literal["csv", "parquet"]
NAMES: dict[Format, str] = {"csv": "items.csv", "parquet": "items.parquet"}

OF_ITEM = (
    "path",
    "label",
    "recorded_label",
    "decision",
    "excluded",
    "status",
    "reason",
    "rank",
    "size_bytes",
    "width_px",
    "height_px",
    "format",
    "content_hash",
)
COLUMNS = (
    "item_id",
    "path",
    "label",
    "recorded_label",
    "part",
    *OF_ITEM[3:],
    "findings",
    "score",
    "reasons",
)


def items(dataset_id: str) -> pd.DataFrame:
    """List every present item by path, a row each, with the columns COLUMNS.

    `part` is that of the master split. `findings` are the kinds, the highest score first,
    `score` is the highest, `reasons` are the sentences. Several labels of an item are joined
    by `|`.
    """
    table = schema.items
    master = splits.get_master(dataset_id)
    columns = [table.c.id.label("item_id"), *(table.c[name] for name in OF_ITEM)]
    query = (
        sa.select(*columns, schema.assignments.c.part)
        .select_from(with_parts(master.id if master else None))
        .where(table.c.dataset_id == dataset_id, table.c.status != "gone")
        .order_by(table.c.path)
    )
    with database.reading() as connection:
        rows = connection.execute(query).all()
    frame = pd.DataFrame(rows, columns=[*(column.name for column in columns), "part"])
    return _with_findings(frame)[list(COLUMNS)]


def save(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV or Parquet, by the path's ending, whole or not at all."""
    if path.suffix == ".parquet":
        files.write_with(path, lambda part: frame.to_parquet(part, index=False))
    else:
        files.write_with(path, lambda part: frame.to_csv(part, index=False))


def _with_findings(frame: pd.DataFrame) -> pd.DataFrame:
    found = findings.of_items(frame["item_id"].tolist())
    of_item: dict[str, list[str | float | None]] = defaultdict(list)
    for item_id in frame["item_id"]:
        mine = found.get(item_id, [])
        kinds = dict.fromkeys(one.kind for one in mine)
        of_item["findings"].append(", ".join(kinds) if mine else None)
        of_item["score"].append(mine[0].score if mine else None)
        of_item["reasons"].append(" ".join(one.reason for one in mine) if mine else None)
    return frame.assign(**{name: of_item[name] for name in ("findings", "score", "reasons")})
