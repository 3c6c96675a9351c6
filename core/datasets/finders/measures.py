"""What a small picture measures: brightness, sharpness, detail, and how much it is drawn.

Everything is measured on the stored thumbnail of 256 px, whose blur hides the compression of the
file and whose size makes pictures comparable.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

VERSION = 1
"""Raised whenever a measure changes: what was measured before is then measured again."""
STEEPEST = 0.005
"""The share of pixels that counts as the steepest edges."""
FAR_PX = 4
"""The distance over which an edge is taken to reach its full height."""
FAINT = 16
"""Edges that are lower, of 255 levels, say nothing about sharpness."""
CELL_PX = 4
SEEN = 4
"""Cells that differ by no more levels look the same."""
BLOCK_PX = 8
HARD = 32
"""A step between neighbouring pixels above which it is an edge, in levels of 255."""
EVEN = 2
"""A step up to which two pixels are of one colour; JPEG leaves that much."""
PAPER = 20
"""How far a colour may lie from the most frequent one to belong to the background."""
BLACK = 25

Grey = NDArray[np.uint8]
Colours = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Measures:
    """The measures of one picture; shares lie in 0–1, entropies are in bits."""

    brightness: float  # mean of the grey levels
    shadow: float  # the grey level, 0–1, that 95 % of the pixels exceed
    highlight: float  # the grey level, 0–1, that 1 % of the pixels exceed
    sharpness: float  # share of an edge's height within one pixel; NaN where no edge is seen
    detail: float  # share of cells of 4 px that differ visibly from a neighbour
    colours: float  # entropy of the colours, of 16 steps a channel
    fills: float  # the same, of what is neither background nor near an edge
    shaded: float  # share of all pixels that differ a little from their neighbours, off background
    off_line: float  # how far colours lie off a line between two colours, in levels
    calm: float  # share of blocks of 8 px without an edge
    black: float  # share of nearly black pixels


NAMES = tuple(field.name for field in fields(Measures))


def measure(image: Image.Image) -> Measures:
    """Measure an RGB picture of about 256 px."""
    if min(image.size) < 2:  # too thin to differ from any neighbour
        image = image.resize((max(2, image.width), max(2, image.height)))
    light = image.convert("L")
    grey = np.asarray(light)
    colours = np.asarray(image)
    steps = _steps(colours)
    calm = _calm_blocks(steps)
    here = colours[: calm.shape[0] : 2, : calm.shape[1] : 2]
    codes = _codes(here)
    local = steps[: calm.shape[0] : 2, : calm.shape[1] : 2]
    off_paper = _off_paper(here, codes)
    fill = calm[::2, ::2] & off_paper
    return Measures(
        brightness=float(grey.mean()) / 255,
        shadow=_top(grey, 0.95) / 255,
        highlight=_top(grey, 0.01) / 255,
        sharpness=_sharpness(grey),
        detail=_detail(light),
        colours=_entropy(codes),
        fills=_entropy(codes[fill]),
        shaded=float((off_paper & (local > EVEN) & (local <= HARD)).mean()),
        off_line=_off_line(here),
        calm=float(calm.mean()),
        black=float((grey < BLACK).mean()),
    )


def _sharpness(grey: Grey) -> float:
    """Compare the steepest steps of one pixel with those of four; blur spreads an edge."""
    if min(grey.shape) <= FAR_PX:
        return np.nan
    height = _top(np.maximum(*_differences(grey, FAR_PX)), STEEPEST)
    if height < FAINT:
        return np.nan
    return _top(np.maximum(*_differences(grey, 1)), STEEPEST) / height


def _detail(light: Image.Image) -> float:
    cells = np.asarray(light.reduce(CELL_PX))
    if min(cells.shape) < 2:
        return 1.0
    return float((np.maximum(*_differences(cells, 1)) > SEEN).mean())


def _steps(colours: Colours) -> Grey:
    """Give the largest step of any channel to the right or down; the last row and column fall."""
    return _largest(np.maximum(*_differences(colours, 1)))


def _largest(values: NDArray[Any]) -> NDArray[Any]:
    """Give the largest of three channels: ten times as fast as `max` over a last axis of three."""
    found: NDArray[Any] = np.maximum(np.maximum(values[..., 0], values[..., 1]), values[..., 2])
    return found


def _differences(values: Grey, by: int) -> tuple[Grey, Grey]:
    """Give the absolute differences to the right and down, without turning below zero."""
    here = values[:-by, :-by]
    right, down = values[:-by, by:], values[by:, :-by]
    return (
        np.maximum(here, right) - np.minimum(here, right),
        np.maximum(here, down) - np.minimum(here, down),
    )


def _calm_blocks(steps: Grey) -> NDArray[np.bool_]:
    """Mark the pixels of whole blocks in which no step is an edge."""
    rows, columns = (max(1, side // BLOCK_PX) for side in steps.shape)
    high, wide = min(rows * BLOCK_PX, steps.shape[0]), min(columns * BLOCK_PX, steps.shape[1])
    blocks = steps[:high, :wide].reshape(rows, high // rows, columns, wide // columns)
    calm = blocks.max(axis=(1, 3)) <= HARD
    marks: NDArray[np.bool_] = calm.repeat(high // rows, axis=0).repeat(wide // columns, axis=1)
    return marks


def _codes(colours: Colours) -> NDArray[np.int32]:
    """Number the colours, of 16 steps a channel."""
    red, green, blue = np.moveaxis((colours >> 4).astype(np.int32), 2, 0)
    codes: NDArray[np.int32] = (red << 8) | (green << 4) | blue
    return codes


def _off_paper(colours: Colours, codes: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Mark what is not of the most frequent colour, which drawings have as their paper."""
    frequent = codes == np.bincount(codes.ravel()).argmax()
    paper = colours[frequent].mean(axis=0).astype(np.int16)
    return np.asarray(_largest(np.abs(colours - paper)) > PAPER)


def _entropy(codes: NDArray[np.int32]) -> float:
    counted = np.bincount(codes.ravel())
    share = counted[counted > 0] / max(1, codes.size)
    return float(-(share * np.log2(share)).sum())


def _off_line(colours: Colours) -> float:
    """Give the spread of colours beside their main axis: a line drawing has none."""
    flat = colours.reshape(-1, 3).astype(np.float32)
    centred = flat - flat.mean(axis=0)
    powers = np.linalg.eigvalsh(centred.T @ centred / len(centred))  # ascending
    return float(np.sqrt(max(0.0, float(powers[0] + powers[1]))))


def _top(values: Grey, share: float) -> float:
    """Give the level that this share of the values exceeds."""
    counted = np.bincount(values.ravel(), minlength=256)
    return float(np.searchsorted(counted.cumsum(), (1 - share) * values.size))
