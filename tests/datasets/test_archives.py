"""An archive is unpacked whole or not at all, and nothing of it leaves its folder."""

import bz2
import gzip
import io
import os
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.datasets import archives, catalog
from core.datasets.archives import budget
from core.domain.errors import ArchiveError, StoreError
from core.store import files
from tests.datasets import corpus
from tests.datasets.shelves import Lease

PHOTO = corpus.jpeg(1)
LINK, DEVICE, FIFO = stat.S_IFLNK | 0o777, stat.S_IFCHR | 0o666, stat.S_IFIFO | 0o666
KINDS = ("zip", "tar", "tar.gz", "tar.bz2", "tar.xz")
few = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
Members = dict[str, bytes] | list[tuple[str, bytes]]


def zipped(path: Path, members: Members, *, modes: dict[str, int] | None = None) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items() if isinstance(members, dict) else members:
            info = zipfile.ZipInfo(name)
            info.filename = info.orig_filename = name  # zipfile would cut it at a zero byte
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (modes or {}).get(name, stat.S_IFREG | 0o4777) << 16
            archive.writestr(info, content)
    return str(path)


def tarred(path: Path, members: Members, *, types: dict[str, bytes] | None = None) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    mode: Any = {"gz": "w:gz", "bz2": "w:bz2", "xz": "w:xz"}.get(path.suffix[1:], "w")
    with tarfile.open(path, mode) as archive:
        for name, content in members.items() if isinstance(members, dict) else members:
            info = tarfile.TarInfo(name)
            info.mode = 0o4777
            info.type = (types or {}).get(name, tarfile.REGTYPE)
            info.linkname = "/etc/passwd" if info.issym() or info.islnk() else ""
            info.size = len(content) if info.isreg() else 0
            archive.addfile(info, io.BytesIO(content))
    return str(path)


def packed(path: Path, members: Members) -> str:
    return zipped(path, members) if path.suffix == ".zip" else tarred(path, members)


def unpacked(path: str, import_id: str = "import-1") -> tuple[Path, dict[str, Any]]:
    result = archives.unpack(path, import_id, Lease())
    assert result is not None
    return Path(result["folder"]), result


def listed(root: Path) -> list[str]:
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if not p.is_dir())


def left() -> list[str]:
    return sorted(path.name for path in files.imports_folder().iterdir())


# looking at a file


@pytest.mark.parametrize("ending", KINDS)
def test_an_archive_is_told_by_its_content_whatever_its_name(tmp_path: Path, ending: str) -> None:
    made = packed(tmp_path / f"photos.{ending}", {"cat/1.jpg": PHOTO})
    other = shutil.move(made, tmp_path / "My photos.TAR.GZ")

    info = archives.check(str(other))

    assert (info.kind, info.name) == (ending.partition(".")[0], "My photos")
    assert info.size_bytes == Path(other).stat().st_size


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"Rar!\x1a\x07\x01\x00" + bytes(64), "is a RAR archive"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(64), "is a 7z archive"),
        (b"\n <!DOCTYPE html><html>404</html>", "is an HTML page"),
        (PHOTO, "is a JPEG image"),
        (bytes(2048), "nothing but zero bytes"),
        (b"cat,dog\n", "is neither a zip nor a tar archive"),
        (gzip.compress(b"one file, no tar" * 64, mtime=0), "no tar is inside"),
        (gzip.compress(bytes(4096), mtime=0)[:12], "is damaged or incomplete"),
        (bz2.compress(b"")[:4] + b"nonsense", "is damaged or incomplete"),
    ],
)
def test_what_is_no_archive_is_called_what_it_is(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = corpus.put(tmp_path / "photos.zip", content)

    with pytest.raises(ArchiveError, match=words) as caught:
        archives.check(str(path))

    assert "photos.zip" in caught.value.sentence
    assert caught.value.hint


def test_what_cannot_be_opened_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.zip")
    closed = packed(tmp_path / "closed.zip", {"cat/1.jpg": PHOTO})
    opened = os.open

    def guarded(path: Any, *rest: Any, **words: Any) -> int:
        if str(path) == closed:
            raise PermissionError(13, "Permission denied")
        return opened(path, *rest, **words)

    monkeypatch.setattr(os, "open", guarded)

    for path, words in (
        ("  ", "No archive was named"),
        ("bad\0name", "not a path that can be followed"),
        ("bad\udcffname", "not valid text"),
        (str(tmp_path / "none.zip"), "does not exist"),
        (str(tmp_path), "is a folder"),
        (str(tmp_path / "pipe.zip"), "is not a regular file"),
        (closed, "permission is missing"),
    ):
        with pytest.raises(ArchiveError, match=words):
            archives.check(path)


# uploads


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("photos.zip", "photos.zip"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\cats.zip", "cats.zip"),
        ("..", "upload"),
        ("", "upload"),
        (".bashrc", "bashrc"),
        ("a\0b\nc\u202egpj.zip", "abcgpj.zip"),
        ("bad\udcff.zip", "bad.zip"),
        ("连" * 300 + ".zip", "连" * 38 + ".zip"),
        ("x." + "y" * 300, "x." + "y" * 118),
    ],
)
def test_an_upload_is_stored_under_a_harmless_name(home: Path, name: str, kept: str) -> None:
    content = io.BytesIO(PHOTO)
    content.read(10)

    path = archives.save_upload(name, content)

    assert path.read_bytes() == PHOTO
    assert (path.name, path.parent.parent) == (kept, home / "uploads")
    assert list(path.parent.iterdir()) == [path]


