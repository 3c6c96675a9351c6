"""A dataset and its items, as the rest of Winnow sees them."""

from dataclasses import dataclass
from typing import Literal

from core.domain.values import Frozen

Part = Literal["train", "valid", "test"]
PARTS: tuple[Part, ...] = ("train", "valid", "test")

ItemStatus = Literal["ok", "broken", "gone"]


class Labeller(Frozen):
    """How labels are read: from the parent folder."""

    kind: Literal["folder"] = "folder"


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A registered folder of images, one sub-folder a class."""

    id: str
    name: str
    root: str
    labeller: Labeller
    source: Literal["folder", "sample"]
    revision: int
    created_at: float
    scanned_at: float | None
    ignored: dict[str, int]  # reason -> number of directory entries that are not images


@dataclass(frozen=True, kw_only=True)
class Item:
    """One image file of one dataset with its current label; sizes are of the upright picture."""

    id: int
    dataset_id: str
    path: str  # relative to the dataset's root, with forward slashes
    label: str
    recorded_label: str  # what the labeller read from disk
    excluded: bool
    status: ItemStatus
    reason: str | None  # why it is broken, in words
    part: Part | None  # its part in the split that was asked for; None where it has none
    size_bytes: int
    width_px: int | None
    height_px: int | None
    format: str | None
    content_hash: str | None
    group_id: (
        int | None
    )  # smallest id among equal and nearly equal images; None when it stands alone

    @property
    def in_use(self) -> bool:
        """Say whether a run may use it: readable, present and not excluded."""
        return self.status == "ok" and not self.excluded

    @property
    def name(self) -> str:
        """Give the file's name without its folders."""
        return self.path.rsplit("/", 1)[-1]
