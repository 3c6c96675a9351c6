"""Thumbnail, large view and network show one and the same picture, whatever the file is like."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from core.datasets import images, reading
from core.store import files
from tests.datasets import corpus

ORIENTATION = 0x0112
SIZE_PX = (300, 200)
PHOTO = corpus.picture(1, SIZE_PX)
BIG = corpus.picture(1, (1800, 1200))
GREY = PHOTO.convert("L")
SIXTEEN = np.asarray(GREY).astype(np.uint16) * 257
FLOATS = np.asarray(GREY).astype(np.float32)
ALPHA = Image.linear_gradient("L").resize(SIZE_PX)


def with_alpha(image: Image.Image, mode: str) -> Image.Image:
    """Let a picture fade from top to bottom."""
    faded = image.convert(mode)
    faded.putalpha(ALPHA)
    return faded


def on_white(image: Image.Image) -> Image.Image:
    """Lay a picture on white paper."""
    layer = image.convert("RGBA")
    paper = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(paper, layer).convert("RGB")


def reopened(content: bytes) -> Image.Image:
    """Let Pillow alone decode a file, transparency on white."""
    return on_white(Image.open(io.BytesIO(content)).convert("RGBA"))


def with_infinity() -> Image.Image:
    """Make a float picture with pixels that are no numbers."""
    values = FLOATS.copy()
    values[:2, :2], values[2:4, :2] = np.inf, np.nan
    return Image.fromarray(values)


def lab() -> Image.Image:
    """Make the photo in the colours of print shops."""
    srgb, cielab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    return ImageCms.profileToProfile(PHOTO, srgb, cielab, outputMode="LAB")


def without_adobe(content: bytes) -> bytes:
    """Cut out the segment by which Adobe's programs say how colours are meant."""
    start = content.index(b"\xff\xee")
    length = int.from_bytes(content[start + 2 : start + 4], "big")
    return content[:start] + content[start + 2 + length :]


def colours() -> dict[str, tuple[bytes, Image.Image]]:
    """Make the photo in every format and mode: by name, the file and what it shows."""
    made = {
        kind: (corpus.encoded(PHOTO, kind), PHOTO)
        for kind in ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "AVIF")
    }
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"):
        made[f"grey {kind}"] = (corpus.encoded(GREY, kind), GREY.convert("RGB"))
    palette = PHOTO.quantize(64)
    for kind in ("PNG", "GIF", "BMP", "TIFF"):
        made[f"palette {kind}"] = (corpus.encoded(palette, kind), palette.convert("RGB"))
    for name, image, kind, key in (
        ("palette with holes PNG", palette, "PNG", 5),
        ("palette with holes GIF", palette, "GIF", 5),
        ("RGB with a key", PHOTO, "PNG", PHOTO.getpixel((0, 0))),
        ("grey with a key", GREY, "PNG", 128),
    ):
        content = corpus.encoded(image, kind, transparency=key)
        made[name] = (content, reopened(content))
    for kind in ("PNG", "WEBP", "TIFF", "AVIF"):
        faded = with_alpha(PHOTO, "RGBA")
        made[f"alpha {kind}"] = (corpus.encoded(faded, kind), on_white(faded))
    for kind in ("PNG", "TIFF"):
        faded = with_alpha(GREY, "LA")
        made[f"grey alpha {kind}"] = (corpus.encoded(faded, kind), on_white(faded))
    lines = PHOTO.convert("1", dither=Image.Dither.NONE)
    for kind in ("PNG", "BMP", "TIFF"):
        made[f"one bit {kind}"] = (corpus.encoded(lines, kind), lines.convert("RGB"))
    return made | inks() | deep() | sequences()


def inks() -> dict[str, tuple[bytes, Image.Image]]:
    """Make the photo in the colour spaces of printing."""
    cmyk = corpus.encoded(PHOTO.convert("CMYK"), "JPEG", quality=95)
    return {
        "CMYK JPEG": (cmyk, PHOTO),
        "CMYK JPEG, unmarked": (without_adobe(cmyk), PHOTO),
        "large CMYK JPEG": (corpus.encoded(BIG.convert("CMYK"), "JPEG"), BIG),
        "CMYK TIFF": (corpus.encoded(PHOTO.convert("CMYK"), "TIFF"), PHOTO),
        "YCbCr TIFF": (corpus.encoded(PHOTO.convert("YCbCr"), "TIFF"), PHOTO),
        "LAB TIFF": (corpus.encoded(lab(), "TIFF"), PHOTO),
    }


