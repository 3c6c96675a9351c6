"""What waits is downloaded as far as it can be, and nothing is lost by a stop or a kill."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core.datasets import catalog, images, scan
from core.datasets.urls import arriving, downloading, downloads, lists, shelving
from core.datasets.urls.downloads import Download
from core.datasets.urls.fetching import Limits
from core.datasets.urls.turns import Turns
from core.domain.errors import ConflictError, FolderError, StoreError, UrlError
from core.domain.items import Dataset
from core.store import database, schema
from tests.datasets import corpus, servers
from tests.datasets.servers import Server
from tests.datasets.shelves import Lease

PROJECT = Path(__file__).resolve().parents[2]
LIMITS = Limits(connect_seconds=5, read_seconds=5, total_seconds=5, max_bytes=100_000)
PRIVATE = {"allow_private": True}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once."""
    monkeypatch.setattr(arriving, "PAUSES_SECONDS", (0.0, 0.0))


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve six photos."""
    pages = {f"/photo-{at}.jpg": servers.answer(corpus.jpeg(at)) for at in range(6)}
    with servers.serving(pages) as made:
        yield made


def listed(server: Server, table: dict[str, list[str]]) -> Dataset:
    """Make a dataset of a server's pages by class."""
    texts = {label: "\n".join(map(server.url, paths)) for label, paths in table.items()}
    return downloads.make(
        [lists.parse(text, name=f"{label}.txt") for label, text in texts.items()], name="Web"
    )


def run(dataset: Dataset, lease: Any = None) -> dict[str, Any] | None:
    """Download from this machine."""
    return downloading.run(dataset.id, PRIVATE, lease or Lease(), limits=LIMITS)


def rows(dataset: Dataset) -> list[Download]:
    """List all rows by class and rank."""
    return list(downloads.list_rows(dataset.id).rows)


def found(dataset: Dataset) -> set[str]:
    """List whatever lies below a dataset's folder."""
    root = Path(dataset.root)
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def test_photos_come_by_class_with_their_rank_and_end_as_what_they_hold(server: Server) -> None:
    server.pages["/b%C3%A4r%2F..%2Fb.php"] = servers.answer(
        corpus.encoded(corpus.picture(9), "PNG"), Content_Type="text/html"
    )
    server.pages["/"] = servers.answer(corpus.encoded(corpus.picture(8), "WEBP"))
    dataset = listed(
        server,
        {"cat": ["/photo-1.jpg", "/b%C3%A4r%2F..%2Fb.php?x=.jpg", "/"], "dog": ["/photo-0.jpg"]},
    )
    lease = Lease()

    result = run(dataset, lease)

    assert result is not None
    assert result.pop("seconds") > 0
    assert result == {
        "n_ok": 4,
        "n_copy": 0,
        "n_not_image": 0,
        "n_failed": 0,
        "n_waiting": 0,
    }
    assert found(dataset) == {
        "cat/00001-photo-1.jpg",
        "cat/00002-b.png",
        "cat/00003.webp",
        "dog/00001-photo-0.jpg",
    }
    last = lease.reports[-1]
    assert (last["progress_done"], last["progress_total"]) == (4, 4)
    assert last["progress_rate"] > 0


def test_ranks_reach_the_items(server: Server) -> None:
    dataset = listed(server, {"cat": [f"/photo-{at}.jpg" for at in (3, 1, 2)]})
    run(dataset)

    scan.run(dataset.id, Lease())

    items = catalog.list_items(dataset.id).items
    assert [(item.name, item.rank) for item in items] == [
        ("00001-photo-3.jpg", 1),
        ("00002-photo-1.jpg", 2),
        ("00003-photo-2.jpg", 3),
    ]
    assert catalog.get(dataset.id).ignored == {}


