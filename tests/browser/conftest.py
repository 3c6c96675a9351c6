"""A real server with a home of its own, and a real Chromium in front of it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from core.domain.items import Dataset
from tests.pages import library

PROJECT = Path(__file__).resolve().parents[2]
CHROMIUM = Path(os.environ.get("WINNOW_CHROMIUM", "/usr/bin/chromium"))
START_SECONDS = 60.0
expect.set_options(timeout=20_000)  # a busy machine draws a chart late


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the system's Chromium, or skip where there is none."""
    if not CHROMIUM.exists():
        pytest.skip(f"needs Chromium at {CHROMIUM} (WINNOW_CHROMIUM names another place)")
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Open an empty tab; errors in the page's scripts fail the test."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    opened = context.new_page()
    failures: list[str] = []
    opened.on("pageerror", lambda error: failures.append(str(error)))
    yield opened
    context.close()
    assert failures == []


@pytest.fixture(autouse=True)
def home(shared_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the tests of this folder share a home, and so one server; each makes its own dataset."""
    monkeypatch.setenv("WINNOW_HOME", str(shared_home))
    monkeypatch.delenv("WINNOW_DATABASE_URL", raising=False)
    return shared_home


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the home folder of the server."""
    return tmp_path_factory.mktemp("browser") / "home"


@pytest.fixture(scope="session")
def server(shared_home: Path) -> Iterator[str]:
    """Start the app on a free port, and give its address."""
    shared_home.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    log = (shared_home.parent / "server.log").open("wb")
    options = ["--server.port", str(port), "--server.headless", "true"]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", *options]
    environment = {**os.environ, "WINNOW_HOME": str(shared_home), "WINNOW_PRELOAD": "0"}
    process = subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdout=log, stderr=subprocess.STDOUT
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _await(process, f"{address}/_stcore/health", Path(log.name))
        yield address
    finally:
        process.terminate()
        process.wait(20)
        log.close()
        _end_host(shared_home / "engine" / "ready")


@pytest.fixture
def pets(tmp_path: Path) -> Dataset:
    """Give a dataset of twelve cats and ten dogs."""
    return library.open_scanned(library.write_images(tmp_path / "pets", {"cat": 12, "dog": 10}))


def _end_host(ready: Path) -> None:
    """End the engine process that the server started: it outlives it on purpose."""
    if ready.exists():
        os.kill(json.loads(ready.read_text(encoding="utf-8"))["pid"], signal.SIGTERM)


def settle(page: Page) -> None:
    """Wait until the app's script has run to its end."""
    page.wait_for_selector(
        "[data-testid=stApp][data-test-script-state=notRunning]", state="attached", timeout=30_000
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            if process.poll() is not None:
                break
            time.sleep(0.1)  # a server that starts gives no other sign
    raise AssertionError(f"The server did not start:\n{log.read_text(errors='replace')}")
