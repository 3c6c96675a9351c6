"""How long scanning takes, what it needs, and how that compares with other tools.

    python -m benchmarks.datasets [--n 100000] [--classes 500] [--photos DIR] [--keep DIR]
                                  [--cleanvision PYTHON]

Files are generated (`benchmarks.large`) in a temporary folder, or below --keep, where they are
found again the next time. Every number comes from a process of its own. The photos are scanned
three times, each time for the first time. `--cleanvision` names the Python of another environment
in which cleanvision is installed.

Files that were deleted on the same file system a minute before falsify the first scan: ext4 passes
over the inodes of them when it makes new ones, which has cost a third of all time.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import large

PROJECT = Path(__file__).resolve().parents[1]
N_PHOTO_SCANS = 3
Row = tuple[str, str]


def measure(images: Path, home: Path, *, cleanvision: str) -> list[Row]:
    """Measure everything about a folder of images that no home knows yet; gives table rows."""
    first = _step("scan", images, home)
    n_images = first["n_images"]
    again = _step("rescan", images, home)
    small = _step("thumbnails", images, home)
    theirs = _step("fastai", images, home)
    return [
        ("first scan", _rate(first)),
        ("peak memory of the scanning process", f"{first['peak_mb']:.0f} MB"),
        ("peak memory of a child that decodes", f"{first['child_mb']:.0f} MB"),
        ("database", f"{_database_bytes(home) / n_images:.0f} bytes an image"),
        ("rescan, nothing changed (median of 7)", f"{again['seconds']:.3f} s"),
        ("bare scandir and stat (median of 7)", f"{again['walk_seconds']:.3f} s"),
        ("rescan ÷ bare walk (median)", f"{again['ratio']:.2f}"),
        (
            "thumbnails that are kept, by the server's route",
            f"{small['kept_a_second']:.0f} a second",
        ),
        ("thumbnails made anew, one after the other", f"{small['made_a_second']:.0f} a second"),
        ("fastai get_image_files", f"{theirs['list_seconds']:.3f} s"),
        (
            "fastai verify_images",
            f"{theirs['verify_seconds']:.1f} s, {theirs['verify_cpu_seconds']:.1f} CPU-s, "
            f"{n_images / theirs['verify_cpu_seconds']:.0f} a CPU-s",
        ),
        ("cleanvision", _cleanvision(images, home, n_images, cleanvision)),
    ]


def measure_photos(photos: Path, work: Path) -> list[Row]:
    """Scan a folder of photos for the first time, several times."""
    found = [_step("scan", photos, work / f"home-{at}") for at in range(N_PHOTO_SCANS)]
    rates = sorted(one["n_images"] / one["cpu_seconds"] for one in found)
    middle = statistics.median(one["seconds"] for one in found)
    return [
        (
            f"first scan of {found[0]['n_images']:,} photos ({N_PHOTO_SCANS} times)",
            f"{middle:.1f} s; {rates[0]:.0f} to {rates[-1]:.0f} files a CPU-s, "
            f"median {statistics.median(rates):.0f}",
        )
    ]


def machine() -> str:
    """Name this machine in a few words."""
    model = platform.processor() or platform.machine()
    about = Path("/proc/cpuinfo")
    if about.exists():
        named = (line for line in about.read_text().splitlines() if line.startswith("model name"))
        model = next(named, f": {model}").partition(": ")[2]
    return f"{len(os.sched_getaffinity(0))} cores, {model}, Python {platform.python_version()}"


def _step(step: str, images: Path, home: Path, *, python: str = sys.executable) -> Any:
    done = subprocess.run(
        [python, "-m", "benchmarks.dataset_steps", step, str(images)],
        cwd=PROJECT,
        env=os.environ | {"WINNOW_HOME": str(home)},
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout)


def _cleanvision(images: Path, home: Path, n_images: int, python: str) -> str:
    found = _step("cleanvision", images, home, python=python)
    return "not installed" if found is None else _rate({**found, "n_images": n_images})


def _rate(found: dict[str, Any]) -> str:
    rate = found["n_images"] / found["cpu_seconds"]
    return f"{found['seconds']:.1f} s, {found['cpu_seconds']:.1f} CPU-s, {rate:.0f} a CPU-s"


def _database_bytes(home: Path) -> int:
    return sum(path.stat().st_size for path in home.glob("winnow.db*"))


def _generated(work: Path, n_images: int, n_classes: int) -> Path:
    images = work / f"images-{n_images}-{n_classes}"
    if not images.exists():
        part = work / f"{images.name}.part"
        shutil.rmtree(part, ignore_errors=True)
        large.write(part, n_images, n_classes)
        part.rename(images)
    return images


def main() -> None:
    """Print a table of all measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--classes", type=int, default=500)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--cleanvision", default=sys.executable)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="winnow-benchmark-", dir=given.keep) as homes:
        images = _generated(given.keep or Path(homes), given.n, given.classes)
        rows = measure_photos(given.photos, Path(homes)) if given.photos else []
        rows += measure(images, Path(homes) / "home", cleanvision=given.cleanvision)
    print(f"{time.strftime('%Y-%m-%d')}, {machine()}; {given.n:,} files, {given.classes} classes")
    print("\n| what | measured |\n| --- | --- |")
    for what, measured in rows:
        print(f"| {what} | {measured} |")


if __name__ == "__main__":
    main()
