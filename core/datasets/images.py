"""The one place where files become pictures, for the scan, thumbnails and training alike.

Decoders are chosen by content from a short list, the header's size is checked before anything is
decoded, and a file that ends too early is refused: half a picture would train silently.
"""

import io
import math
import os
import stat
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from core.datasets import damage
from core.domain.errors import UnreadableImageError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
FORMAT_OF = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".gif": "GIF",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".avif": "AVIF",
}
"""What a file's ending, in lower case, promises of its content."""

IMAGE_SUFFIXES = frozenset(FORMAT_OF)
"""The endings of the files that a scan looks at."""


def suffix_of(name: str) -> str:
    """Give a file name's ending in lower case with its dot; empty where it has none."""
    at = name.rfind(".")
    return name[at:].lower() if at >= 0 else ""


MAX_PIXELS = 50_000_000
MAX_BYTES = 256 * 1024**2

warnings.filterwarnings("error", category=Image.DecompressionBombWarning)

_UPRIGHT = {  # by EXIF orientation; Pillow turns TIFF itself
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_QUARTER_TURNS = frozenset(_UPRIGHT[at] for at in (5, 6, 7, 8))


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A decoded picture, RGB and upright, with the width and height of the whole file."""

    image: Image.Image
    width_px: int
    height_px: int
    format: str  # one of FORMATS
    mode: str  # Pillow's, as the file has it: RGB, L, P, CMYK, I;16, …


def load(path: Path, *, at_least_px: int | None = None) -> Image.Image:
    """Load a file as an upright RGB picture, composited on white where it is transparent.

    With `at_least_px` a large JPEG may come reduced by 2, 4 or 8, as long as its shorter side
    keeps that many pixels; without it every pixel is exact, and an ordinary RGB JPEG equals
    `PIL.Image.open(path).convert("RGB")`. Raises UnreadableImageError.
    """
    try:
        return decode(read(path), at_least_px=at_least_px).image
    except damage.DamageError as error:
        raise unreadable(path, error.reason) from error


def unreadable(path: Path | str, reason: str) -> UnreadableImageError:
    """Make the error that names a file and the reason why it is no picture."""
    return UnreadableImageError(
        f"{path} {reason}.", hint="Exclude the image or replace the file, then scan the folder."
    )


def read(path: Path | str) -> bytes:
    """Read a regular file's bytes; raises damage.DamageError where that fails."""
    try:
        with open(path, "rb", opener=_open_without_waiting) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise damage.DamageError("is not a regular file")
            if status.st_size > MAX_BYTES:
                raise damage.DamageError(f"is larger than {MAX_BYTES // 1024**2} MB")
            return file.read()
    except FileNotFoundError as error:
        raise damage.DamageError("is not there any more") from error
    except PermissionError as error:
        raise damage.DamageError("may not be read: permission is missing") from error
    except OSError as error:
        raise damage.DamageError(f"cannot be read: {error.strerror or error}") from error


def decode(
    content: bytes, *, at_least_px: int | None = None, cover_px: int | None = None
) -> Picture:
    """Decode bytes to an upright RGB picture; raises damage.DamageError.

    JPEGs may come reduced where the shorter side keeps `at_least_px`, or the longer `cover_px`.
    """
    opened = _open(content)
    try:
        with opened:
            width, height = opened.size
            mode = opened.mode  # decoding may change it
            _draft(opened, at_least_px, cover_px)
            opened.load()
            turn = _UPRIGHT.get(_orientation(opened))
            image = opened if turn is None else opened.transpose(turn)
            swapped = turn in _QUARTER_TURNS
            return Picture(
                image=_rgb(image),
                width_px=height if swapped else width,
                height_px=width if swapped else height,
                format=_format(opened),
                mode=mode,
            )
    except MemoryError as error:
        raise damage.DamageError("needs more memory than is allowed for one image") from error
    except damage.DECODER_ERRORS as error:
        raise damage.DamageError(damage.in_words(error)) from error


def is_misnamed(name: str, format: str) -> bool:  # noqa: A002  # the word of Picture and Item
    """Say whether a file's ending belongs to another format than its content has."""
    ending = "." + name.rpartition(".")[2].lower()
    return FORMAT_OF.get(ending, format) != format


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # a named pipe would block for ever


def _open(content: bytes) -> Image.Image:
    if not content:
        raise damage.DamageError("is empty")
    try:
        opened = Image.open(io.BytesIO(content), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise damage.DamageError(damage.too_large(MAX_PIXELS)) from error
    except UnidentifiedImageError as error:
        raise damage.DamageError(damage.foreign(content)) from error
    except damage.DECODER_ERRORS as error:
        raise damage.DamageError(damage.in_words(error)) from error
    if opened.width * opened.height > MAX_PIXELS:
        raise damage.DamageError(damage.too_large(MAX_PIXELS))
    return opened


def _format(opened: Image.Image) -> str:
    """Give the format; a JPEG with more pictures behind its first, as phones make, stays one."""
    return "JPEG" if opened.format == "MPO" else str(opened.format)


def _draft(image: Image.Image, at_least_px: int | None, cover_px: int | None) -> None:
    wished = []
    if at_least_px is not None:
        wished.append(at_least_px / min(image.size))
    if cover_px is not None:
        wished.append(cover_px / max(image.size))
    if wished and max(wished) < 1:
        share = max(wished)
        width, height = image.size
        image.draft("", (math.ceil(width * share), math.ceil(height * share)))


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except damage.DECODER_ERRORS:
        return 1  # a picture with broken notes about it is still a picture


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _eight_bits(image).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        paper = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(paper, layer).convert("RGB")
    if image.mode == "RGB" and image.format in ("JPEG", None):
        return image  # holds nothing of its file; None: it was turned upright
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scale grey of 16 or more bits to 8; Pillow's own conversion would clip at 255."""
    values = np.asarray(image).astype(np.float32)
    top = float(values.max(initial=0.0, where=np.isfinite(values)))
    if image.mode != "F":
        top = max(top, 65535.0)
    elif top <= 1.0:
        top = 1.0
    elif top <= 255.0:
        top = 255.0
    scaled = np.clip(np.nan_to_num(values * (255.0 / top)), 0, 255)
    return Image.fromarray(np.rint(scaled).astype(np.uint8))
