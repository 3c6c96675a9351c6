"""A clean copy of a dataset to take along, and its items as a table."""

from core.datasets.copying.places import checked_target
from core.datasets.copying.tables import NAMES, Format
from core.datasets.copying.tables import items as table_of_items
from core.datasets.copying.tables import save as save_table
from core.datasets.copying.writing import LABELS, Wish, run

__all__ = [
    "LABELS",
    "NAMES",
    "Format",
    "Wish",
    "checked_target",
    "run",
    "save_table",
    "table_of_items",
]
