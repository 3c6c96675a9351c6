"""Small photos, the rows that describe them, and recipes that train in seconds."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
import torch
from PIL import Image

from core.domain.jobs import Wish
from core.domain.plans import Plan, Subset
from core.domain.recipes import Discriminative, OneCycle, Recipe, Stage
from core.engine import describing
from core.store import clock, database, files, schema

PROJECT = Path(__file__).resolve().parents[2]
CLASSES = ("blue", "green", "red")
N_PER_CLASS = 15


@dataclass
class FakeJob:
    """A lease without a database: it remembers what was reported and stops when told."""

    stop_after: int | None = None  # train batches
    reports: list[dict[str, Any]] = field(default_factory=list)

    def report(self, **columns: Any) -> None:
        """Remember the columns."""
        self.reports.append(columns)

    def should_stop(self) -> bool:
        """Say whether as many batches are done as were wished."""
        done = max((said.get("progress_done", 0) for said in self.reports), default=0)
        return self.stop_after is not None and done >= self.stop_after

    def wish(self) -> Wish | None:
        """Wish for nothing."""
        return None

    def save_now(self) -> None:
        """Keep what was collected where it is."""


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Keep torch to one thread in this process; hosts and workers that tests start take all."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Draw a folder of small noisy pictures, one sub-folder a colour."""
    root = tmp_path_factory.mktemp("photos")
    draw = np.random.default_rng(0)
    for index, name in enumerate(CLASSES):
        (root / name).mkdir()
        for number in range(N_PER_CLASS):
            pixels = draw.integers(0, 120, (40, 52, 3))
            pixels[..., 2 - index] += 100
            Image.fromarray(pixels.astype(np.uint8)).save(root / name / f"{number:02d}.png")
    return root


@pytest.fixture
def frame(photos: Path) -> pd.DataFrame:
    """List the photos as items: every third one is valid."""
    return frame_of(photos)


def frame_of(photos: Path) -> pd.DataFrame:
    """List a folder's pictures as items in order of path."""
    paths = sorted(path.relative_to(photos).as_posix() for path in photos.glob("*/*"))
    rows = [
        (1000 + 7 * index, path, path.split("/")[0], "valid" if index % 3 == 0 else "train", path)
        for index, path in enumerate(paths)
    ]
    return pd.DataFrame(rows, columns=["item_id", "path", "label", "part", "content_hash"])


def fine_tune(**changes: Any) -> Recipe:
    """Make fastai's fine_tune with small sizes: an epoch of the head, two of all layers."""
    frozen = Stage(
        train="head", epochs=1, lr=Discriminative(high=2e-3), schedule=OneCycle(pct_start=0.99)
    )
    unfrozen = Stage(
        train="all",
        epochs=2,
        lr=Discriminative(low=1e-5, high=1e-3),
        schedule=OneCycle(pct_start=0.3, div=5.0),
    )
    plain: dict[str, Any] = {
        "name": "Fine-tune",
        "arch": "squeezenet1_0",
        "pretrained": False,
        "presize_px": 40,
        "size_px": 32,
        "batch_size": 8,
        "stages": (frozen, unfrozen),
    }
    return Recipe(**(plain | changes))


def describe(frame: pd.DataFrame, root: Path, recipe: Recipe, **changes: Any) -> Any:
    """Describe a run of these items without a row in the store."""
    plain: dict[str, Any] = {
        "run_id": "run-a",
        "frame": frame,
        "root": root,
        "recipe": recipe,
        "seed": 42,
        "revision": 1,
        "fingerprint": "f",
    }
    return describing.Description(**(plain | changes))


