"""Images of the audit in the gallery that all pages share, the suggested class offered first."""

import pandas as pd

from core.datasets import catalog
from core.domain.items import Dataset
from pages.parts import gallery


def show(dataset: Dataset, table: pd.DataFrame, *, key: str) -> None:
    """Show items to decide about, in the order of a table: item_id, and pred where it has one."""
    preds = table["pred"] if "pred" in table else pd.Series(None, index=table.index, dtype=object)
    suggested = dict(zip(table["item_id"], preds, strict=True))
    items = catalog.get_items([int(item_id) for item_id in table["item_id"]], split_id=None)
    tiles = [
        gallery.tile(item, suggestion=_suggestion(suggested[item.id], item.label))
        for item in items.values()
    ]
    gallery.show(
        dataset.id,
        tiles,
        key=f"audit-{key}",
        classes=catalog.classes(dataset.id),
        multi=dataset.is_multi_label,
    )


def _suggestion(pred: object, label: str) -> str | None:
    return pred if isinstance(pred, str) and pred != label else None