def deep() -> dict[str, tuple[bytes, Image.Image]]:
    """Make the grey photo with more than 8 bits."""
    big_endian = Image.frombytes("I;16B", SIZE_PX, SIXTEEN.astype(">u2").tobytes())
    made = {
        "16 bit PNG": (Image.fromarray(SIXTEEN), "PNG"),
        "16 bit TIFF": (Image.fromarray(SIXTEEN), "TIFF"),
        "16 bit big-endian TIFF": (big_endian, "TIFF"),
        "32 bit TIFF": (Image.fromarray(SIXTEEN.astype(np.int32)), "TIFF"),
        "float TIFF to 1": (Image.fromarray(FLOATS / 255), "TIFF"),
        "float TIFF to 255": (Image.fromarray(FLOATS), "TIFF"),
        "float TIFF with infinity": (with_infinity(), "TIFF"),
    }
    shown = GREY.convert("RGB")
    return {name: (corpus.encoded(image, kind), shown) for name, (image, kind) in made.items()}


def sequences() -> dict[str, tuple[bytes, Image.Image]]:
    """Make files of several pictures, of which the first counts, and large photos."""
    more = {"save_all": True, "append_images": [GREY.convert("RGB")]}
    first = PHOTO.quantize(64)
    return {
        "GIF": (corpus.encoded(first, "GIF", **more), first.convert("RGB")),
        "APNG": (corpus.encoded(PHOTO, "PNG", **more), PHOTO),
        "moving WebP": (corpus.encoded(PHOTO, "WEBP", **more), PHOTO),
        "moving AVIF": (corpus.encoded(PHOTO, "AVIF", **more), PHOTO),
        "TIFF of pages": (corpus.encoded(PHOTO, "TIFF", **more), PHOTO),
        "MPO": (corpus.encoded(BIG, "MPO", **more), BIG),
        "large JPEG": (corpus.encoded(BIG, "JPEG"), BIG),
        "progressive JPEG": (corpus.encoded(BIG, "JPEG", progressive=True), BIG),
    }


def turned(orientation: int, kind: str) -> bytes:
    """Make the photo with a note about how the camera was held."""
    notes = Image.Exif()
    notes[ORIENTATION] = orientation
    return corpus.encoded(PHOTO, kind, exif=notes)


UPRIGHT = {  # what a viewer does at each orientation, in rows, columns and colours
    1: lambda rows: rows,
    2: lambda rows: rows[:, ::-1],
    3: lambda rows: rows[::-1, ::-1],
    4: lambda rows: rows[::-1],
    5: lambda rows: rows.transpose(1, 0, 2),
    6: lambda rows: rows[::-1].transpose(1, 0, 2),
    7: lambda rows: rows[::-1, ::-1].transpose(1, 0, 2),
    8: lambda rows: rows[:, ::-1].transpose(1, 0, 2),
}
TURNED = [
    *((orientation, "JPEG") for orientation in UPRIGHT),
    *((orientation, kind) for orientation in (5, 6) for kind in ("PNG", "WEBP", "TIFF", "AVIF")),
]
COLOURS = colours()


@pytest.mark.parametrize("name", COLOURS)
def test_a_file_of_any_kind_shows_one_picture_in_all_three_places(
    name: str, tmp_path: Path
) -> None:
    content, shown = COLOURS[name]

    check_places(corpus.put(tmp_path / "any.img", content), shown)


@pytest.mark.parametrize(("orientation", "kind"), TURNED)
def test_a_turned_photo_is_upright_in_all_three_places(
    orientation: int, kind: str, tmp_path: Path
) -> None:
    path = corpus.put(tmp_path / "any.img", turned(orientation, kind))

    check_places(
        path, Image.fromarray(np.ascontiguousarray(UPRIGHT[orientation](np.asarray(PHOTO))))
    )


def check_places(path: Path, shown: Image.Image) -> None:
    """Compare what the network reads, the thumbnail and the large view with what is shown."""
    read = reading.read(str(path), 256)
    reading.read(str(path), 1280)
    assert read.reason is None
    assert read.content_hash is not None
    thumbnail, large = (
        Image.open(files.thumbnail(read.content_hash, size_px)) for size_px in (256, 1280)
    )
    network = images.load(path)
    assert (read.width_px, read.height_px) == shown.size == network.size
    assert difference(network, shown) < 3
    assert difference(thumbnail, network) < 3
    assert difference(large, network) < 3
    assert max(thumbnail.size) <= 256 * reading.SLACK
    assert max(large.size) == min(1280, max(shown.size))


def difference(one: Image.Image, other: Image.Image) -> float:
    """Give the mean difference of two pictures, in levels of 255."""
    small = (
        np.asarray(image.convert("RGB").resize((48, 48), Image.Resampling.BOX), dtype=np.int16)
        for image in (one, other)
    )
    return float(np.abs(np.subtract(*small)).mean())
