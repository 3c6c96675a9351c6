import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.runs import devices, dispatcher, executor, hosts, runs, tasks
from core.store import database, files, schema
from tests import builders


@pytest.fixture
def dataset() -> str:
    builders.insert_dataset({"cat": [f"{n}.jpg" for n in range(8)], "dog": ["a.jpg"]})
    return "d-1"


@pytest.fixture
def started(monkeypatch) -> list[tuple[str, str, str]]:
    """Write down what the executor is asked to start, instead of starting it."""
    calls: list[tuple[str, str, str]] = []

    def start(kind: str, job_id: str, *, device: str, log: Path) -> None:
        calls.append((kind, job_id, device))

    monkeypatch.setattr(executor, "start", start)
    monkeypatch.setattr(hosts, "is_ready", lambda: True)
    monkeypatch.setattr(devices, "list_devices", lambda: ("cpu",))
    return calls


def test_the_device_goes_to_one_job_at_a_time_oldest_first(dataset, started):
    builders.insert_run("run-late", status="queued", created_at=20.0)
    builders.insert_run("run-early", status="queued", created_at=10.0)

    dispatcher.step()
    dispatcher.step()

    assert started == [("run", "run-early", "cpu")]
    assert runs.get("run-early").status == "running"
    assert runs.get("run-late").status == "queued"


def test_a_range_test_waits_in_the_same_queue_and_a_preview_does_not(dataset, started):
    builders.insert_run("run-1", status="running", device="cpu")
    waiting = tasks.start("lr_find", dataset_id=dataset, key="lr")
    preview = tasks.start("preview", dataset_id=dataset, key="view")

    dispatcher.step()

    assert started == [("task", preview.id, "cpu")]
    assert tasks.get(waiting.id).status == "queued"


def test_downloads_start_beside_a_run_two_at_a_time_and_hold_up_no_other_job(dataset, started):
    names = ("PETS", "FOOD", "CIFAR")
    wanted = [tasks.start("public", params={"name": n}, key=f"public:{n}") for n in names]
    dispatcher.step()
    run = builders.insert_run("run-1", status="queued")
    preview = tasks.start("preview", dataset_id=dataset, key="view")

    dispatcher.step()

    first, second, third = (task.id for task in wanted)
    assert started[:2] == [("task", first, "cpu"), ("task", second, "cpu")]
    assert sorted(started[2:]) == [("run", run, "cpu"), ("task", preview.id, "cpu")]
    assert tasks.get(third).status == "queued"


def test_a_dataset_that_is_being_downloaded_is_not_downloaded_twice(started):
    first = tasks.start("public", params={"name": "PETS"}, key="public:PETS")
    dispatcher.step()

    second = tasks.start("public", params={"name": "PETS"}, key="public:PETS")

    assert second.id == first.id
    assert started == [("task", first.id, "cpu")]


def test_two_devices_take_two_runs(dataset, started, monkeypatch):
    monkeypatch.setattr(devices, "list_devices", lambda: ("cuda:0", "cuda:1"))
    for number in range(3):
        builders.insert_run(f"run-{number}", status="queued", created_at=float(number))

    dispatcher.step()

    assert started == [("run", "run-0", "cuda:0"), ("run", "run-1", "cuda:1")]


def test_jobs_for_the_cpu_wait_for_the_host_but_not_for_ever(dataset, started, monkeypatch):
    warmed: list[bool] = []
    monkeypatch.setattr(hosts, "is_ready", lambda: False)
    monkeypatch.setattr(hosts, "warm", lambda: warmed.append(True))
    builders.insert_run("run-new", status="queued")

    dispatcher.step()
    in_patience = list(started)
    monkeypatch.setattr(dispatcher, "HOST_PATIENCE_SECONDS", 0.0)
    dispatcher.step()

    assert in_patience == []
    assert warmed == [True, True]
    assert started == [("run", "run-new", "cpu")]


def test_a_run_taken_out_of_the_queue_is_never_started(dataset, started):
    builders.insert_run("run-1", status="queued")

    runs.stop("run-1")
    dispatcher.step()

    assert started == []
    assert runs.get("run-1").status == "stopped"


def _wait_for(status: str, run_id: str) -> str:
    until = time.monotonic() + 30
    while runs.get(run_id).status != status and time.monotonic() < until:
        dispatcher.sweep()
        dispatcher.step()
        time.sleep(0.05)
    return runs.get(run_id).status


