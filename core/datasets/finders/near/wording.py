"""What is said of a copy: what was done to it, and which picture to keep."""

import math
from typing import Any

from core.datasets.finders.near.matching import Match

WHOLE = 0.95
"""Of the area; a crop keeps less of it."""
STEP_PERCENT = 5
"""Shares are told no finer than they are measured."""
SAME_SIZE = 0.9
LIGHTER_BYTES = 0.8


def reason(copy: Any, kept: Any, match: Match) -> str:
    """Say in a sentence or two why an item need not be kept; both are rows of the items."""
    said = [f"The same picture as {kept.path}{_but(changes(copy, kept, match))}: keep that one."]
    if copy.part == "train" and _is_held_out(kept.part):
        said.append(
            f"That one is in {kept.part} and this one in train: a model has seen it before it "
            "is scored on it."
        )
    elif copy.part != kept.part and _is_held_out(copy.part):
        said.append(f"That one is in {kept.part} and this one in {copy.part}.")
    if copy.label != kept.label:
        said.append(
            f"That one is labelled {kept.label} and this one {copy.label}: one of them is wrong."
        )
    return " ".join(said)


def changes(copy: Any, kept: Any, match: Match) -> list[str]:
    """List what was done to make the copy, as far as it can be told."""
    area = match.kept_width * match.kept_height
    is_part = match.part == copy.content_hash
    found = ["mirrored"] if match.mirrored else []
    if area < WHOLE:
        crop = f"a crop of about {STEP_PERCENT * round(100 * area / STEP_PERCENT)} % of it"
        found.append(crop if is_part else "with more around it")
    part, whole = (copy, kept) if is_part else (kept, copy)
    enlarged = math.sqrt(_area(part) / (_area(whole) * area))
    found += _sized(enlarged if is_part else 1 / enlarged, copy, kept)
    if not found and copy.size_bytes < LIGHTER_BYTES * kept.size_bytes:
        found.append("compressed more strongly")
    return found


def _sized(enlarged: float, copy: Any, kept: Any) -> list[str]:
    """Say whether what both show has fewer or more pixels in the copy."""
    sizes = f"{copy.width_px}×{copy.height_px} px, that one {kept.width_px}×{kept.height_px}"
    if enlarged < SAME_SIZE:
        return [f"smaller ({sizes})"]
    return [f"enlarged ({sizes})"] if enlarged > 1 / SAME_SIZE else []


def _but(found: list[str]) -> str:
    if not found:
        return ", with hardly a difference"
    *first, last = found
    return f", but {', '.join(first)} and {last}" if first else f", but {last}"


def _area(row: Any) -> int:
    return int(row.width_px) * int(row.height_px)


def _is_held_out(part: str | None) -> bool:
    return part in ("valid", "test")
