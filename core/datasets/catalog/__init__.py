"""What is known of datasets and items: registering, paged queries, tables, older revisions."""

from core.datasets.catalog.queries import (
    ItemFilter,
    ItemPage,
    broken,
    classes,
    get_item,
    get_items,
    list_items,
)
from core.datasets.catalog.registry import (
    find_by_root,
    get,
    list_datasets,
    open_folder,
    register,
    rename,
)
from core.datasets.catalog.tables import counts, fingerprint, items_at, sizes

__all__ = [
    "ItemFilter",
    "ItemPage",
    "broken",
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
    "open_folder",
    "register",
    "rename",
    "sizes",
]
