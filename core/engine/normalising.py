"""What pixels are normalised with: ImageNet's statistics, the train images' own, or nothing.

The images' own are measured on a fixed sample of them. fastai, where it is given no statistics,
takes those of a first batch, which is shuffled and augmented: they would change with the seed and
the batch size, and reading that batch would move the generators that the fit then draws from.
"""

from collections.abc import Callable, Sequence

import numpy as np
from fastai.data.transforms import Normalize
from fastai.vision.core import imagenet_stats
from PIL import Image

Statistics = tuple[tuple[float, ...], tuple[float, ...]]
"""Mean and standard deviation of each channel, of values from 0 to 1."""

IMAGENET: Statistics = (tuple(imagenet_stats[0]), tuple(imagenet_stats[1]))
"""Those of the images that the pretrained bodies were trained on."""

N_MEASURED = 256
LEAST_DEVIATION = 1e-7  # added by fastai, too: a channel may be the same everywhere


def measure(paths: Sequence[str], view: Callable[[str], Image.Image]) -> Statistics:
    """Measure at most 256 images, evenly spaced among the paths; `view` gives each as RGB.

    The sums are whole numbers, so no order and no thread changes a bit. Nothing is drawn.
    """
    n_pixels, sums, squares = 0, [0, 0, 0], [0, 0, 0]
    for path in evenly_spaced(paths):
        values = np.asarray(view(path), dtype=np.int64).reshape(-1, 3)
        n_pixels += len(values)
        for channel in range(3):
            sums[channel] += int(values[:, channel].sum())
            squares[channel] += int((values[:, channel] ** 2).sum())
    means = tuple(total / n_pixels / 255 for total in sums)
    variances = [
        (n_pixels * square - total**2) / n_pixels**2
        for total, square in zip(sums, squares, strict=True)
    ]
    return means, tuple(variance**0.5 / 255 + LEAST_DEVIATION for variance in variances)


def evenly_spaced(paths: Sequence[str]) -> list[str]:
    """Give the paths that are measured: all, or 256 at even distances."""
    n_paths, n_measured = len(paths), min(len(paths), N_MEASURED)
    return [paths[index * n_paths // n_measured] for index in range(n_measured)]


def transforms(statistics: Statistics | None) -> list[Normalize]:
    """Make the batch transform that normalises, or none."""
    return [] if statistics is None else [Normalize.from_stats(*statistics)]
