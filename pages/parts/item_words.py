"""What is known of one image, in words."""

from core.domain import labellers
from core.domain.items import Item

MODES = {
    "1": "black and white",
    "L": "grey",
    "LA": "grey with transparency",
    "P": "palette",
    "PA": "palette with transparency",
    "RGBA": "RGB with transparency",
    "F": "32 bit grey",
    "I": "16 or 32 bit grey",
}


def label(name: str, *, multi: bool) -> str:
    """Write an item's label: with `multi` all labels that it names, or that there is none."""
    return ", ".join(labellers.split(name, multi=multi)) or "no label"


def problem(item: Item) -> str | None:
    """Say in a whole sentence why an item cannot be used; None: its file is there and sound."""
    if item.status == "gone":
        return f"{item.name} is gone since the last scan."
    if item.status == "broken":
        return f"{item.name} {item.reason or 'cannot be read'}."
    return None


def mode(name: str) -> str:
    """Write how a file stores its colours: `CMYK`, `palette`, `16 bit grey`."""
    return "16 bit grey" if name.startswith("I;16") else MODES.get(name, name)


def size(item: Item) -> str:
    """Write an image's size: `400 × 533 px`."""
    return f"{item.width_px} × {item.height_px} px" if item.width_px else "unknown"
