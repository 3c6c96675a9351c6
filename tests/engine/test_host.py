"""The preloaded parent forks workers whose bits are those of any other process."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from core.domain.jobs import ENDED
from core.runs import runs
from core.store import database, files, frames, jobs, schema
from tests import faults
from tests.engine.conftest import (
    PROJECT,
    Host,
    Registered,
    fine_tune,
    register,
    row_of,
    start_host,
    wait_until,
)

pytestmark = pytest.mark.engine


@pytest.fixture
def hosted(warm_host: Host, photos: Path, monkeypatch: pytest.MonkeyPatch) -> Registered:
    """Move this test into the host's home, with the photos registered there once."""
    monkeypatch.setenv("WINNOW_HOME", str(warm_host.home))
    database.forget()
    if (warm_host.home / "winnow.db").exists():
        return Registered(dataset_id="data-a", split_id="split-a")
    return register(photos)


def finished(host: Host, run_id: str) -> pd.DataFrame:
    """Have the host do a run, and give its steps."""
    host.fork("run", run_id)
    wait_until(lambda: row_of(schema.runs, run_id)["status"] in ENDED)
    assert row_of(schema.runs, run_id)["error"] is None
    return frames.load(files.run_steps(run_id))


def done(host: Host, task_id: str) -> dict[str, Any]:
    """Have the host do a task, and give its row."""
    host.fork("task", task_id)
    wait_until(lambda: row_of(schema.tasks, task_id)["status"] in ENDED)
    row = row_of(schema.tasks, task_id)
    assert row["error"] is None
    return row


def test_a_fork_finishes_a_run_after_a_malformed_request(
    warm_host: Host, hosted: Registered
) -> None:
    hosted.queue_run("run-1", fine_tune())

    warm_host.send(b'{"kind": "dance"}\nno json\n')
    steps = finished(warm_host, "run-1")

    assert len(steps) == 9
    assert row_of(schema.runs, "run-1")["status"] == "finished"
    assert "stage 0" in files.run_log("run-1").read_text()
    assert warm_host.process.poll() is None


@pytest.mark.parametrize("workers", [pytest.param(0, marks=faults.only_there), 2])
def test_runs_are_bit_identical_with_a_preview_and_a_range_test_in_between(
    warm_host: Host, hosted: Registered, workers: int
) -> None:
    recipe = fine_tune(n_workers=workers)
    plan = hosted.plan(recipe).model_dump(mode="json")
    for name in ("before", "after"):
        hosted.queue_run(f"run-{name}-{workers}", recipe)
    hosted.queue_task(f"show-{workers}", "preview", {"what": "batch", "plan": plan, "revision": 1})
    hosted.queue_task(f"find-{workers}", "lr_find", {"plan": plan, "revision": 1, "num_it": 12})

    before = finished(warm_host, f"run-before-{workers}")
    done(warm_host, f"show-{workers}")
    done(warm_host, f"find-{workers}")
    after = finished(warm_host, f"run-after-{workers}")

    assert before["loss"].tolist() == after["loss"].tolist()


def test_a_fork_computes_the_bits_of_a_process_of_its_own(
    warm_host: Host, hosted: Registered
) -> None:
    hosted.queue_run("run-forked", fine_tune())
    hosted.queue_run("run-fresh", fine_tune())

    forked = finished(warm_host, "run-forked")
    subprocess.run(
        [sys.executable, "-m", "core.engine.worker", "run", "run-fresh"], cwd=PROJECT, check=True
    )

    fresh = frames.load(files.run_steps("run-fresh"))
    assert forked["loss"].tolist() == fresh["loss"].tolist()


def test_stopping_a_run_keeps_what_it_learnt(warm_host: Host, hosted: Registered) -> None:
    stage = fine_tune().stages[1].model_copy(update={"epochs": 500})
    hosted.queue_run("run-long", fine_tune(stages=(stage,)))

    warm_host.fork("run", "run-long")
    wait_until(lambda: row_of(schema.runs, "run-long")["progress_done"] > 3)
    os.kill(row_of(schema.runs, "run-long")["pid"], signal.SIGTERM)
    wait_until(lambda: row_of(schema.runs, "run-long")["status"] in ENDED)

    row = row_of(schema.runs, "run-long")
    assert row["status"] == "stopped"
    assert 0 <= row["metrics"]["accuracy"] <= 1
    assert files.run_weights("run-long").exists()


def test_a_run_that_was_killed_and_continued_has_the_bits_of_an_unbroken_one(
    warm_host: Host, hosted: Registered
) -> None:
    recipe = fine_tune(stages=(fine_tune().stages[1].model_copy(update={"epochs": 8}),))
    hosted.queue_run("run-whole", recipe)
    hosted.queue_run("run-killed", recipe)
    whole = finished(warm_host, "run-whole")

    warm_host.fork("run", "run-killed")
    wait_until(files.run_checkpoint("run-killed").exists)
    os.kill(row_of(schema.runs, "run-killed")["pid"], signal.SIGKILL)
    wait_until(lambda: "run-killed" in jobs.sweep(schema.runs))
    runs.resume("run-killed")
    killed = finished(warm_host, "run-killed")

    row = row_of(schema.runs, "run-killed")
    assert (row["status"], row["n_continued"]) == ("finished", 1)
    assert killed["loss"].tolist() == whole["loss"].tolist()
    weights = [load_file(files.run_weights(run_id)) for run_id in ("run-whole", "run-killed")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_a_second_host_of_the_same_home_exits_quietly(warm_host: Host) -> None:
    environment = {**os.environ, "WINNOW_HOME": str(warm_host.home)}
    command = [sys.executable, "-m", "core.engine.host"]

    second = subprocess.run(command, cwd=PROJECT, env=environment, timeout=60, check=False)

    assert second.returncode == 0
    assert warm_host.process.poll() is None


def test_an_idle_host_ends_itself_and_leaves_no_pipe(tmp_path: Path) -> None:
    host = start_host(tmp_path, WINNOW_HOST_IDLE_SECONDS="0.2")

    code = host.process.wait(timeout=60)

    assert code == 0
    assert not (tmp_path / "engine" / "requests").exists()
    assert not (tmp_path / "engine" / "ready").exists()


def test_a_run_outlives_its_host(photos: Path, home: Path) -> None:
    registered = register(photos)
    registered.queue_run("run-1", fine_tune())
    host = start_host(home)

    host.fork("run", "run-1")
    wait_until(lambda: row_of(schema.runs, "run-1")["pid"] is not None)
    host.process.send_signal(signal.SIGTERM)
    host.process.wait(timeout=20)
    wait_until(lambda: row_of(schema.runs, "run-1")["status"] in ENDED)

    assert row_of(schema.runs, "run-1")["status"] == "finished"
