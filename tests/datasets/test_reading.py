"""One pass over a file says what it is, and leaves a whole thumbnail or none."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets import reading
from core.store import files
from tests.datasets import corpus

PHOTO = corpus.picture(1, (80, 60))
GREY = PHOTO.convert("L")


def speckled(level: int) -> Image.Image:
    """Make a grey picture with a single pixel that is redder by so many levels."""
    image = Image.new("RGB", (80, 60), (100, 100, 100))
    image.putpixel((41, 33), (100 + level, 100, 100))
    return image


@pytest.mark.parametrize(
    ("image", "kind", "mode", "is_grey"),
    [
        (PHOTO, "JPEG", "RGB", False),
        (GREY, "JPEG", "L", True),
        (GREY.convert("RGB"), "JPEG", "RGB", True),
        (GREY.convert("RGB"), "WEBP", "RGB", True),
        (PHOTO.quantize(64), "PNG", "P", False),
        (GREY.convert("1"), "PNG", "1", True),
        (PHOTO.convert("RGBA"), "PNG", "RGBA", False),
        (PHOTO.convert("CMYK"), "JPEG", "CMYK", False),
        (Image.fromarray(np.full((9, 9), 9999, dtype=np.uint16)), "PNG", "I;16", True),
        (speckled(8), "PNG", "RGB", True),
        (speckled(9), "PNG", "RGB", False),
    ],
)
def test_the_mode_is_the_files_own_and_grey_is_what_has_no_colour(
    image: Image.Image, kind: str, mode: str, is_grey: bool, tmp_path: Path
) -> None:
    path = corpus.put(tmp_path / "a.img", corpus.encoded(image, kind))

    found = reading.read(str(path))

    assert (found.mode, found.is_grey) == (mode, is_grey)


@pytest.mark.parametrize(
    ("name", "kind", "is_misnamed"),
    [
        *((f"a.{ending}", "JPEG", False) for ending in ("jpg", "JPG", "jpeg", "jpe", "jfif")),
        ("a.tif", "TIFF", False),
        ("a.tiff", "TIFF", False),
        ("a.jpg", "MPO", False),
        ("a.jpg", "WEBP", True),
        ("a.png", "JPEG", True),
        ("a.gif.png", "PNG", False),
        ("without-an-ending", "PNG", False),
    ],
)
def test_a_name_that_promises_another_format_is_told(
    name: str, kind: str, is_misnamed: bool, tmp_path: Path
) -> None:
    path = corpus.put(tmp_path / name, corpus.encoded(PHOTO, kind))

    assert reading.read(str(path)).is_misnamed is is_misnamed


def test_a_broken_file_is_not_described(tmp_path: Path) -> None:
    path = corpus.put(tmp_path / "page.jpg", corpus.damaged()["page.jpg"][0])

    found = reading.read(str(path))

    assert found == reading.Reading(
        content_hash=found.content_hash, reason="is HTML, not an image"
    )


@pytest.mark.parametrize("kept", [0.5, 0.99])
def test_a_large_photo_that_ends_too_early_is_found_although_it_is_decoded_at_half_size(
    kept: float, tmp_path: Path
) -> None:
    whole = corpus.jpeg(1, (900, 700))
    path = corpus.put(tmp_path / "a.jpg", whole[: int(kept * len(whole))])

    assert reading.read(str(path)).reason == "ends too early"


def test_what_comes_a_little_larger_than_asked_for_is_kept_as_it_is(tmp_path: Path) -> None:
    sizes = {}

    for width, height in ((400, 533), (400, 711), (280, 200), (289, 200)):
        path = corpus.put(tmp_path / "a.jpg", corpus.jpeg(1, (width, height)))
        found = reading.read(str(path))
        assert found.content_hash is not None
        with Image.open(files.thumbnail(found.content_hash, 256)) as small:
            sizes[width, height] = small.size

    assert sizes == {
        (400, 533): (200, 267),
        (400, 711): (144, 256),
        (280, 200): (280, 200),
        (289, 200): (256, 177),
    }


def test_a_thumbnail_tells_nothing_of_the_file_but_its_picture(tmp_path: Path) -> None:
    notes = Image.Exif()
    notes[0x010E] = "where it was taken"
    content = corpus.encoded(PHOTO, "JPEG", comment=b"by whom", exif=notes)
    found = reading.read(str(corpus.put(tmp_path / "a.jpg", content)))
    assert found.content_hash is not None

    kept = files.thumbnail(found.content_hash, 256).read_bytes()

    assert b"by whom" not in kept
    assert b"where it was taken" not in kept


def test_a_thumbnail_that_cannot_be_finished_leaves_nothing(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = corpus.put(tmp_path / "a.jpg", corpus.jpeg(1))
    monkeypatch.setattr(Path, "replace", refuse)

    with pytest.raises(OSError, match="no room"):
        reading.read(str(path))

    assert [one for one in (home / "thumbnails").rglob("*") if one.is_file()] == []


def test_a_thumbnail_is_for_its_owner_only_and_made_again_where_it_is_empty(
    tmp_path: Path,
) -> None:
    path = corpus.put(tmp_path / "a.jpg", corpus.jpeg(1))
    found = reading.read(str(path))
    assert found.content_hash is not None
    small = files.thumbnail(found.content_hash, 256)
    small.write_bytes(b"")

    reading.read(str(path))

    assert small.stat().st_size > 0
    assert small.stat().st_mode & 0o077 == 0
    assert list(small.parents[1].iterdir()) == [small.parent]


def refuse(*_: object) -> None:
    """Stand in for a disk that is full."""
    raise OSError("no room")