def test_an_upload_that_breaks_off_leaves_nothing(home: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(28, "No space left on device")

    with pytest.raises(StoreError, match="No space left"):
        archives.save_upload("photos.zip", Broken())

    assert list((home / "uploads").iterdir()) == []


# what is taken


@pytest.mark.parametrize("ending", KINDS)
def test_images_and_tables_are_taken_and_the_rest_is_counted(tmp_path: Path, ending: str) -> None:
    members = {
        "./cat/1.jpg": PHOTO,
        "dog/2.PNG": b"not even an image",
        "labels.csv": b"file,label\n",
        "cat/notes.pdf": b"%PDF",
        "cat/more.zip": b"PK",
        "cat/.hidden.jpg": PHOTO,
        ".git/3.jpg": PHOTO,
        "__MACOSX/cat/1.jpg": b"note",
        "cat/._1.jpg": b"note",
        "cat/" + "n" * 252 + ".jpg": PHOTO,
        "f/" * 60 + "deep.jpg": PHOTO,
    }
    path = packed(tmp_path / f"photos.{ending}", members)

    root, result = unpacked(path)

    assert listed(root) == ["cat/1.jpg", "dog/2.PNG", "labels.csv"]
    assert (root / "cat/1.jpg").read_bytes() == PHOTO
    assert result["passed"] == {
        "hidden": 2,
        "macOS note": 2,
        "name is too long": 1,
        "not an image": 2,
        "too many folders deep": 1,
    }
    assert (result["n_files"], result["n_bytes"]) == (3, len(PHOTO) + 17 + 11)
    assert left() == ["import-1", "import-1.json"]


def test_an_unpacked_archive_opens_like_a_folder(tmp_path: Path) -> None:
    path = tarred(tmp_path / "a.tar.gz", {f"all/{c}/1.jpg": PHOTO for c in ("cat", "dog")})

    root, _ = unpacked(path)

    assert root == files.import_folder("import-1") / "all"
    assert Path(catalog.open_folder(str(root)).root) == root


def test_files_get_ordinary_modes_whatever_the_archive_says(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        root, _ = unpacked(tarred(tmp_path / "a.tar", {"cat/1.jpg": PHOTO, "dog/1.jpg": PHOTO}))
    finally:
        os.umask(before)

    assert stat.S_IMODE((root / "cat/1.jpg").stat().st_mode) == 0o644
    assert stat.S_IMODE((root / "cat").stat().st_mode) == 0o755
    assert stat.S_IMODE(root.stat().st_mode) == 0o755


def test_links_and_devices_of_a_zip_are_never_made(tmp_path: Path) -> None:
    modes = {"cat/link.jpg": LINK, "cat/device.jpg": DEVICE, "cat/pipe.jpg": FIFO}
    members = {"cat/1.jpg": PHOTO, **dict.fromkeys(modes, b"/etc/passwd")}

    root, result = unpacked(zipped(tmp_path / "a.zip", members, modes=modes))

    assert listed(root) == ["cat/1.jpg"]
    assert result["passed"] == {"device": 2, "link": 1}


def test_links_and_devices_of_a_tar_are_never_made(tmp_path: Path) -> None:
    types = {
        "cat": tarfile.SYMTYPE,  # a folder's link first, a file through it after
        "soft.jpg": tarfile.SYMTYPE,
        "hard.jpg": tarfile.LNKTYPE,
        "device.jpg": tarfile.BLKTYPE,
        "pipe.jpg": tarfile.FIFOTYPE,
        "odd.jpg": b"Z",
    }
    members = {**dict.fromkeys(types, b""), "cat/1.jpg": PHOTO}

    root, result = unpacked(tarred(tmp_path / "a.tar", members, types=types))

    assert listed(root) == ["cat/1.jpg"]
    assert result["passed"] == {"device": 2, "link": 3, "not a file": 1}
    assert not any(path.is_symlink() for path in files.imports_folder().rglob("*"))


@pytest.mark.parametrize("ending", ["zip", "tar"])
def test_what_cannot_lie_together_is_counted(tmp_path: Path, ending: str) -> None:
    members = [
        ("cat/1.jpg", PHOTO),
        ("./cat//1.jpg", b"other"),
        ("cat\\1.jpg", b"other"),
        ("cat/1.jpg/2.jpg", PHOTO),
        ("dog.jpg/3.jpg", PHOTO),
        ("dog.jpg", PHOTO),
    ]

    root, result = unpacked(packed(tmp_path / f"a.{ending}", members))

    assert listed(root) == ["cat/1.jpg", "dog.jpg/3.jpg"]
    assert (root / "cat/1.jpg").read_bytes() == PHOTO
    assert result["passed"] == {"a file lies where its folder should be": 1, "named twice": 3}


def test_names_that_are_no_text_are_counted(tmp_path: Path) -> None:
    latin = tarred(tmp_path / "a.tar", {"cat/1.jpg": PHOTO, "cat/\udce9.jpg": PHOTO})
    zero = zipped(tmp_path / "b.zip", {"cat/1.jpg": PHOTO, "cat/2.jpg\0.jpg": PHOTO})

    of_tar, of_zip = unpacked(latin, "import-1")[1], unpacked(zero, "import-2")[1]

    assert of_tar["passed"] == of_zip["passed"] == {"name is not valid text": 1}


def test_names_of_windows_programs_become_folders(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"cat\\": b"", "cat\\1.jpg": PHOTO, "dog\\1.jpg": PHOTO})

    root, result = unpacked(path)

    assert listed(root) == ["cat/1.jpg", "dog/1.jpg"]
    assert result["passed"] == {}


# what is refused


@pytest.mark.parametrize("ending", ["zip", "tar"])
@pytest.mark.parametrize(
    "name",
    [
        "../evil.jpg",
        "cat/../../evil.jpg",
        "/tmp/evil.jpg",
        "C:\\evil.jpg",
        "c:evil.jpg",
        "\\\\server\\evil.jpg",
        "cat\\..\\..\\evil.jpg",
        "../not-an-image.exe",
    ],
)
def test_a_name_that_leaves_its_folder_refuses_the_whole(
    tmp_path: Path, ending: str, name: str
) -> None:
    path = packed(tmp_path / f"a.{ending}", {"cat/1.jpg": PHOTO, name: PHOTO})

    with pytest.raises(ArchiveError, match="outside of the folder") as caught:
        archives.unpack(path, "import-1", Lease())

    assert path in caught.value.sentence
    assert left() == []
    assert list(tmp_path.rglob("*evil*")) == []


def test_an_encrypted_zip_asks_for_a_folder_instead(tmp_path: Path) -> None:
    path = Path(zipped(tmp_path / "a.zip", {"cat/1.jpg": PHOTO}))
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)

    with pytest.raises(ArchiveError, match=r"is encrypted: its file cat/1\.jpg needs a password"):
        archives.unpack(str(path), "import-1", Lease())

    assert left() == []


