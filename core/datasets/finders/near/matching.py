"""Whether one picture is another one again: cropped, mirrored, resized or compressed anew.

A copy is a part of its original at some scale, perhaps mirrored. Where that part lies is found in
small pictures first, then in larger ones by their details alone; what was found is believed if
details, outlines and colours agree there. Details tell photos of a kind taken in one place apart.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.datasets.finders.near import correlation, pictures
from core.datasets.finders.near.correlation import Grey, Place

COARSE_PX = 32
SCALES = tuple(1.06**-step for step in range(10))
"""Crops that keep down to 59 % of the longer side; a scale between two fits well enough."""
OUTLINE_PX = 8
PLAIN_LEVELS = 2.0
"""Pictures whose colours spread by less are grey: a grey copy of a coloured photo is a copy."""
Frame = NDArray[np.uint8]
_MIRROR = Image.Transpose.FLIP_LEFT_RIGHT


@dataclass(frozen=True, kw_only=True)
class Step:
    """One closer look: how large the whole is then, and which scales around the last are tried."""

    side_px: int
    factors: tuple[float, ...]
    least: float  # a correlation of the details below it ends the search


STEPS = (
    Step(side_px=64, factors=(0.955, 0.97, 0.985, 1, 1.015, 1.03, 1.045), least=0.5),
    Step(side_px=128, factors=(0.985, 0.99, 0.995, 1, 1.005, 1.01, 1.015), least=0.3),
)


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """Where a picture may be a part of another one."""

    part: str  # content hash
    whole: str
    mirrored: bool
    scale: float  # the longer side of the part in those of the whole
    correlation: float


@dataclass(frozen=True, kw_only=True)
class Match:
    """How alike a part and its place in the whole are, and which share of its sides it is."""

    part: str
    whole: str
    mirrored: bool
    kept_width: float
    kept_height: float
    details: float  # correlation of what is finer than 2 of 128 pixels
    outlines: float  # correlation of 8x8 versions
    colours: float  # mean difference of the two colour channels, of 255 levels


def frame(content_hash: str) -> Frame | None:
    """Give the small picture in which parts are looked for; None where it cannot be read."""
    loaded = pictures.small_grey(content_hash, at_least_px=COARSE_PX)
    if loaded is None:
        return None
    return correlation.scaled(loaded, COARSE_PX).astype(np.uint8)


def sightings(part: str, frames: Mapping[str, Frame]) -> Iterator[Sighting]:
    """Look for a picture in the frames of others, and give its best place in each."""
    loaded = pictures.small_grey(part, at_least_px=COARSE_PX)
    if loaded is None:
        return
    templates = [correlation.scaled(loaded, COARSE_PX * scale) for scale in SCALES]
    mirrored = [frame[:, ::-1] for frame in frames.values()]
    boards = [*frames.values(), *mirrored]
    places = correlation.best_places(templates, boards, side_px=COARSE_PX)
    for at, whole in enumerate(frames):
        found = _better(places[at], places[at + len(frames)])
        if found is not None:
            place, is_mirrored = found
            yield Sighting(
                part=part,
                whole=whole,
                mirrored=is_mirrored,
                scale=SCALES[place.template],
                correlation=place.correlation,
            )


def look_closer(found: Sighting) -> Match | None:
    """Compare a part with its place in the whole; None where their details differ."""
    part, whole = pictures.colour(found.part), pictures.colour(found.whole)
    if part is None or whole is None:
        return None
    whole = whole.transpose(_MIRROR) if found.mirrored else whole
    scale, at = found.scale, None
    for step in STEPS:
        scales = [min(1.0, scale * factor) for factor in step.factors]
        at = _place(part, whole, scales, step.side_px)
        if at is None or at.correlation < step.least:
            return None
        scale = scales[at.template]
    return None if at is None else _match(found, part, whole, scale, at)


def _better(plain: Place | None, mirrored: Place | None) -> tuple[Place, bool] | None:
    if mirrored is not None and (plain is None or mirrored.correlation > plain.correlation):
        return mirrored, True
    return None if plain is None else (plain, False)


def _place(
    part: Image.Image, whole: Image.Image, scales: Sequence[float], side_px: int
) -> Place | None:
    grey = part.getchannel("Y")
    templates = [correlation.scaled(grey, side_px * scale, only_detail=True) for scale in scales]
    board = correlation.scaled(whole.getchannel("Y"), side_px, only_detail=True)
    return correlation.best_places(templates, [board], side_px=side_px)[0]


def _match(
    found: Sighting, part: Image.Image, whole: Image.Image, scale: float, at: Place
) -> Match:
    """Measure what the last step has found."""
    longer = max(whole.size)
    width, height = (side * scale * longer / max(part.size) for side in part.size)
    left, top = (px * longer / STEPS[-1].side_px for px in (at.left, at.top))
    box = (left, top, min(left + width, whole.width), min(top + height, whole.height))
    size = (OUTLINE_PX, OUTLINE_PX)
    there = np.asarray(whole.resize(size, Image.Resampling.BOX, box=box), dtype=np.float32)
    here = np.asarray(part.resize(size, Image.Resampling.BOX), dtype=np.float32)
    return Match(
        part=found.part,
        whole=found.whole,
        mirrored=found.mirrored,
        kept_width=min(1.0, width / whole.width),
        kept_height=min(1.0, height / whole.height),
        details=at.correlation,
        outlines=_alike(here[..., 0], there[..., 0]),
        colours=_differ(here[..., 1:], there[..., 1:]),
    )


def _alike(one: Grey, other: Grey) -> float:
    one, other = one - one.mean(), other - other.mean()
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float((one * other).sum()) / lengths if lengths >= 1 else 0.0


def _differ(one: Grey, other: Grey) -> float:
    if min(float(one.std()), float(other.std())) < PLAIN_LEVELS:
        return 0.0
    return float(np.abs(one - other).mean())