@pytest.fixture
def stub_engine(monkeypatch) -> None:
    """Start workers for real, detached and all, but of the engine without torch."""
    monkeypatch.setenv("WINNOW_ENGINE", "tests.stub_engine")
    monkeypatch.setattr(hosts, "is_ready", lambda: True)
    monkeypatch.setattr(devices, "list_devices", lambda: ("cpu",))


def test_two_queued_runs_end_one_after_the_other_in_processes_of_their_own(dataset, stub_engine):
    builders.insert_run("run-1", status="queued", created_at=1.0)
    builders.insert_run("run-2", status="queued", created_at=2.0)

    ends = [_wait_for("finished", "run-1"), _wait_for("finished", "run-2")]

    first, second = runs.get("run-1"), runs.get("run-2")
    assert ends == ["finished", "finished"], runs.log("run-1")
    assert first.finished_at <= second.started_at


def test_a_killed_run_is_lost_and_the_next_one_gets_the_device(dataset, stub_engine):
    import psutil
    import sqlalchemy as sa

    from core.store import database, schema

    hanging = builders.RECIPE.model_copy(update={"name": "hang"}).model_dump(mode="json")
    builders.insert_run("run-1", status="queued", created_at=1.0, recipe=hanging)
    builders.insert_run("run-2", status="queued", created_at=2.0)
    pid = None
    until = time.monotonic() + 30
    while pid is None and time.monotonic() < until:
        dispatcher.step()
        with database.reading() as connection:
            query = sa.select(schema.runs.c.pid).where(schema.runs.c.id == "run-1")
            pid = connection.execute(query).scalar()

    psutil.Process(pid).kill()

    assert _wait_for("lost", "run-1") == "lost"
    assert "killed" in runs.get("run-1").error
    assert _wait_for("finished", "run-2") == "finished"


def test_a_second_dispatcher_on_the_same_home_waits_for_the_lock(dataset, started, monkeypatch):
    asked = threading.Event()
    stop = threading.Event()
    taken = dispatcher._taken

    def watched(lock: object) -> bool:
        found = taken(lock)
        asked.set()
        return found

    monkeypatch.setattr(dispatcher, "_taken", watched)
    monkeypatch.setattr(dispatcher, "SWEEP_SECONDS", 0.05)
    builders.insert_run("run-1", status="queued")
    with files.lock("dispatcher").open("a") as lock:
        assert taken(lock)
        thread = threading.Thread(target=dispatcher.serve, args=(stop,))
        thread.start()
        assert asked.wait(30)
        while_held = list(started)
    until = time.monotonic() + 30
    while not started and time.monotonic() < until:
        time.sleep(0.02)
    stop.set()
    thread.join(timeout=30)

    assert while_held == []
    assert started == [("run", "run-1", "cpu")]


def test_a_worker_that_cannot_be_started_fails_its_run_and_not_the_queue(dataset, monkeypatch):
    monkeypatch.setattr(devices, "list_devices", lambda: ("cpu",))
    monkeypatch.setattr(hosts, "is_ready", lambda: True)

    def refuse(*_arguments: object, **_more: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(executor, "start", refuse)
    builders.insert_run("run-1", status="queued")

    dispatcher.step()

    assert runs.get("run-1").status == "failed"
    assert "could not be started" in runs.get("run-1").error


def test_a_run_on_two_devices_waits_until_both_are_free_and_lets_no_younger_one_pass(
    dataset, started, monkeypatch
):
    monkeypatch.setattr(devices, "list_devices", lambda: ("cuda:0", "cuda:1"))
    two = builders.RECIPE.model_copy(update={"n_devices": 2}).model_dump(mode="json")
    builders.insert_run("run-now", status="running", device="cuda:1", created_at=1.0)
    builders.insert_run("run-two", status="queued", created_at=2.0, recipe=two)
    builders.insert_run("run-late", status="queued", created_at=3.0)

    dispatcher.step()
    before = list(started)
    with database.writing() as connection:
        mine = sa.update(schema.runs).where(schema.runs.c.id == "run-now")
        connection.execute(mine.values(status="finished"))
    dispatcher.step()
    dispatcher.step()

    assert before == []
    assert started == [("run", "run-two", "cuda:0,cuda:1")]
    assert devices.environment("cuda:0,cuda:1") == {"CUDA_VISIBLE_DEVICES": "0,1"}


def test_on_a_cpu_several_processes_share_one_device(dataset, started):
    two = builders.RECIPE.model_copy(update={"n_devices": 2}).model_dump(mode="json")
    builders.insert_run("run-two", status="queued", recipe=two)

    dispatcher.step()

    assert started == [("run", "run-two", "cpu")]
