"""fastai's public datasets, downloaded from a server of this test into its home."""

import errno
import fcntl
import io
import os
import shutil
import socket
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fastai.data
import fastdownload.core
import pytest
from fastai.data.external import URLs
from fastdownload import FastDownload

from core.domain.labellers import FolderLabeller
from core.domain.public_datasets import PUBLIC, PublicDataset
from core.engine import downloading, worker
from core.runs import tasks
from core.store import files, jobs, schema
from tests.datasets import corpus
from tests.engine.conftest import row_of, wait_until

pytestmark = pytest.mark.engine

PHOTOS = {f"toy/images/{name}/1.jpg": corpus.jpeg(n) for n, name in enumerate(("cat", "dog"))}
CHECKS = fastdownload.core.read_checks(fastdownload.core.checks_module(fastai.data))
Answer = Callable[[BaseHTTPRequestHandler], None]


def tgz(contents: dict[str, bytes], *more: tarfile.TarInfo) -> bytes:
    """Pack an archive, with members that have no content behind the others."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as members:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            members.addfile(member, io.BytesIO(content))
        for member in more:
            members.addfile(member)
    return packed.getvalue()


def link(name: str, target: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    return member


def whole(content: bytes) -> Answer:
    """Answer with all of a content."""
    return sends(content, of=len(content))


def sends(content: bytes, *, of: int) -> Answer:
    """Promise so many bytes and send the content."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(of))
        request.end_headers()
        request.wfile.write(content)
        request.wfile.flush()

    return answer


class Server:
    """A server on this machine that gives one answer and counts how often."""

    def __init__(self) -> None:
        self.answer: Answer = whole(tgz(PHOTOS))
        self.n_asked = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.n_asked += 1
                server.answer(self)

            def log_message(self, *_arguments: object) -> None:
                """Keep the tests' output short."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}/toy.tgz"
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def end(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Serve an archive that stands among fastai's datasets as TOY."""
    found = Server()
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("HOME", str(home.parent))
    monkeypatch.setattr(downloading, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(URLs, "TOY", found.url, raising=False)
    toy = PublicDataset(
        name="TOY",
        title="Toy",
        about="Two photos of 2 classes.",
        size_bytes=len(tgz(PHOTOS)),
        labeller=FolderLabeller(),
        folder="images",
    )
    monkeypatch.setitem(PUBLIC, "TOY", toy)
    yield found
    found.end()


def bring(name: str = "TOY") -> dict[str, Any]:
    """Do the task in this process and give its row."""
    task = tasks.start("public", params={"name": name}, key=f"public:{name}")
    worker.work_on("task", task.id)
    return row_of(schema.tasks, task.id)


def public_folder() -> Path:
    return files.imports_folder() / "public"


def archive() -> Path:
    return public_folder() / "archives" / "toy.tgz"


def left_behind() -> list[str]:
    """List what lies beside the archive of a dataset that did not get there."""
    found = [*public_folder().iterdir(), *archive().parent.iterdir()]
    return sorted(path.name for path in found if path.name not in ("archives", "toy.tgz.lock"))


@pytest.mark.parametrize("public", PUBLIC.values(), ids=lambda public: public.name)
def test_each_dataset_is_one_of_fastai_with_the_size_that_it_lists(public: PublicDataset):
    url = getattr(URLs, public.url_name)

    size_bytes, _hash = CHECKS[url]

    assert public.size_bytes == size_bytes
    assert public.about.endswith(".")


def test_a_dataset_is_downloaded_and_unpacked_below_home(server, home):
    row = bring()

    folder = Path(row["result"]["folder"])
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*")
    }
    assert (row["status"], row["result"]["name"], row["message"]) == ("finished", "TOY", "")
    assert folder == home / "imports" / "public" / "toy" / "images"
    assert found == {name.removeprefix("toy/images/"): PHOTOS[name] for name in PHOTOS}
    assert not (home.parent / ".fastai").exists()
    assert not list(home.rglob("config.ini"))


def test_a_dataset_that_is_there_is_not_asked_for_again(server):
    first = bring()

    second = bring()

    assert second["id"] != first["id"]
    assert second["result"]["folder"] == first["result"]["folder"]
    assert server.n_asked == 1