def test_what_is_no_image_or_fails_is_told_and_can_be_tried_again(server: Server) -> None:
    server.pages["/page.jpg"] = servers.answer(b"<!DOCTYPE html><html>no</html>")
    server.pages["/half.jpg"] = servers.answer(corpus.jpeg(7, (200, 160))[:1500])
    server.pages["/busy.jpg"] = servers.answer(b"", status=503)
    server.pages["/large.jpg"] = servers.answer(bytes(100_001))
    paths = ["/page.jpg", "/half.jpg", "/lost.jpg", "/busy.jpg", "/large.jpg", "/photo-0.jpg"]
    dataset = listed(server, {"cat": paths})

    first = run(dataset)
    told = [(row.status, row.reason, row.n_tries) for row in rows(dataset)]
    server.pages["/busy.jpg"] = server.pages["/page.jpg"] = servers.answer(corpus.jpeg(5))
    waiting = downloads.retry(dataset.id, "failed") + downloads.retry(dataset.id, "not_image")
    second = run(dataset)

    assert told == [
        ("not_image", "is HTML, not an image", 1),
        ("not_image", "ends too early", 1),
        ("failed", "answers 404", 1),
        ("failed", "answers 503", 3),
        ("failed", "is larger than 0.1 MB", 1),
        ("ok", None, 1),
    ]
    assert first is not None
    assert second is not None
    assert (waiting, first["n_failed"], second["n_failed"]) == (5, 3, 2)
    assert (second["n_ok"], second["n_copy"], second["n_not_image"]) == (2, 1, 1)
    assert len(found(dataset)) == 2
    assert server.paths.count("/photo-0.jpg") == 1


def test_a_copy_in_its_class_is_left_out_and_one_in_another_class_is_kept(
    server: Server,
) -> None:
    server.pages["/again.jpg"] = server.pages["/photo-0.jpg"]
    dataset = listed(server, {"cat": ["/photo-0.jpg", "/again.jpg"], "dog": ["/again.jpg"]})

    run(dataset)

    one, other, dog = rows(dataset)
    kept, copy = (one, other) if one.status == "ok" else (other, one)
    assert (copy.status, copy.path) == ("copy", kept.path)
    assert copy.reason == f"is the same file as {kept.path}"
    assert (dog.status, dog.content_hash) == ("ok", kept.content_hash)
    assert found(dataset) == {kept.path, "dog/00001-again.jpg"}


def test_addresses_inside_are_refused_unless_they_are_allowed(server: Server) -> None:
    dataset = listed(server, {"cat": ["/photo-0.jpg"]})

    downloading.run(dataset.id, {}, Lease())

    (row,) = rows(dataset)
    assert row.status == "failed"
    assert row.reason is not None
    assert row.reason.startswith("leads to an address inside this machine")
    assert server.paths == []


def test_a_redirect_to_a_name_that_cannot_exist_fails_alone(server: Server) -> None:
    as_sent = "http://\u2024/".encode().decode("latin-1")  # a sign that becomes a dot
    server.pages["/trap.jpg"] = servers.redirect(as_sent)
    dataset = listed(server, {"cat": ["/trap.jpg", "/photo-0.jpg"]})

    result = run(dataset)

    trap, photo = rows(dataset)
    assert result is not None
    assert (result["n_waiting"], photo.status) == (0, "ok")
    assert trap.reason == "is redirected to http://\u2024/, which names a host that cannot exist"


def test_a_row_that_was_stored_with_such_a_name_fails_alone(server: Server) -> None:
    dataset = listed(server, {"cat": ["/photo-0.jpg", "/photo-1.jpg"]})
    first = sa.update(schema.downloads).where(schema.downloads.c.rank == 1)
    with database.writing() as connection:
        connection.execute(first.values(url="http://a\u2024\u2024b.example/1.jpg"))

    run(dataset)

    assert [(row.status, row.reason) for row in rows(dataset)] == [
        ("failed", "names a host that cannot exist"),
        ("ok", None),
    ]


def test_a_folder_that_is_somebodys_own_by_now_is_not_downloaded_into(
    server: Server, tmp_path: Path
) -> None:
    dataset = listed(server, {"cat": ["/photo-0.jpg"]})
    kept = corpus.put(tmp_path / "mine" / ".downloads" / "kept.txt", b"mine")
    catalog.move(dataset.id, str(tmp_path / "mine"))

    with pytest.raises(UrlError, match="lies in a folder of yours now") as caught:
        run(dataset)

    assert caught.value.hint == "Make a new dataset of the list."
    assert [path for path in tmp_path.joinpath("mine").rglob("*") if path.is_file()] == [kept]
    assert downloads.counts(dataset.id)["waiting"] == 1
    assert server.paths == []


