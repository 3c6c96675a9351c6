"""What is known of datasets and items: registering, paged queries, tables, older revisions."""

from core.datasets.catalog.filters import Copies, ItemFilter, Order, Range, Status
from core.datasets.catalog.queries import (
    ItemPage,
    classes,
    get_item,
    get_items,
    list_items,
)
from core.datasets.catalog.registry import (
    MAX_NAME,
    bring_back,
    checked_root,
    get,
    list_datasets,
    list_of_root,
    list_removed,
    move,
    open_folder,
    register,
    remove,
    rename,
)
from core.datasets.catalog.tables import counts, fingerprint, items_at
from core.datasets.catalog.totals import Totals, totals

__all__ = [
    "MAX_NAME",
    "Copies",
    "ItemFilter",
    "ItemPage",
    "Order",
    "Range",
    "Status",
    "Totals",
    "bring_back",
    "checked_root",
    "classes",
    "counts",
    "fingerprint",
    "get",
    "get_item",
    "get_items",
    "items_at",
    "list_datasets",
    "list_items",
    "list_of_root",
    "list_removed",
    "move",
    "open_folder",
    "register",
    "remove",
    "rename",
    "totals",
]
