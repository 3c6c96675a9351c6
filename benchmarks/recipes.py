"""What the library's recipes reach on a folder of images, and what they take.

    python -m benchmarks.recipes FOLDER [--arch squeezenet1_0] [--size 128] [--presize 192]
                                 [--seeds 42 1 2] [--recipes "Features only" Fine-tune …]

FOLDER has one sub-folder a class. Each run is a process of its own, one after the other, in one
temporary home; the master split is the same for all. Cached features are there for all runs after
the first one that needs them: `Features only` comes first, so its first run pays for them.
CPU-seconds are those of the process and of what it started, and include importing fastai (some 6).
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.datasets import catalog, splits
from core.domain.jobs import ENDED
from core.domain.plans import Plan
from core.domain.recipes import Recipe
from core.domain.runs import Run
from core.runs import recipes, runs, tasks
from core.store import files

PROJECT = Path(__file__).resolve().parents[1]
ORDER = ("Features only", "Fine-tune", "Baseline", "Lesson 2")
"""The recipes that are measured unless others are named."""


def measure(dataset_id: str, recipe: Recipe, seed: int) -> dict[str, Any]:
    """Do one run in a process of its own; give its metrics, wall seconds and CPU-seconds."""
    split = splits.get_master(dataset_id)
    assert split is not None
    run = runs.start(dataset_id, Plan(split_id=split.id, recipe=recipe, seed=seed))
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    with files.run_log(run.id).open("ab") as log:
        command = [sys.executable, "-m", "core.engine.worker", "run", run.id]
        subprocess.run(command, cwd=PROJECT, stdout=log, stderr=log, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)
    return {"seed": seed, "seconds": time.perf_counter() - began, "cpu": used, **_ended(run)}


def _ended(run: Run) -> dict[str, float]:
    ended = runs.get(run.id)
    if ended.status != "finished":
        raise SystemExit(f"{run.name} ended as {ended.status}: {ended.error} See {run.id}.")
    return ended.metrics


def fitted(name: str, given: argparse.Namespace) -> Recipe:
    """Make a recipe of the library for a network and sizes."""
    made = recipes.offer(name).make(arch=given.arch)
    sizes = {"size_px": given.size, "presize_px": given.presize, "batch_size": given.batch_size}
    return Recipe.model_validate({**made.model_dump(), **sizes})


def main(arguments: Sequence[str]) -> None:
    """Run the script from the command line."""
    parser = argparse.ArgumentParser(description="Measure recipes on a folder of images.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--arch", default="squeezenet1_0")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--presize", type=int, default=192)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 1, 2])
    parser.add_argument("--recipes", nargs="+", default=list(ORDER))
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as home:
        os.environ["WINNOW_HOME"] = home
        dataset = catalog.open_folder(str(given.folder))
        _scan(dataset.id)
        for name in given.recipes:
            found = [measure(dataset.id, fitted(name, given), seed) for seed in given.seeds]
            _print(name, found)


def _scan(dataset_id: str) -> None:
    task = tasks.start("scan", dataset_id=dataset_id)
    while tasks.get(task.id).status not in ENDED:
        time.sleep(0.2)


def _print(name: str, found: list[dict[str, Any]]) -> None:
    columns = [column for column in found[0] if column not in ("seed", "error_rate")]
    for one in found:
        numbers = ", ".join(f"{column} {one[column]:.4f}" for column in columns)
        sys.stdout.write(f"{name}, seed {one['seed']}: {numbers}\n")
    for column in columns:
        values = [one[column] for one in found]
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        sys.stdout.write(f"  {column}: {statistics.mean(values):.4f} ± {spread:.4f}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