def test_a_stop_keeps_what_has_come_and_the_rest_waits(server: Server) -> None:
    until = threading.Event()
    for at in range(6, 20):
        server.pages[f"/photo-{at}.jpg"] = servers.silent(until)
    dataset = listed(server, {"cat": [f"/photo-{at}.jpg" for at in range(20)]})
    lease = StopWhenDone(6)

    stopped = run(dataset, lease)
    after_stop = downloads.counts(dataset.id)
    for at in range(6, 20):
        server.pages[f"/photo-{at}.jpg"] = servers.answer(corpus.jpeg(at))
    until.set()
    result = run(dataset)

    assert stopped is None
    assert (after_stop["ok"], after_stop["waiting"], after_stop["failed"]) == (6, 14, 0)
    assert result is not None
    assert result["n_ok"] == len(found(dataset)) == 20
    assert [row.path for row in rows(dataset)] == [
        f"cat/{at + 1:05d}-photo-{at}.jpg" for at in range(20)
    ]
    assert server.paths.count("/photo-0.jpg") == 1


def test_a_stop_does_not_wait_for_the_next_try(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arriving, "PAUSES_SECONDS", (60.0, 60.0))
    server.pages["/busy.jpg"] = servers.answer(b"", status=503)
    dataset = listed(server, {"cat": ["/busy.jpg"]})

    class StopWhenAsked(Lease):
        def should_stop(self) -> bool:
            return server.asked != []

    began = time.monotonic()
    stopped = run(dataset, StopWhenAsked())

    assert stopped is None
    assert time.monotonic() - began < 10
    assert [(row.status, row.n_tries) for row in rows(dataset)] == [("waiting", 0)]