def test_a_kind_of_compression_that_nobody_reads_is_named(tmp_path: Path) -> None:
    path = Path(zipped(tmp_path / "a.zip", {"cat/1.jpg": PHOTO}))
    content = bytearray(path.read_bytes())
    content[8] = content[content.index(b"PK\x01\x02") + 10] = 9
    path.write_bytes(content)

    with pytest.raises(
        ArchiveError, match=r"in a way that Winnow does not read \(That compression method"
    ):
        archives.unpack(str(path), "import-1", Lease())


@pytest.mark.parametrize("ending", KINDS)
def test_an_archive_that_ends_too_early_leaves_nothing(tmp_path: Path, ending: str) -> None:
    members = {f"cat/{at}.jpg": corpus.jpeg(at) for at in range(40)}
    path = Path(packed(tmp_path / f"a.{ending}", members))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])

    with pytest.raises(ArchiveError, match="is damaged or incomplete"):
        archives.unpack(str(path), "import-1", Lease())

    assert left() == []


def test_a_tar_that_was_cut_between_two_files_is_incomplete(tmp_path: Path) -> None:
    path = Path(tarred(tmp_path / "a.tar", {"1.jpg": b"1" * 512, "2.jpg": b"2" * 512}))
    path.write_bytes(path.read_bytes()[:1024])

    with pytest.raises(ArchiveError, match="its end is missing"):
        archives.unpack(str(path), "import-1", Lease())


