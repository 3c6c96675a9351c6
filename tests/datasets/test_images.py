"""Files become upright RGB pictures, or an error that says why not."""

import contextlib
import io
import os
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets import images
from core.datasets.damage import DamageError
from core.domain.errors import UnreadableImageError
from tests.datasets import corpus

DAMAGED = corpus.damaged()


def test_an_ordinary_photo_is_pixel_equal_to_plain_pillow(tmp_path: Path) -> None:
    path = corpus.put(tmp_path / "photo.jpg", corpus.jpeg(3, (123, 77)))

    loaded = images.load(path)

    assert np.array_equal(np.asarray(loaded), np.asarray(Image.open(path).convert("RGB")))


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_refused_with_its_name_and_the_reason(name: str, tmp_path: Path) -> None:
    content, reason = DAMAGED[name]
    path = corpus.put(tmp_path / name, content)

    with pytest.raises(UnreadableImageError) as caught:
        images.load(path)

    assert str(path) in caught.value.sentence
    assert reason in caught.value.sentence
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "colour"),
    [
        ("cmyk.jpg", (255, 0, 0)),
        ("sixteen.png", (128, 128, 128)),
        ("sixteen.tif", (128, 128, 128)),
        ("clear.png", (255, 255, 255)),
        ("moving.gif", (255, 0, 0)),
        ("grey.jpg", (128, 128, 128)),
    ],
)
def test_unusual_pictures_get_the_colours_that_a_person_sees(
    name: str, colour: tuple[int, int, int]
) -> None:
    picture = images.decode(corpus.unusual()[name])

    assert picture.image.mode == "RGB"
    assert np.abs(np.subtract(picture.image.getpixel((20, 20)), colour)).max() <= 2


@pytest.mark.parametrize(
    ("orientation", "size", "red_at"),
    [
        (1, (64, 32), (4, 16)),
        (3, (64, 32), (60, 16)),
        (6, (32, 64), (16, 4)),
        (8, (32, 64), (16, 60)),
    ],
)
def test_a_photo_is_turned_upright_by_its_notes(
    orientation: int, size: tuple[int, int], red_at: tuple[int, int]
) -> None:
    picture = images.decode(corpus.turned(orientation))

    assert picture.image.size == size == (picture.width_px, picture.height_px)
    assert picture.image.getpixel(red_at)[0] > 240


def test_a_reduced_photo_keeps_its_shorter_side_and_tells_its_whole_size() -> None:
    content = corpus.jpeg(4, (1600, 1200))

    picture = images.decode(content, at_least_px=150)

    assert picture.image.size == (200, 150)
    assert (picture.width_px, picture.height_px) == (1600, 1200)


def test_a_photo_is_never_reduced_below_what_was_asked_for() -> None:
    content = corpus.jpeg(4, (1600, 1200))

    assert min(images.decode(content, at_least_px=601).image.size) == 1200


@pytest.mark.parametrize(("orientation", "size"), [(1, (400, 300)), (6, (300, 400))])
def test_a_reduced_photo_is_upright_and_looks_like_the_exact_one(
    tmp_path: Path, orientation: int, size: tuple[int, int]
) -> None:
    notes = Image.Exif()
    notes[0x0112] = orientation
    photo = corpus.encoded(corpus.picture(9, (800, 600)), "JPEG", quality=90, exif=notes)
    path = corpus.put(tmp_path / "photo.jpg", photo)

    reduced = images.load(path, at_least_px=250)

    exact = images.load(path).resize(size, Image.Resampling.BILINEAR)
    difference = np.abs(np.subtract(reduced, exact, dtype=float))
    assert reduced.size == size
    assert difference.mean() < 3


def test_the_content_decides_and_not_the_name(tmp_path: Path) -> None:
    path = corpus.put(tmp_path / "really-a.jpg", corpus.encoded(corpus.picture(5), "PNG"))

    assert np.array_equal(np.asarray(images.load(path)), np.asarray(corpus.picture(5)))


def test_a_format_outside_the_list_is_refused() -> None:
    ppm = corpus.encoded(corpus.picture(6), "PPM")

    with pytest.raises(DamageError, match="is not a JPEG"):
        images.decode(ppm)


def test_a_named_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")

    with pytest.raises(UnreadableImageError, match="is not a regular file"):
        images.load(tmp_path / "pipe.jpg")


def test_a_missing_file_is_told_as_missing(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError, match="is not there any more"):
        images.load(tmp_path / "none.jpg")


@pytest.mark.filterwarnings("ignore:.*:UserWarning")  # what Pillow says of broken tags
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_three_hundred_mutants_end_as_picture_or_damage(kind: str) -> None:
    whole = corpus.encoded(corpus.picture(7, (32, 24)), kind)
    luck = random.Random(kind)

    for _ in range(300):
        mutant = bytearray(whole)
        for _ in range(luck.randint(1, 8)):
            mutant[luck.randrange(len(mutant))] = luck.randrange(256)
        mutant = mutant[: luck.choice((len(mutant), luck.randrange(len(mutant))))]
        with contextlib.suppress(DamageError):  # any other error is a failure
            size = images.decode(bytes(mutant)).image.size
            assert size[0] * size[1] <= images.MAX_PIXELS


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_broken_notes_do_not_make_a_picture_unreadable() -> None:
    content = io.BytesIO()
    corpus.picture(8).save(content, "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")

    assert images.decode(content.getvalue()).image.size == (corpus.SIDE_PX, corpus.SIDE_PX)
