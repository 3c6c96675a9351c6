"""The steps of `benchmarks.datasets`, each in a process of its own: it prints one line of JSON.

    WINNOW_HOME=… python -m benchmarks.dataset_steps STEP ROOT

CPU-seconds are user and system time of the process and the children that it waited for; imports
are not counted, but for those that a scan itself puts off until it needs them.
"""

import importlib.util
import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

Found = dict[str, Any]
N_REPEATS = 7
N_CACHED = 2000
N_ANEW = 400


def scan(root: str) -> Found:
    """Open a folder and scan it for the first time."""
    from core.datasets import catalog
    from core.datasets import scan as scanning

    dataset = catalog.open_folder(root)
    found = _timed(lambda: scanning.run(dataset.id, _Silent()))
    own, children = (
        resource.getrusage(who).ru_maxrss / 1024
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return {**found, "n_images": found["result"]["n_images"], "peak_mb": own, "child_mb": children}


def rescan(root: str) -> Found:
    """Scan a folder in which nothing has changed, in turn with a bare walk over it."""
    from core.datasets import catalog
    from core.datasets import scan as scanning

    dataset = catalog.open_folder(root)
    pairs = [
        (
            _timed(lambda: scanning.run(dataset.id, _Silent()))["seconds"],
            _timed(lambda: _walk(root))["seconds"],
        )
        for _ in range(N_REPEATS)
    ]
    scans, walks = zip(*pairs, strict=True)
    return {
        "seconds": statistics.median(scans),
        "walk_seconds": statistics.median(walks),
        "ratio": statistics.median(one / other for one, other in pairs),
    }


def fastai(root: str) -> Found:
    """List and verify images as fastai does."""
    from fastai.vision.utils import get_image_files, verify_images

    listing = _timed(lambda: get_image_files(root))
    verifying = _timed(lambda: verify_images(listing["result"]))
    return {
        "n_images": len(listing["result"]),
        "list_seconds": listing["seconds"],
        "verify_seconds": verifying["seconds"],
        "verify_cpu_seconds": verifying["cpu_seconds"],
    }


def cleanvision(root: str) -> Found | None:
    """Look for issues as cleanvision does; None where it is not installed."""
    if importlib.util.find_spec("cleanvision") is None:
        return None
    from cleanvision import Imagelab

    return _timed(lambda: Imagelab(data_path=root).find_issues())


def thumbnails(root: str) -> Found:
    """Ask the server's route for thumbnails that are kept; let others be made anew."""
    from starlette.applications import Starlette
    from starlette.testclient import TestClient

    from core.datasets import catalog
    from core.datasets import thumbnails as small
    from pages.parts import routes

    hashes = _content_hashes(catalog.open_folder(root).id)
    with TestClient(Starlette(routes=routes.ROUTES)) as client:

        def ask(some: list[str]) -> None:
            for content_hash in some:
                assert client.get(f"/thumb/{content_hash}/256").status_code == 200

        ask(hashes[:20])
        kept = _timed(lambda: ask(hashes))
    missing = hashes[:N_ANEW]
    small.get(hashes[-1], size_px=512)  # the child that makes them takes a moment to start
    for content_hash in missing:
        small.get(content_hash).unlink()
    anew = _timed(lambda: [small.get(content_hash) for content_hash in missing])
    return {
        "kept_a_second": len(hashes) / kept["seconds"],
        "made_a_second": len(missing) / anew["seconds"],
    }


class _Silent:
    """Stands in for a task's lease."""

    def report(self, **columns: Any) -> None:
        """Say nothing."""

    def should_stop(self) -> bool:
        """Go on."""
        return False


def _timed(do: Callable[[], Any]) -> Found:
    began, worked = time.perf_counter(), _cpu_seconds()
    result = do()
    return {
        "seconds": time.perf_counter() - began,
        "cpu_seconds": _cpu_seconds() - worked,
        "result": result,
    }


def _cpu_seconds() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def _walk(folder: str) -> int:
    """Visit every entry below a folder with its size and time: the least that a rescan must do."""
    total = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                total += _walk(entry.path)
            else:
                status = entry.stat(follow_symlinks=False)
                total += status.st_size > 0 and status.st_mtime_ns > 0
    return total


def _content_hashes(dataset_id: str) -> list[str]:
    import sqlalchemy as sa

    from core.store import database, schema

    column = schema.items.c.content_hash
    mine = schema.items.c.dataset_id == dataset_id
    with database.reading() as connection:
        return list(connection.execute(sa.select(column).where(mine).limit(N_CACHED)).scalars())


STEPS: dict[str, Callable[[str], Found | None]] = {
    "scan": scan,
    "rescan": rescan,
    "fastai": fastai,
    "cleanvision": cleanvision,
    "thumbnails": thumbnails,
}


def main() -> None:
    """Do one step."""
    step, root = sys.argv[1:]
    with redirect_stdout(sys.stderr):  # what others print is not the answer
        found = STEPS[step](str(Path(root).resolve()))
    shown = {name: value for name, value in (found or {}).items() if name != "result"}
    print(json.dumps(shown if found is not None else None))


if __name__ == "__main__":
    main()
