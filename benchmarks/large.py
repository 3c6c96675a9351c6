"""Folders of very many small photos, all different, for tests and benchmarks.

    python -m benchmarks.large ROOT N_IMAGES N_CLASSES

Every image has bytes and a look of its own: smooth colours from a coarse grid of random ones, so
that scanning finds no copies. The same numbers and seed give the same files.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

GRID = (8, 6)
BLOCK = 1000
QUALITY = 80


def write(
    root: Path,
    n_images: int,
    n_classes: int,
    seed: int = 0,
    size: tuple[int, int] = (64, 48),
) -> None:
    """Write JPEGs of `size` (width and height in pixels) into the folders class-000, class-001, …

    The classes are of equal size, but for one image; there are never more of them than images.
    """
    n_classes = min(n_classes, n_images)
    for number in range(n_classes):
        (root / f"class-{number:03d}").mkdir(parents=True, exist_ok=True)
    for at, grid in enumerate(_grids(n_images, seed)):
        path = f"{root}/class-{at * n_classes // n_images:03d}/{at:07d}.jpg"
        picture = Image.fromarray(grid).resize(size, Image.Resampling.BICUBIC)
        picture.save(path, "JPEG", quality=QUALITY)


def _grids(n_images: int, seed: int) -> Iterator[np.ndarray]:
    """Give coarse pictures of random colours, drawn in blocks."""
    draw = np.random.default_rng(seed)
    width, height = GRID
    for start in range(0, n_images, BLOCK):
        number = min(BLOCK, n_images - start)
        yield from draw.integers(0, 256, (number, height, width, 3), dtype=np.uint8)


def main() -> None:
    """Write a folder and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("n_images", type=int)
    parser.add_argument("n_classes", type=int)
    arguments = parser.parse_args()
    began = time.perf_counter()
    write(arguments.root, arguments.n_images, arguments.n_classes)
    print(f"{arguments.n_images:,} images in {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
