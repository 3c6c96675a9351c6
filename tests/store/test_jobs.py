import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
import sqlalchemy as sa

from core.domain.errors import ConflictError, InputError, StoreError
from core.runs.processes import PROJECT
from core.store import clock, database, jobs, schema

TASKS = schema.tasks


def insert_task(task_id: str = "task-1", **columns: object) -> str:
    values = {
        "id": task_id,
        "kind": "scan",
        "params": {},
        "status": "running",
        "created_at": clock.now(),
        "heartbeat_at": clock.now(),
        **columns,
    }
    with database.writing() as connection:
        connection.execute(sa.insert(TASKS).values(**values))
    return task_id


def row(task_id: str = "task-1") -> sa.Row:
    with database.reading() as connection:
        return connection.execute(sa.select(TASKS).where(TASKS.c.id == task_id)).one()


def test_a_lease_brings_progress_and_rows_with_its_end():
    insert_task()

    with jobs.Lease(TASKS, "task-1") as lease:
        assert row().pid == os.getpid()
        lease.report(progress_done=3, progress_total=4)
        lease.finish("finished", result={"n": 3})

    assert (row().status, row().progress_done, row().result) == ("finished", 3, {"n": 3})


def test_a_row_has_one_worker():
    insert_task()

    with jobs.Lease(TASKS, "task-1") as lease:
        with pytest.raises(ConflictError, match="task-1"):
            jobs.Lease(TASKS, "task-1").__enter__()
        lease.finish("finished")


def test_a_sentence_raised_in_the_work_ends_the_row_as_failed_with_it():
    insert_task()

    def do(_lease: jobs.Lease) -> None:
        raise InputError("The folder is empty.", hint="Choose another.")

    jobs.work(TASKS, "task-1", do)

    assert (row().status, row().error, row().hint) == (
        "failed",
        "The folder is empty.",
        "Choose another.",
    )


def test_a_bug_in_the_work_ends_the_row_as_failed_and_prints_its_trace(capsys):
    insert_task()

    def do(_lease: jobs.Lease) -> None:
        raise KeyError("gone")

    jobs.work(TASKS, "task-1", do)

    assert row().status == "failed"
    assert "KeyError: 'gone'" in row().error
    assert "Traceback" in capsys.readouterr().err


def test_a_stop_reaches_the_work():
    insert_task()

    def do(lease: jobs.Lease) -> None:
        jobs.request_stop(TASKS, "task-1")
        until = time.monotonic() + 10
        while not lease.should_stop() and time.monotonic() < until:
            time.sleep(0.01)
        lease.finish("stopped" if lease.should_stop() else "finished")

    jobs.work(TASKS, "task-1", do)

    assert row().status == "stopped"


def test_what_nobody_has_begun_stops_at_once():
    insert_task(status="queued")

    jobs.request_stop(TASKS, "task-1")

    assert row().status == "stopped"


def test_a_killed_worker_is_found_lost_and_a_living_one_is_not():
    insert_task("task-dead")
    insert_task("task-alive")
    code = (
        "import sys, time\n"
        "from core.store import jobs, schema\n"
        "with jobs.Lease(schema.tasks, sys.argv[1]):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(60)\n"
    )
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", code, name], cwd=PROJECT, stdout=subprocess.PIPE, text=True
        )
        for name in ("task-dead", "task-alive")
    ]
    for worker in workers:
        worker.stdout.readline()

    workers[0].send_signal(signal.SIGKILL)
    workers[0].wait()
    lost = jobs.sweep(TASKS)

    workers[1].kill()
    workers[1].wait()
    assert lost == ["task-dead"]
    assert row("task-dead").status == "lost"
    assert row("task-alive").status == "running"


def test_a_worker_that_never_comes_or_falls_silent_is_lost_after_a_minute(monkeypatch):
    insert_task("task-new")
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    at_first = jobs.sweep(TASKS)
    monkeypatch.setattr(time, "monotonic", lambda: now + 61)

    assert at_first == []
    assert jobs.sweep(TASKS) == ["task-new"]


def test_a_run_that_slept_along_with_its_machine_is_not_lost():
    me = psutil.Process()
    slept = {"pid": me.pid, "process_started_at": me.create_time()}
    insert_task("task-slept", heartbeat_at=clock.now() - 3600, **slept)

    assert jobs.sweep(TASKS) == []


def test_rows_that_a_full_disk_refused_are_written_when_there_is_room_again():
    insert_task()
    refused, written, committed = [], [], []

    def flush(_connection: sa.Connection) -> None:
        if not refused:
            refused.append(True)
            raise StoreError("The disk is full.")
        written.append(True)

    with jobs.Lease(TASKS, "task-1") as lease:
        lease.on_flush(flush, lambda: committed.append(True))
        until = time.monotonic() + 10
        while not committed and time.monotonic() < until:
            time.sleep(0.01)
        lease.finish("finished")

    assert [len(each) > 0 for each in (refused, written, committed)] == [True] * 3
    assert row().status == "finished"


def test_a_row_that_cannot_be_written_ends_the_work_as_failed():
    insert_task()
    asked = []

    def do(lease: jobs.Lease) -> None:
        def flush(_connection: sa.Connection) -> None:
            if not asked:
                asked.append(True)
                raise ValueError("not a row")

        lease.on_flush(flush)
        until = time.monotonic() + 10
        while not lease.should_stop() and time.monotonic() < until:
            time.sleep(0.01)
        lease.finish("stopped")

    jobs.work(TASKS, "task-1", do)

    assert row().status == "failed"
    assert "not a row" in row().error


def test_a_worker_that_was_taken_for_lost_writes_nothing_more(capsys):
    insert_task()
    written = []

    def do(lease: jobs.Lease) -> None:
        lease.on_flush(lambda connection: written.append("row"))
        with database.writing() as connection:
            connection.execute(sa.update(TASKS).values(status="lost"))
        with pytest.raises(ConflictError, match="no longer its own"):
            lease.save_now()
        lease.finish("finished")

    jobs.work(TASKS, "task-1", do)

    assert written == []
    assert row().status == "lost"
    assert "no longer its own" in capsys.readouterr().err
