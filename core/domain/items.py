"""A dataset and its items, as the rest of Winnow sees them."""

from dataclasses import dataclass
from typing import Literal

from core.domain import labellers
from core.domain.edits import EditKind
from core.domain.labellers import Labeller

Part = Literal["train", "valid", "test"]
PARTS: tuple[Part, ...] = ("train", "valid", "test")

ItemStatus = Literal["ok", "broken", "gone"]


Source = Literal["folder", "sample", "archive", "urls", "public"]
"""How a dataset's folder came to be: a person's own, or made by Winnow below its home."""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A registered folder of images, and how their labels are read."""

    id: str
    name: str
    root: str
    labeller: Labeller
    source: Source
    origin: str | None  # where it was brought from: an archive, a list, a public dataset
    revision: int
    created_at: float
    scanned_at: float | None
    ignored: dict[str, int]  # reason -> number of directory entries that are no items

    @property
    def is_multi_label(self) -> bool:
        """Say whether an item may have several labels, or none."""
        return labellers.is_multi_label(self.labeller)


@dataclass(frozen=True, kw_only=True)
class Item:
    """One image file of one dataset with its current label; sizes are of the upright picture."""

    id: int
    dataset_id: str
    path: str  # relative to the dataset's root, with forward slashes
    label: str  # of a multi-label dataset: all its labels, joined (`labellers.split`)
    recorded_label: str  # what the labeller read from disk
    recorded_part: Part | None  # likewise, where the labeller gives parts
    excluded: bool
    status: ItemStatus
    reason: str | None  # why it is broken, in words
    part: Part | None  # its part in the split that was asked for; None where it has none
    size_bytes: int
    width_px: int | None
    height_px: int | None
    format: str | None
    mode: str | None  # as the file has it: RGB, L (grey), P (palette), CMYK, I;16, …
    is_grey: bool | None  # by its pixels, whatever its mode
    is_misnamed: bool | None  # its name ends like another format than its content has
    rank: int | None  # its position in the search results it came from, from 1
    content_hash: str | None
    decision: EditKind | None  # the kind of the last edit in force; None: nobody has decided
    group_id: int | None  # smallest id among equal and nearly equal images; None: it is alone

    @property
    def in_use(self) -> bool:
        """Say whether a run may use it: readable, present and not excluded."""
        return self.status == "ok" and not self.excluded

    @property
    def name(self) -> str:
        """Give the file's name without its folders."""
        return self.path.rsplit("/", 1)[-1]
