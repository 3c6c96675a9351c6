import fcntl
import os

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


def announce(code: str) -> None:
    files.write_json(files.engine_folder() / "ready", {"pid": 4242, "code": code})


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


def test_a_host_of_other_code_is_replaced(calls, running_host):
    announce("0.0.1+older")

    hosts.warm()

    assert calls == [("end", "4242"), ("start", "core.engine.host")]
    assert not hosts.is_ready()


def test_what_a_killed_host_left_behind_is_no_host(calls):
    announce(version.code_version())

    assert not hosts.is_ready()
    assert not hosts.fork("run", "run-1", log=files.run_log("run-1"))
