"""Which part every item belongs to: assigned once, by groups, and never moved afterwards."""

from core.datasets.splits.drawing import Member, parts_of_all, parts_of_new
from core.datasets.splits.registry import (
    SEED,
    VALID_FRACTION,
    Split,
    assign_new,
    assign_rest,
    count_torn_groups,
    counts,
    get,
    get_master,
    list_splits,
    make,
    make_master,
)

__all__ = [
    "SEED",
    "VALID_FRACTION",
    "Member",
    "Split",
    "assign_new",
    "assign_rest",
    "count_torn_groups",
    "counts",
    "get",
    "get_master",
    "list_splits",
    "make",
    "make_master",
    "parts_of_all",
    "parts_of_new",
]