@pytest.mark.parametrize("damage", [b"x" * 512, bytes(512)])
def test_a_damaged_header_is_no_end(tmp_path: Path, damage: bytes) -> None:
    path = Path(tarred(tmp_path / "a.tar", {"1.jpg": b"1" * 512, "2.jpg": b"2" * 512}))
    content = path.read_bytes()
    path.write_bytes(content[:1024] + damage + content[1536:])

    with pytest.raises(ArchiveError, match="one of its headers is not valid"):
        archives.unpack(str(path), "import-1", Lease())


def test_a_sum_over_all_bytes_is_compared_at_the_end(tmp_path: Path) -> None:
    whole = Path(tarred(tmp_path / "a.tar", {"1.jpg": PHOTO})).read_bytes()
    content = bytearray(gzip.compress(whole))
    content[-8] ^= 0xFF
    path = corpus.put(tmp_path / "a.tar.gz", bytes(content))

    with pytest.raises(ArchiveError, match="CRC check failed"):
        archives.unpack(str(path), "import-1", Lease())


@pytest.mark.parametrize("size", [10**10, 1 << 70])
def test_a_size_that_a_header_lies_about_is_harmless(tmp_path: Path, size: int) -> None:
    info = tarfile.TarInfo("cat/1.jpg")
    info.pax_headers = {"size": str(size)}
    header = info.tobuf(tarfile.PAX_FORMAT)
    path = corpus.put(tmp_path / "a.tar", header + bytes(2048))

    with pytest.raises(ArchiveError):
        archives.unpack(str(path), "import-1", Lease())


def test_a_size_that_leads_back_makes_no_endless_loop(tmp_path: Path) -> None:
    info = tarfile.TarInfo("cat/2.jpg")
    info.pax_headers = {"size": "-1536"}  # back over its own three blocks
    first = tarfile.TarInfo("cat/1.jpg").tobuf()
    path = corpus.put(tmp_path / "a.tar", first + info.tobuf(tarfile.PAX_FORMAT) + bytes(2048))

    with pytest.raises(ArchiveError, match="points back"):
        archives.unpack(str(path), "import-1", Lease())


def test_a_name_of_gigabytes_is_not_read_into_memory(tmp_path: Path) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 10**10
    path = corpus.put(tmp_path / "a.tar", info.tobuf(tarfile.GNU_FORMAT) + bytes(4096))

    with pytest.raises(ArchiveError, match="claims 10,000,000,000 bytes"):
        archives.unpack(str(path), "import-1", Lease())


def test_an_archive_without_images_says_what_it_holds(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a.txt": b"", "b.doc": b"", "c.doc": b"", ".d": b""})

    with pytest.raises(ArchiveError, match=r"no images; .* 2 not an image, 1 hidden"):
        archives.unpack(path, "import-1", Lease())

    assert left() == []


# limits


@pytest.mark.parametrize("ending", ["zip", "tar", "tar.gz"])
@pytest.mark.parametrize(
    ("limit", "value", "words"),
    [
        ("MAX_FILES", 2, "cat/3.jpg: it holds more than 2 files"),
        ("MAX_BYTES", 2 * len(PHOTO), "cat/3.jpg: its files hold more than"),
        ("SPARE_BYTES", 10**18, "cat/1.jpg: less than 1000000000 GB would stay free"),
    ],
)
def test_a_limit_is_named_with_the_file_that_passed_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ending: str,
    limit: str,
    value: int,
    words: str,
) -> None:
    members = {f"cat/{at}.jpg": PHOTO for at in (1, 2, 3, 4)}
    path = packed(tmp_path / f"a.{ending}", members)
    monkeypatch.setattr(budget, limit, value)

    with pytest.raises(ArchiveError, match=words):
        archives.unpack(path, "import-1", Lease())

    assert left() == []


