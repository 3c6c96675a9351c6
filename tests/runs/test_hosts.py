import fcntl
import os

import psutil
import pytest

from core.runs import hosts, processes
from core.store import files, version


@pytest.fixture
def calls(monkeypatch) -> list[tuple[str, ...]]:
    """Write down what would be started and killed."""
    made: list[tuple[str, ...]] = []
    monkeypatch.setattr(
        processes, "start", lambda module, _arguments, **_more: made.append(("start", module))
    )
    monkeypatch.setattr(os, "kill", lambda pid, _signal: made.append(("end", str(pid))))
    return made


@pytest.fixture
def running_host():
    """Hold the lock as a host does."""
    with (files.engine_folder() / "host.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def announce(code: str, *, alive: bool = True) -> None:
    me = psutil.Process()
    started_at = me.create_time() if alive else 0.0
    about = {"pid": me.pid, "started_at": started_at, "code": code}
    files.write_json(files.engine_folder() / "ready", about)


@pytest.fixture(autouse=True)
def long_after_the_last_start(monkeypatch) -> None:
    monkeypatch.setattr(hosts, "_started_at", -1e9)


def test_without_a_host_one_is_started(calls):
    hosts.warm()

    assert calls == [("start", "core.engine.host")]
    assert not hosts.is_ready()


def test_a_host_of_this_code_is_left_alone(calls, running_host):
    announce(version.code_version())

    hosts.warm()

    assert calls == []
    assert hosts.is_ready()


def test_a_host_that_still_imports_is_left_alone_and_is_not_ready(calls, running_host):
    hosts.warm()

    assert calls == []
    assert not hosts.is_ready()


def test_a_server_that_starts_replaces_a_host_of_other_code(calls, running_host):
    announce("0.0.1+older")

    hosts.renew()

    assert calls == [("end", str(os.getpid())), ("start", "core.engine.host")]


def test_a_stranger_that_bears_an_old_hosts_number_is_not_ended(calls):
    announce("0.0.1+older", alive=False)

    hosts.renew()

    assert calls == [("start", "core.engine.host")]


def test_a_host_is_not_started_again_while_it_takes_its_lock(calls):
    hosts.warm()
    hosts.warm()

    assert calls == [("start", "core.engine.host")]


def test_what_a_killed_host_left_behind_is_no_host(calls):
    announce(version.code_version())

    assert not hosts.is_ready()
    assert not hosts.fork("run", "run-1", log=files.run_log("run-1"))
