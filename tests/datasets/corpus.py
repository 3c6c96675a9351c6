"""Real image files, whole ones and those that decoders stumble over."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

SIDE_PX = 48


def picture(seed: int, size: tuple[int, int] = (SIDE_PX, SIDE_PX)) -> Image.Image:
    """Draw smooth colours that no other seed resembles."""
    draw = np.random.default_rng(seed)
    coarse = Image.fromarray(draw.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    return coarse.resize(size, Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    """Encode a picture."""
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def jpeg(seed: int, size: tuple[int, int] = (SIDE_PX, SIDE_PX)) -> bytes:
    """Draw and encode an ordinary photo."""
    return encoded(picture(seed, size), "JPEG", quality=90)


def put(path: Path, content: bytes) -> Path:
    """Write a file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def folder(root: Path, *, classes: tuple[str, ...] = ("cat", "dog"), per_class: int = 4) -> Path:
    """Write a folder of distinct photos, one sub-folder a class."""
    for number, label in enumerate(classes):
        for index in range(per_class):
            put(root / label / f"{label}-{index}.jpg", jpeg(1000 * number + index))
    return root


def damaged() -> dict[str, tuple[bytes, str]]:
    """Make files that are no pictures: by name, the bytes and a part of the expected reason."""
    whole = jpeg(1, (200, 160))
    flipped = bytearray(encoded(picture(2, (64, 64)), "PNG"))
    flipped[len(flipped) // 2] ^= 0xFF
    return {
        "half.jpg": (whole[: len(whole) // 2], "ends too early"),
        "no-end.jpg": (whole[:-2], "ends too early"),
        "page.jpg": (b"<!DOCTYPE html><html><body>404</body></html>", "is HTML"),
        "empty.jpg": (b"", "is empty"),
        "zeros.jpg": (bytes(4096), "zero bytes"),
        "bomb.png": (flat_png(30_000), "more than 50 million pixels"),
        "large.png": (flat_png(7_200), "more than 50 million pixels"),
        "flipped.png": (bytes(flipped), "damaged"),
        "vector.png": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "is SVG"),
        "photoshop.jpg": (b"8BPS\x00\x01" + bytes(64), "Photoshop"),
        "icon.png": (b"\x00\x00\x01\x00\x01\x00" + bytes(64), "is not a JPEG"),
    }


def unusual() -> dict[str, bytes]:
    """Make pictures of kinds that a plain loader gets wrong, each mid-grey or red on top."""
    grey = np.full((40, 40), 32_896, dtype=np.uint16)
    clear = Image.new("P", (40, 40), 0)
    clear.putpalette([10, 20, 30, 200, 0, 0])
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
    return {
        "cmyk.jpg": encoded(Image.new("CMYK", (40, 40), (0, 255, 255, 0)), "JPEG", quality=95),
        "sixteen.png": encoded(Image.fromarray(grey), "PNG"),
        "sixteen.tif": encoded(Image.fromarray(grey), "TIFF"),
        "clear.png": encoded(clear, "PNG", transparency=0),
        "moving.gif": encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "grey.jpg": encoded(Image.new("L", (40, 40), 128), "JPEG"),
    }


def turned(orientation: int) -> bytes:
    """Make a wide photo, red on its stored left, with an EXIF orientation."""
    image = Image.new("RGB", (64, 32), "blue")
    image.paste((255, 0, 0), (0, 0, 32, 32))
    notes = Image.Exif()
    notes[0x0112] = orientation
    return encoded(image, "JPEG", exif=notes)


def flat_png(side: int) -> bytes:
    """Make a one-bit PNG of side x side white pixels: small to keep, huge to decode."""
    row = b"\x00" + b"\xff" * ((side + 7) // 8)
    squeezed = zlib.compressobj(9)
    body = b"".join(squeezed.compress(row) for _ in range(side)) + squeezed.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, *zip(*chunks, strict=True)))


def _chunk(name: bytes, body: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(name + body))
    return struct.pack(">I", len(body)) + name + body + check