@pytest.mark.parametrize("name", ["cat/bomb.bmp", "cat/bomb.bin"])
@pytest.mark.parametrize("ending", ["zip", "tar.gz", "tar.xz"])
def test_a_bomb_is_refused_by_what_really_comes_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, name: str
) -> None:
    path = packed(tmp_path / f"a.{ending}", {"cat/1.jpg": PHOTO, name: bytes(4_000_000)})
    monkeypatch.setattr(budget, "RATIO_FROM_BYTES", 1_000_000)

    if ending == "zip" and name.endswith(".bin"):
        assert unpacked(path)[1]["passed"] == {"not an image": 1}  # it is never unpacked
        return
    with pytest.raises(ArchiveError, match=rf"{name}: it would grow to more than 200 times"):
        archives.unpack(path, "import-1", Lease())

    assert left() == []


def test_a_zip_that_promises_little_gives_no_more(tmp_path: Path) -> None:
    path = Path(zipped(tmp_path / "a.zip", {"cat/bomb.bmp": bytes(4_000_000)}))
    content = path.read_bytes().replace(struct.pack("<L", 4_000_000), struct.pack("<L", 10))
    path.write_bytes(content)

    with pytest.raises(ArchiveError, match="Bad CRC-32"):
        archives.unpack(str(path), "import-1", Lease())


def test_a_single_file_that_is_too_large_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.datasets.archives.members.MAX_FILE_BYTES", 1024**2)
    path = packed(tmp_path / "a.zip", {"cat/1.jpg": PHOTO, "cat/2.jpg": bytes(1024**2 + 1)})

    _, result = unpacked(path)

    assert result["passed"] == {"larger than 1 MB": 1}


# whole or not at all


@pytest.mark.parametrize("ending", KINDS)
def test_a_stop_in_the_middle_leaves_nothing(tmp_path: Path, ending: str) -> None:
    members = {f"cat/{at}.jpg": PHOTO for at in range(20)}
    path = packed(tmp_path / f"a.{ending}", members)

    result = archives.unpack(path, "import-1", Lease(stop_after=10))

    assert result is None
    assert left() == []


def test_progress_is_told_now_and_then(tmp_path: Path) -> None:
    members = {f"cat/{at}.jpg": PHOTO for at in range(40)}
    lease = Lease()

    archives.unpack(packed(tmp_path / "a.zip", members), "import-1", lease)

    told = [report for report in lease.reports if "progress_done" in report]
    assert [report["progress_done"] for report in told] == [15, 31, 40]
    assert told[-1]["progress_total"] == 40
    assert told[-1]["remaining_seconds"] == 0


def test_an_import_that_exists_gives_its_result_again(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"cat/1.jpg": PHOTO, "cat/a.doc": b""})
    _, first = unpacked(path)
    Path(path).unlink()

    _, again = unpacked(path)

    assert again == first


def test_two_that_unpack_the_same_import_both_have_it(tmp_path: Path) -> None:
    class Late(Lease):
        def report(self, **columns: Any) -> None:
            if not self.reports:
                self.reports.append(unpacked(path)[1])

    path = packed(tmp_path / "a.zip", {"cat/1.jpg": PHOTO})
    late = Late()

    result = archives.unpack(path, "import-1", late)

    assert result is not None
    assert result | {"seconds": 0} == late.reports[0] | {"seconds": 0}
    assert left() == ["import-1", "import-1.json"]


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(tmp_path / "a.zip", {"cat/1.jpg": PHOTO})
    monkeypatch.setattr(os, "fdopen", _no_space)

    with pytest.raises(StoreError, match="No space left on device"):
        archives.unpack(path, "import-1", Lease())

    assert left() == []


def _no_space(handle: int, _mode: str) -> Any:
    os.close(handle)
    raise OSError(28, "No space left on device")


HALF = """
import sys
from core.datasets import archives

class Lease:
    asked = 0
    def report(self, **columns): pass
    def should_stop(self):
        self.asked += 1
        if self.asked == 6:
            print("half", flush=True)
            sys.stdin.read()
        return False

archives.unpack(sys.argv[1], "import-1", Lease())
"""


