"""A task is a process that leaves a result, or a reason, in its row."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core.datasets import catalog, scan, splits, worker
from core.runs import tasks
from core.store import clock, database, ids, jobs, schema
from tests.datasets import corpus

PROJECT = Path(__file__).resolve().parents[2]


def queued(kind: str, **params: Any) -> str:
    """Queue a task and give its id."""
    task_id = ids.new("task")
    row = {"id": task_id, "kind": kind, "params": params, "status": "queued"}
    with database.writing() as connection:
        connection.execute(sa.insert(schema.tasks).values(**row, created_at=clock.now()))
    return task_id


def do(kind: str, **params: Any) -> Any:
    """Queue a task, let its process run, and give its row."""
    task_id = queued(kind, **params)
    subprocess.run(
        [sys.executable, "-m", "core.datasets.worker", task_id],
        cwd=PROJECT,
        check=True,
        capture_output=True,
    )
    with database.reading() as connection:
        query = sa.select(schema.tasks).where(schema.tasks.c.id == task_id)
        return connection.execute(query).one()


def test_a_scan_and_a_split_are_done_by_their_process(tmp_path: Path) -> None:
    dataset = catalog.open_folder(str(corpus.folder(tmp_path / "root", per_class=5)))

    scanned = do("scan", dataset_id=dataset.id)
    split = do("split", dataset_id=dataset.id, seed=3, valid_fraction=0.4)

    assert (scanned.status, scanned.result["n_images"]) == ("finished", 10)
    assert (scanned.progress_done, scanned.progress_total) == (10, 10)
    made = splits.get(split.result["split_id"])
    assert (split.status, made.seed, made.valid_fraction) == ("finished", 3, 0.4)


def test_the_samples_task_can_be_found_by_its_dataset_while_it_scans(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task_id = queued("sample")
    found: list[str] = []

    def look(dataset_id: str, _lease: Any) -> None:
        task = tasks.find_active("sample", dataset_id)
        found.extend([task.id] if task else [])

    monkeypatch.setattr(scan, "run", look)

    with jobs.Lease(schema.tasks, task_id) as lease:
        worker.WORK["sample"](lease, {})

    assert found == [task_id]


def test_a_scan_of_a_folder_that_vanished_fails_with_a_sentence(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    dataset = catalog.open_folder(str(root))
    root.rmdir()

    failed = do("scan", dataset_id=dataset.id)

    assert failed.status == "failed"
    assert failed.error == f"The folder {root} does not exist."
    assert failed.hint


def test_a_task_that_is_not_there_ends_with_a_sentence() -> None:
    database.engine()

    ended = subprocess.run(
        [sys.executable, "-m", "core.datasets.worker", "task-none"],
        cwd=PROJECT,
        check=False,
        capture_output=True,
        text=True,
    )

    assert ended.returncode == 1
    assert ended.stderr.startswith("There is no task task-none")
