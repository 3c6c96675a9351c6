"""A home, a folder of photos with faults, and audits of it: what the benchmarks share."""

import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score

from core.datasets import catalog, splits
from core.domain.jobs import ENDED
from core.runs import audits, tasks
from core.store import files

PROJECT = Path(__file__).resolve().parents[1]


@contextmanager
def workplace(photos: Path, *, features: Path) -> Iterator[Path]:
    """Give a copy of the photos, with a home of its own; cached features go from one to the next.

    `features` is where they are kept between workplaces: they follow from content alone.
    """
    with TemporaryDirectory(prefix="winnow-audit-") as work:
        folder, home = Path(work) / "photos", Path(work) / "home"
        shutil.copytree(photos, folder)
        home.mkdir()
        (home / "features").symlink_to(features, target_is_directory=True)
        os.environ["WINNOW_HOME"] = str(home)
        yield folder


def scan(folder: Path) -> str:
    """Open a folder and scan it; gives the dataset's id."""
    dataset = catalog.open_folder(str(folder))
    task = tasks.start("scan", dataset_id=dataset.id)
    while tasks.get(task.id).status not in ENDED:
        time.sleep(0.1)
    ended = tasks.get(task.id)
    if ended.status != "finished":
        raise SystemExit(f"The scan ended as {ended.status}: {ended.error}")
    return dataset.id


def items(dataset_id: str) -> pd.DataFrame:
    """List the items in use: item_id, path, label, part, content_hash."""
    split = splits.get_master(dataset_id)
    assert split is not None
    revision = catalog.get(dataset_id).revision
    return catalog.items_at(dataset_id, revision=revision, split_id=split.id)


def audit(dataset_id: str, arch: str) -> dict[str, Any]:
    """Audit a dataset in a process of its own; gives its result with wall and CPU-seconds."""
    task = audits.start(dataset_id, arch=arch)
    began = time.perf_counter()
    used = _work("task", task.id, files.task_log(task.id))
    ended = tasks.get(task.id)
    if ended.status != "finished":
        raise SystemExit(f"The audit ended as {ended.status}: {ended.error} {tasks.log(task.id)}")
    return {**ended.result, "wall": time.perf_counter() - began, "cpu": used}


def train(run_id: str) -> None:
    """Do a queued run in a process of its own."""
    _work("run", run_id, files.run_log(run_id))


def _work(kind: str, job_id: str, log_path: Path) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "core.engine.worker", kind, job_id]
    with log_path.open("ab") as log:
        subprocess.run(command, cwd=PROJECT, stdout=log, stderr=log, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def ranking(score: np.ndarray, is_planted: np.ndarray) -> dict[str, float]:
    """Measure a ranking of all items: AUPRC, precision at k and recall at 2k; k were planted.

    Ties are broken by position, which the planting does not know.
    """
    k = int(is_planted.sum())
    order = np.argsort(-score, kind="stable")
    hits = is_planted[order]
    return {
        "auprc": float(average_precision_score(is_planted, score)),
        "p_at_k": float(hits[:k].mean()),
        "r_at_2k": float(hits[: 2 * k].sum() / k),
    }


def in_a_row(name: str, found: list[dict[str, float]]) -> str:
    """Write the mean and spread of several seeds as a row of a table."""
    table = pd.DataFrame(found)
    cells = [
        f"{table[column].mean():.3f} ± {table[column].std(ddof=0):.3f}" for column in table.columns
    ]
    return f"| {name} | " + " | ".join(cells) + " |"
