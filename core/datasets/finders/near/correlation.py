"""Where one picture lies within another: normalised cross-correlation by Fourier transforms.

A template slides over a frame; the correlation at each place is that of the template with the
part that it covers (Lewis 1995, "Fast normalized cross-correlation"), so that neither brightness
nor contrast matters. Only places where the whole template lies on the frame count.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

DETAIL_PX = 2.0
"""What a Gaussian of this radius leaves of a picture is no detail, and is taken away."""
LEAST_PX = 4
FAINT_LEVELS = 1.0
"""A part whose grey levels spread by less than this is plain, and like nothing."""

Grey = NDArray[np.float32]
Levels = NDArray[np.float32] | NDArray[np.uint8]
Positions = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class Place:
    """The best place of some templates on one frame, in pixels of that frame."""

    correlation: float  # -1 to 1
    template: int  # which of the templates
    top: int
    left: int


def scaled(picture: Image.Image, longer_px: float, *, only_detail: bool = False) -> Grey:
    """Scale a grey picture so that its longer side has so many pixels, rounded."""
    scale = longer_px / max(picture.size)
    width, height = (max(LEAST_PX, round(side * scale)) for side in picture.size)
    small = picture.resize((width, height), Image.Resampling.BOX if scale < 1 else None)
    levels = np.asarray(small, dtype=np.float32)
    if not only_detail:
        return levels
    blurred = small.filter(ImageFilter.GaussianBlur(DETAIL_PX))
    return levels - np.asarray(blurred, dtype=np.float32)


def best_places(
    templates: Sequence[Grey], frames: Sequence[Levels], *, side_px: int
) -> list[Place | None]:
    """Find for each frame where any of the templates fits best; None where all are too large.

    Frames are at most `side_px` high and wide.
    """
    boards = _Boards(frames, side_px)
    best: list[Place | None] = [None] * len(frames)
    for number, template in enumerate(templates):
        values, tops, lefts = boards.slide(template)
        for at in np.flatnonzero(values >= -1).tolist():
            known = best[at]
            if known is None or values[at] > known.correlation:
                best[at] = Place(
                    correlation=float(min(values[at], 1)),
                    template=number,
                    top=int(tops[at]),
                    left=int(lefts[at]),
                )
    return best


class _Boards:
    """Frames of different sizes on squares of one size, ready for templates to slide over."""

    def __init__(self, frames: Sequence[Levels], side_px: int) -> None:
        self._heights = np.array([frame.shape[0] for frame in frames])
        self._widths = np.array([frame.shape[1] for frame in frames])
        boards = np.zeros((len(frames), side_px, side_px), dtype=np.float32)
        for board, frame in zip(boards, frames, strict=True):
            board[: frame.shape[0], : frame.shape[1]] = frame - frame.mean(dtype=np.float32)
        self._side = side_px
        self._waves = np.fft.rfft2(boards)
        self._sums = _summed(boards)
        self._squares = _summed(boards**2)

    def slide(self, template: Grey) -> tuple[Grey, Positions, Positions]:
        """Give the best correlation with each frame and its top and left; below -1 for none."""
        height, width = template.shape
        rows = int(self._heights.max()) - height + 1
        columns = int(self._widths.max()) - width + 1
        if rows < 1 or columns < 1:
            nowhere = np.zeros(len(self._heights), dtype=np.intp)
            return np.full(len(nowhere), -2, dtype=np.float32), nowhere, nowhere
        board = np.zeros((self._side, self._side), dtype=np.float32)
        board[:height, :width] = _unit(template)
        crossed = self._waves * np.conj(np.fft.rfft2(board))
        values = np.fft.irfft2(crossed, s=board.shape)[:, :rows, :columns]
        values /= self._lengths(template.shape)[:, :rows, :columns]
        values[np.arange(rows) > (self._heights - height)[:, None]] = -2
        values.swapaxes(1, 2)[np.arange(columns) > (self._widths - width)[:, None]] = -2
        flat = values.reshape(len(values), -1)
        at = flat.argmax(axis=1)
        return flat[np.arange(len(flat)), at], at // columns, at % columns

    def _lengths(self, shape: tuple[int, ...]) -> Grey:
        """Give the length of the centred part below each place of a template."""
        n_px = shape[0] * shape[1]
        sums = _windows(self._sums, *shape)
        squares = _windows(self._squares, *shape)
        squares -= sums * sums / np.float32(n_px)
        return np.sqrt(np.maximum(squares, np.float32(n_px * FAINT_LEVELS**2)))


def _unit(template: Grey) -> Grey:
    centred = template - template.mean()
    length = np.linalg.norm(centred)
    unit: Grey = centred / max(float(length), FAINT_LEVELS * template.size**0.5)
    return unit


def _summed(boards: Grey) -> Grey:
    """Sum each board from its top left corner, with a row and a column of zeros before."""
    sums = np.zeros((len(boards), boards.shape[1] + 1, boards.shape[2] + 1), dtype=np.float32)
    sums[:, 1:, 1:] = boards.cumsum(axis=1, dtype=np.float64).cumsum(axis=2)
    return sums


def _windows(sums: Grey, height: int, width: int) -> Grey:
    """Give the sum over each window of a size, by its top left corner."""
    parts: Grey = sums[:, height:, width:] - sums[:, :-height, width:]
    parts -= sums[:, height:, :-width] - sums[:, :-height, :-width]
    return parts