def test_a_killed_unpack_is_no_import_and_the_next_one_tidies_up(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {f"cat/{at}.jpg": PHOTO for at in range(20)})
    other = packed(tmp_path / "b.zip", {"dog/1.jpg": PHOTO})
    pipe: Any = subprocess.PIPE
    child = subprocess.Popen([sys.executable, "-c", HALF, path], stdin=pipe, stdout=pipe)
    with child:
        assert child.stdout.read(4) == b"half"
        (half,) = left()
        assert half.startswith(".import-1.unpack-")

        unpacked(other, "import-2")
        beside = left()  # the live one keeps its folder
        child.send_signal(signal.SIGKILL)
        child.wait()
        gone = files.import_folder("import-1").exists()
        root, _ = unpacked(path)

    assert beside == sorted([half, "import-2", "import-2.json"])
    assert not gone
    assert len(listed(root)) == 20
    assert left() == ["import-1", "import-1.json", "import-2", "import-2.json"]


# whatever comes


names = st.one_of(
    st.text(max_size=12),
    st.lists(
        st.sampled_from(
            ["..", ".", "", "a", "A", "cat.jpg", "\\", "/", "C:", "é", "\udcff", "\0"]
        ),
        min_size=1,
        max_size=5,
    ).map("/".join),
    st.integers(1, 400).map(lambda depth: "d/" * depth + "x.jpg"),
).map(lambda name: f"{name}.jpg" if len(name) % 2 else name)


def survives(path: str) -> dict[str, Any] | None:
    """Unpack into a fresh place; nothing but an ArchiveError may come, and nothing lie outside."""
    with tempfile.TemporaryDirectory() as outside, pytest.MonkeyPatch.context() as patch:
        patch.setenv("WINNOW_HOME", f"{outside}/home")
        try:
            result = archives.unpack(path, "import-1", Lease())
        except ArchiveError as error:
            (error.sentence + error.hint).encode()
            result = None
        made = {found.relative_to(outside).parts[:3] for found in Path(outside).rglob("*")}
        if result is not None:
            assert len(listed(Path(outside) / "home/imports/import-1")) == result["n_files"]
        places = {("home", "imports", place) for place in ("import-1", "import-1.json")}
        steps = {("home",), ("home", "imports"), ("home", "unpack.lock")}
        assert made <= places | steps
    return result


@pytest.mark.filterwarnings("ignore:Duplicate name")
@few
@given(found=st.lists(names, min_size=1, max_size=6), ending=st.sampled_from(["zip", "tar"]))
def test_any_names_stay_inside_and_add_up(tmp_path: Path, found: list[str], ending: str) -> None:
    members = [("first.jpg", PHOTO), *((name, b"x") for name in found)]
    try:
        path = packed(tmp_path / f"a.{ending}", members)
    except ValueError:
        return  # lone surrogates fit into neither kind

    result = survives(path)

    if result is not None and ending == "tar":
        with tarfile.open(path) as archive:
            n_files = sum(not member.isdir() for member in archive)
        assert result["n_files"] + sum(result["passed"].values()) == n_files
    elif result is not None:
        n_files = sum(not name.endswith(("/", "\\")) for name, _ in members)
        assert result["n_files"] + sum(result["passed"].values()) == n_files


STARTS = (b"", b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\x00", bytes(100))


@few
@given(start=st.sampled_from(STARTS), content=st.binary(max_size=2000))
def test_arbitrary_bytes_raise_nothing_else(tmp_path: Path, start: bytes, content: bytes) -> None:
    assert survives(str(corpus.put(tmp_path / "a", start + content))) is None


@few
@given(
    ending=st.sampled_from(KINDS),
    flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=4),
    ahead=st.booleans(),
)
def test_flipped_bytes_raise_nothing_else(
    tmp_path: Path, ending: str, flips: list[tuple[int, int]], ahead: bool
) -> None:
    path = Path(packed(tmp_path / f"a.{ending}", {f"cat/{at}.jpg": b"x" * 700 for at in range(4)}))
    content = bytearray(path.read_bytes())
    for at, bits in flips:
        content[at % min(len(content), 600 if ahead else 10**6)] ^= bits

    if ending == "tar":
        mend(content)

    survives(str(corpus.put(tmp_path / "flipped", bytes(content))))


def mend(content: bytearray) -> None:
    """Correct the sums of a tar's headers, so that what else they say is believed."""
    for at in range(0, len(content) - 511, 512):
        header = content[at : at + 512]
        if header[257:262] == b"ustar":
            total = sum(header[:148]) + 8 * ord(" ") + sum(header[156:])
            content[at + 148 : at + 156] = b"%06o\0 " % total
