"""scikit-learn's bundled digits drawn as ink on paper, and a seeded plan of what to plant."""

import io
import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
PER_CLASS = 60
WRONG_FRACTION = 0.05
N_COPIES = 6
N_NEAR_COPIES = 4
SIDE_PX = 96
SEED = 7
PAPER = np.array((248, 244, 232), dtype=np.float32)
INK = np.array((28, 36, 72), dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One file of the sample: the digit drawn, where it goes, and what is odd about it."""

    path: str
    index: int  # in scikit-learn's data
    true_label: str
    copy_of: str | None = None
    quality: int = 92  # of the JPEG: a near copy has a lower one
    brightness: float = 1.0

    @property
    def label(self) -> str:
        """Name the folder that the file lies in."""
        return self.path.split("/", 1)[0]


def plan() -> tuple[Sheet, ...]:
    """Lay out the sample: about 60 a class, 5 % in wrong folders, some copies; always the same."""
    _, targets = _digits()
    luck = random.Random(SEED)
    sheets: list[Sheet] = []
    for digit, name in enumerate(NAMES):
        chosen = luck.sample([int(i) for i in np.flatnonzero(targets == digit)], PER_CLASS)
        sheets += [
            Sheet(path=f"{name}/digit-{index:04d}.jpg", index=index, true_label=name)
            for index in chosen
        ]
    n_wrong = round(len(sheets) * WRONG_FRACTION)
    odd = luck.sample(range(len(sheets)), n_wrong + N_COPIES + N_NEAR_COPIES)
    for position in odd[:n_wrong]:
        sheets[position] = _misplaced(sheets[position], luck)
    copies = [_copy(sheets[position], near=False) for position in odd[n_wrong:][:N_COPIES]]
    near = [_copy(sheets[position], near=True) for position in odd[n_wrong + N_COPIES :]]
    return tuple(sorted((*sheets, *copies, *near), key=lambda sheet: sheet.path))


def draw_all(sheets: tuple[Sheet, ...]) -> Iterator[tuple[Sheet, bytes]]:
    """Draw sheets and give each with its JPEG."""
    pictures, _ = _digits()
    for sheet in sheets:
        yield sheet, draw(pictures[sheet.index], sheet)


def draw(picture: NDArray[np.float64], sheet: Sheet) -> bytes:
    """Draw an 8x8 digit with values in 0–16 as a smooth stroke of dark ink on warm paper."""
    grey = Image.fromarray(np.pad(picture, 1).astype(np.float32) / 16)
    smooth = grey.resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC)
    stroke = 1 / (1 + np.exp(-9 * (np.asarray(smooth) - 0.55)))
    mixed = PAPER + stroke[..., None] * (INK - PAPER)
    colours = np.clip(mixed * sheet.brightness, 0, 255).astype(np.uint8)
    content = io.BytesIO()
    Image.fromarray(colours).save(content, "JPEG", quality=sheet.quality)
    return content.getvalue()


def _digits() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    from sklearn.datasets import load_digits  # slow to import, and needed only here

    bundle = load_digits()
    return bundle.images, bundle.target


def _misplaced(sheet: Sheet, luck: random.Random) -> Sheet:
    wrong = luck.choice([name for name in NAMES if name != sheet.true_label])
    path = f"{wrong}/{sheet.path.split('/')[1]}"
    return Sheet(path=path, index=sheet.index, true_label=sheet.true_label)


def _copy(sheet: Sheet, *, near: bool) -> Sheet:
    stem = sheet.path.removesuffix(".jpg")
    return Sheet(
        path=f"{stem}-{'small' if near else 'copy'}.jpg",
        index=sheet.index,
        true_label=sheet.true_label,
        copy_of=sheet.path,
        quality=55 if near else 92,
        brightness=0.96 if near else 1.0,
    )
