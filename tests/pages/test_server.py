"""The server's life: the dispatcher begins and ends with it, the engine is warmed if wanted."""

import gc
import threading

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.runs import dispatcher, hosts
from pages.parts import server


@pytest.fixture
def seen(monkeypatch) -> list[str]:
    """Record what the lifespan starts; the dispatcher waits for its stop as the real one does."""
    calls: list[str] = []

    def serve(stop: threading.Event) -> None:
        calls.append("dispatcher began")
        stop.wait()
        calls.append("dispatcher ended")

    monkeypatch.setattr(dispatcher, "serve", serve)
    monkeypatch.setattr(hosts, "warm", lambda: calls.append("engine warmed"))
    monkeypatch.delenv("WINNOW_PRELOAD", raising=False)
    return calls


def live() -> None:
    with TestClient(Starlette(lifespan=server.lifespan)):
        pass


def test_the_dispatcher_ends_with_the_server(seen):
    live()

    assert seen == ["engine warmed", "dispatcher began", "dispatcher ended"]


def test_the_engine_is_not_warmed_where_that_is_not_wanted(seen, monkeypatch):
    monkeypatch.setenv("WINNOW_PRELOAD", "0")

    live()

    assert "engine warmed" not in seen


def test_what_was_imported_stays_out_of_the_garbage_collection(seen):
    live()

    assert gc.get_freeze_count() > 10_000
