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
    checked_root,
    find_by_root,
    get,
    list_datasets,
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
    "checked_root",
    "classes",
    "counts",
    "find_by_root",
    "fingerprint",
    "get",
    "get_item",
    "get_items",
    "items_at",
    "list_datasets",
    "list_items",
    "move",
    "open_folder",
    "register",
    "remove",
    "rename",
    "totals",
]