def test_a_stop_ends_the_download_at_once_and_the_next_one_begins_anew(server):
    released = threading.Event()
    content = tgz({**PHOTOS, "toy/noise": os.urandom(100_000)})

    def half(request: BaseHTTPRequestHandler) -> None:
        sends(content[: len(content) // 2], of=len(content))(request)
        task = tasks.find_by_key("public:TOY")
        wait_until(lambda: row_of(schema.tasks, task.id)["progress_done"] > 0)
        jobs.request_stop(schema.tasks, task.id)
        released.wait(30)

    server.answer = half
    stopped = bring()
    released.set()
    server.answer = whole(content)
    again = bring()

    assert (stopped["status"], stopped["result"]) == ("stopped", None)
    assert 0 < stopped["progress_done"] <= len(content) // 2
    assert stopped["progress_total"] == PUBLIC["TOY"].size_bytes
    assert (again["status"], server.n_asked) == ("finished", 2)


def test_a_stop_while_unpacking_leaves_no_folder(server, monkeypatch):
    plain = tarfile.TarFile.extract

    def stopping(self: tarfile.TarFile, *arguments: Any, **more: Any) -> None:
        plain(self, *arguments, **more)
        monkeypatch.setattr(jobs.Lease, "should_stop", lambda _lease: True)

    monkeypatch.setattr(tarfile.TarFile, "extract", stopping)

    row = bring()

    assert row["status"] == "stopped"
    assert left_behind() == ["toy.tgz"]


def test_what_a_killed_task_left_is_cleared_away(server):
    half_unpacked = public_folder() / ".toy.abc" / "toy"
    half_unpacked.mkdir(parents=True)
    archive().parent.mkdir()
    archive().with_name("toy.tgz.part").write_bytes(b"half")

    row = bring()

    assert row["status"] == "finished"
    assert left_behind() == ["toy", "toy.tgz"]


def test_an_archive_that_fastai_lists_otherwise_is_refused_and_removed(server, monkeypatch):
    listed = {server.url: (len(tgz(PHOTOS)), "0" * 32)}
    monkeypatch.setattr(fastdownload.core, "read_checks", lambda _path: listed)

    row = bring()

    assert row["status"] == "failed"
    assert "another size or hash than fastai lists" in row["error"]
    assert left_behind() == []


def test_without_a_network_a_sentence_names_the_address_and_the_place_for_the_archive(
    server, monkeypatch
):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/toy.tgz"
    monkeypatch.setattr(URLs, "TOY", url)

    row = bring()

    assert row["status"] == "failed"
    assert row["error"].startswith(f"{url} could not be downloaded: no network")
    assert url in row["hint"]
    assert str(archive()) in row["hint"]


def test_an_archive_that_was_put_there_by_hand_needs_no_network(server):
    archive().parent.mkdir(parents=True)
    archive().write_bytes(tgz(PHOTOS))

    row = bring()

    assert (row["status"], server.n_asked) == ("finished", 0)


def test_an_address_that_is_gone_is_said_with_the_servers_answer(server):
    server.answer = lambda request: request.send_error(404)

    row = bring()

    assert "the server answered 404 (Not Found)" in row["error"]


def test_a_connection_that_ends_early_is_said(server):
    content = tgz(PHOTOS)
    server.answer = sends(content[:-10], of=len(content))

    row = bring()

    assert "the connection broke off after 0.0 MB" in row["error"]
    assert not archive().exists()


def test_a_silent_server_is_given_up(server, monkeypatch):
    released = threading.Event()
    monkeypatch.setattr(downloading, "SILENT_SECONDS", 0.05)
    server.answer = lambda _request: released.wait(30) and None

    row = bring()
    released.set()

    assert row["status"] == "failed"
    assert "nothing arrived for" in row["error"]


def test_a_disk_without_room_is_said_before_anything_is_asked_for(server, monkeypatch):
    full = shutil._ntuple_diskusage(10, 10, 0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: full)

    row = bring()

    assert "0 MB are free" in row["error"]
    assert server.n_asked == 0


def test_a_disk_that_fills_up_is_said(server, monkeypatch):
    def fill(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(FastDownload, "download", fill)

    row = bring()

    assert row["error"] == f"{archive()} could not be written: No space left on device."
    assert "Free space" in row["hint"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (tgz({**PHOTOS, "toy/../../../../out.jpg": b"x"}), "leads outside"),
        (tgz(PHOTOS, link("toy/out", "/etc")), "leads outside"),
        (tgz({"toy/pictures/cat/1.jpg": b"x"}), "holds no folder images"),
        (tgz(PHOTOS)[:-20], "is damaged"),
        (b"<html>Please log in</html>", "is damaged"),
    ],
    ids=["climbs out", "links out", "other layout", "cut off", "a page"],
)
def test_an_archive_that_cannot_be_trusted_leaves_nothing(server, home, content, reason):
    server.answer = whole(content)

    row = bring()

    assert row["status"] == "failed"
    assert reason in row["error"]
    assert left_behind() == []
    assert not list(home.parent.rglob("out.jpg"))


def test_a_link_in_an_archive_is_not_made(server):
    server.answer = whole(tgz(PHOTOS, link("toy/images/cats", "cat")))

    row = bring()

    folder = Path(row["result"]["folder"])
    assert sorted(path.name for path in folder.iterdir()) == ["cat", "dog"]


def test_two_tasks_never_write_the_same_files(server):
    archive().parent.mkdir(parents=True)
    with archive().with_name("toy.tgz.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        row = bring()

    assert row["error"] == "Another process is downloading Toy already."
    assert server.n_asked == 0


def test_a_name_that_is_no_public_dataset_is_refused(server):
    row = bring("IMDB")

    assert "'IMDB'" in row["error"]