@dataclass(frozen=True, kw_only=True)
class Registered:
    """A dataset with a split in the store, and ways to queue work for it."""

    dataset_id: str
    split_id: str

    def plan(self, recipe: Recipe) -> Plan:
        """Plan a run of all images."""
        return Plan(split_id=self.split_id, recipe=recipe, seed=42)

    def queue_run(self, run_id: str, recipe: Recipe) -> None:
        """Insert a queued run."""
        row = {
            "id": run_id,
            "name": run_id,
            "dataset_id": self.dataset_id,
            "revision": 1,
            "split_id": self.split_id,
            "subset": Subset().model_dump(mode="json"),
            "recipe": recipe.model_dump(mode="json"),
            "seed": 42,
            "code_version": "test",
            "status": "queued",
            "created_at": clock.now(),
        }
        with database.writing() as connection:
            connection.execute(sa.insert(schema.runs), row)

    def queue_task(self, task_id: str, kind: str, params: dict[str, Any]) -> None:
        """Insert a queued task."""
        row = {
            "id": task_id,
            "kind": kind,
            "key": f"key-{task_id}",
            "dataset_id": self.dataset_id,
            "params": {"dataset_id": self.dataset_id, **params},
            "status": "queued",
            "created_at": clock.now(),
        }
        with database.writing() as connection:
            connection.execute(sa.insert(schema.tasks), row)


@pytest.fixture
def registered(home: Path, photos: Path) -> Registered:
    """Put the photos into the store of this test."""
    return register(photos)


def register(photos: Path) -> Registered:
    """Insert a dataset of the photos, its items at revision 1, and a split."""
    frame, now = frame_of(photos), clock.now()
    dataset = {
        "id": "data-a",
        "name": "photos",
        "root": str(photos),
        "labeller": {"kind": "folder"},
        "source": "folder",
        "revision": 1,
        "created_at": now,
        "ignored": {},
    }
    items = [
        {
            "id": int(row.item_id),
            "dataset_id": "data-a",
            "path": row.path,
            "recorded_label": row.label,
            "label": row.label,
            "status": "ok",
            "size_bytes": 1,
            "mtime_ns": 1,
            "content_hash": row.content_hash,
        }
        for row in frame.itertuples()
    ]
    split = {
        "id": "split-a",
        "dataset_id": "data-a",
        "name": "master",
        "is_master": True,
        "seed": 1,
        "valid_fraction": 0.33,
        "created_at": now,
    }
    parts = [
        {"split_id": "split-a", "item_id": int(row.item_id), "part": row.part}
        for row in frame.itertuples()
    ]
    scan = {"dataset_id": "data-a", "revision": 1, "kind": "scan", "created_at": now}
    with database.writing() as connection:
        connection.execute(sa.insert(schema.datasets), dataset)
        connection.execute(sa.insert(schema.revisions), scan)
        connection.execute(sa.insert(schema.items), items)
        connection.execute(sa.insert(schema.splits), split)
        connection.execute(sa.insert(schema.assignments), parts)
    return Registered(dataset_id="data-a", split_id="split-a")


def row_of(table: sa.Table, job_id: str) -> dict[str, Any]:
    """Read a job's row."""
    with database.reading() as connection:
        query = sa.select(table).where(table.c.id == job_id)
        return dict(connection.execute(query).mappings().one())


def wait_until(condition: Callable[[], bool], *, seconds: float = 120.0) -> None:
    """Wait for another process; fail where it does not come."""
    until = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < until, "the other process did not get there in time"
        pause.wait(0.05)


@dataclass
class Host:
    """A preloaded host of a home of its own."""

    home: Path
    process: subprocess.Popen[bytes]

    def send(self, line: bytes) -> None:
        """Write a line into the pipe."""
        pipe = os.open(self.home / "engine" / "requests", os.O_WRONLY | os.O_NONBLOCK)
        os.write(pipe, line)
        os.close(pipe)

    def fork(self, kind: str, job_id: str) -> None:
        """Ask for a worker."""
        log = files.run_log(job_id) if kind == "run" else files.task_log(job_id)
        said = {"kind": kind, "id": job_id, "log": str(log)}
        self.send(json.dumps(said).encode() + b"\n")


def start_host(home: Path, **environment: str) -> Host:
    """Start a host and wait until it has imported everything."""
    log = home / "engine" / "log.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "core.engine.host"],
            cwd=PROJECT,
            env={**os.environ, "WINNOW_HOME": str(home), **environment},
            stdout=output,
            stderr=output,
        )
    wait_until(lambda: (home / "engine" / "ready").exists() or process.poll() is not None)
    return Host(home=home, process=process)


@pytest.fixture(scope="module")
def warm_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Share one host among the tests of a module: importing fastai takes seconds."""
    host = start_host(tmp_path_factory.mktemp("hosted"))
    yield host
    host.process.send_signal(signal.SIGTERM)
    host.process.wait(timeout=20)
