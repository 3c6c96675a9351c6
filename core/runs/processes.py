"""Start programs that outlive the server: own session, no pipe, output into a file."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def start(
    module: str,
    arguments: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Start `python -m module arguments…` detached; it is told apart by the row that it takes.

    An intermediate shell-less parent is not needed: the child has a session of its own, and the
    server reaps it when it ends (`reap`).
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=PROJECT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _children.append(child)


def reap() -> None:
    """Collect the ended children, so that none stays a zombie."""
    _children[:] = [child for child in _children if child.poll() is None]


_children: list["subprocess.Popen[bytes]"] = []