class StopWhenDone(Lease):
    """Asks for an end once so many are done."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def should_stop(self) -> bool:
        return any(report["progress_done"] >= self._number for report in self.reports)


KILLED = """
import sys
from core.datasets.urls import downloading
from tests.datasets.shelves import Lease
downloading.FLUSH_ROWS = int(sys.argv[2])
downloading.FLUSH_SECONDS = 60
downloading.run(sys.argv[1], {"allow_private": True}, Lease())
"""


def is_far(dataset: Dataset, *, stored: bool) -> bool:
    """Say whether six files have their names, or also their rows."""
    if stored:
        return downloads.counts(dataset.id)["ok"] == 6
    return sum(path.startswith("cat/") for path in found(dataset)) == 6


@pytest.mark.parametrize("flush_rows", [1, 100])
def test_a_killed_download_goes_on_where_it_was(server: Server, flush_rows: int) -> None:
    come = threading.Event()

    def deadly(_: BaseHTTPRequestHandler) -> None:
        come.wait(10)
        os.kill(process.pid, signal.SIGKILL)

    paths = [f"/photo-{at}.jpg" for at in range(6)]
    dataset = listed(server, {"cat": [*paths, "/deadly.jpg"]})
    server.pages["/deadly.jpg"] = deadly
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, dataset.id, str(flush_rows)], cwd=PROJECT
    )
    while not is_far(dataset, stored=flush_rows == 1):
        assert process.poll() is None
        threading.Event().wait(0.02)
    come.set()
    process.wait()
    between = downloads.counts(dataset.id)
    server.pages["/deadly.jpg"] = servers.answer(corpus.jpeg(6))

    result = run(dataset)

    assert between["ok"] + between["waiting"] == 7
    assert between["ok"] == (6 if flush_rows == 1 else 0)
    assert result is not None
    assert result["n_ok"] == 7
    assert found(dataset) == {row.path for row in rows(dataset)}
    assert {row.path for row in rows(dataset)} == {
        f"cat/{at + 1:05d}-{name}.jpg"
        for at, name in enumerate([f"photo-{at}" for at in range(6)] + ["deadly"])
    }


def test_a_file_of_other_content_is_never_written_over(server: Server) -> None:
    dataset = listed(server, {"cat": ["/photo-0.jpg", "/photo-1.jpg"]})
    root = Path(dataset.root)
    foreign = corpus.put(root / "cat" / "00001-photo-0.jpg", corpus.jpeg(77))
    corpus.put(root / "cat" / "00002-photo-1.jpg", corpus.jpeg(1))

    run(dataset)

    first, second = rows(dataset)
    assert foreign.read_bytes() == corpus.jpeg(77)
    assert first.path == f"cat/00001-photo-0-{first.id}.jpg"
    assert second.path == "cat/00002-photo-1.jpg"
    assert len(found(dataset)) == 3


def test_names_are_counted_up_until_one_is_free(server: Server) -> None:
    dataset = listed(server, {"cat": ["/photo-0.jpg"]})
    (row,) = rows(dataset)
    names = ("00001-photo-0", f"00001-photo-0-{row.id}", f"00001-photo-0-{row.id}-2")
    for at, name in enumerate(names):
        corpus.put(Path(dataset.root) / "cat" / f"{name}.jpg", corpus.jpeg(70 + at))

    run(dataset)

    (row,) = rows(dataset)
    assert row.path == f"cat/00001-photo-0-{row.id}-3.jpg"
    for at, name in enumerate(names):
        there = Path(dataset.root) / "cat" / f"{name}.jpg"
        assert there.read_bytes() == corpus.jpeg(70 + at)


def test_what_is_a_copy_of_a_deleted_file_is_kept(server: Server) -> None:
    server.pages["/again.jpg"] = server.pages["/photo-0.jpg"]
    dataset = listed(server, {"cat": ["/photo-0.jpg"]})
    run(dataset)
    (Path(dataset.root) / "cat" / "00001-photo-0.jpg").unlink()
    downloads.add(dataset.id, lists.parse(server.url("/again.jpg"), name="cat.txt"))

    run(dataset)

    _, again = rows(dataset)
    assert (again.status, again.path) == ("ok", "cat/00001-again.jpg")
    assert found(dataset) == {"cat/00001-again.jpg"}


def test_a_class_folder_that_leads_out_is_not_written_to(server: Server, tmp_path: Path) -> None:
    dataset = listed(server, {"cat": ["/photo-0.jpg"]})
    outside = tmp_path / "outside"
    outside.mkdir()
    (Path(dataset.root) / "cat").symlink_to(outside)

    with pytest.raises(FolderError, match="leads out of its dataset's folder"):
        run(dataset)

    assert list(outside.iterdir()) == []
    assert downloads.counts(dataset.id)["waiting"] == 1


def test_a_folder_that_cannot_be_written_to_ends_the_download_and_loses_no_row(
    server: Server,
) -> None:
    dataset = listed(server, {"cat": ["/photo-0.jpg"]})
    (Path(dataset.root) / "cat").write_text("a file is in the way")

    with pytest.raises(StoreError, match="could not be written"):
        run(dataset)

    assert downloads.counts(dataset.id)["waiting"] == 1


def test_a_second_download_of_a_dataset_is_refused_meanwhile(server: Server) -> None:
    dataset = listed(server, {"cat": ["/photo-0.jpg"]})
    refused: list[ConflictError] = []

    class Again(Lease):
        def should_stop(self) -> bool:
            if not refused:
                with pytest.raises(ConflictError) as caught:
                    run(dataset)
                refused.append(caught.value)
            return False

    result = run(dataset, Again())

    assert refused[0].sentence == "The addresses of this dataset are being downloaded already."
    assert result is not None
    assert result["n_ok"] == 1


def test_hosts_take_turns_and_none_is_asked_for_more_than_two_at_once() -> None:
    urls = "\n".join(f"https://{host}.example/{at}" for host in "ab" for at in range(4))
    dataset = downloads.make([lists.parse(urls, name="cat.txt")], name="Web")
    turns = Turns(rows(dataset))

    first = [turns.take() for _ in range(4)]
    none_free = turns.take()
    turns.give_back(first[0])
    next_one = turns.take()

    taken = [row.url.removeprefix("https://") for row in (*first, next_one) if row is not None]
    assert taken == ["a.example/0", "b.example/0", "a.example/1", "b.example/1", "a.example/2"]
    assert none_free is None
    assert turns.take() is None


def test_every_format_that_is_read_has_an_ending_that_a_scan_looks_at() -> None:
    assert set(shelving.ENDINGS) == set(images.FORMATS)
    assert {f".{ending}" for ending in shelving.ENDINGS.values()} <= images.IMAGE_SUFFIXES
