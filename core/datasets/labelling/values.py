"""Single values of labels and parts, checked."""

import unicodedata
from typing import NamedTuple

from core.domain.items import Part

MAX_LABEL = 200
PART_NAMES: dict[str, Part] = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "val": "valid",
    "validation": "valid",
    "test": "test",
    "testing": "test",
}
"""The names of parts, in lower case, of folders and of cells."""

IS_VALID: dict[str, Part] = {"true": "valid", "1": "valid", "false": "train", "0": "train"}
"""What a column `is_valid` holds, as fastai's `ColSplitter` reads it."""


class Label(NamedTuple):
    """The label of a file, and the part that it was given, if any."""

    label: str
    part: Part | None = None


def checked(cell: str) -> tuple[str, str | None]:
    """Give a label without outer blanks, and what is wrong with it, if anything."""
    label = cell.strip()
    if not label:
        return "", "has no label"
    if len(label) > MAX_LABEL:
        return "", f"has a label of more than {MAX_LABEL} characters"
    if any(unicodedata.category(one) in ("Cc", "Cs") for one in label):
        return "", "has a label with unprintable characters"
    return label, None


def part_of(cell: str) -> tuple[Part | None, str | None]:
    """Read a part, as a name or as fastai's `is_valid`; an empty cell gives none."""
    name = cell.strip().lower()
    if not name:
        return None, None
    part = PART_NAMES.get(name) or IS_VALID.get(name)
    if part is None:
        return None, f"has {cell.strip()[:40]!r} as its part, not train, valid or test"
    return part, None
