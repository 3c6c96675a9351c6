"""Why bytes are no picture, in words that follow a file's name."""

import struct
import zlib

from PIL import Image

# What Pillow's decoders are known to raise on damaged bytes; anything else is a bug and shows.
DECODER_ERRORS = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    AssertionError,
    RuntimeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
_FOREIGN = (
    (b"<!doctype html", "is HTML, not an image"),
    (b"<html", "is HTML, not an image"),
    (b"<svg", "is SVG, not a picture made of pixels"),
    (b"<?xml", "is XML, not an image"),
    (b"%pdf", "is a PDF, not an image"),
    (b"pk\x03\x04", "is a ZIP archive, not an image"),
    (b"8bps", "is a Photoshop file, which Winnow does not read"),
    (b"{", "is text, not an image"),
)


class DamageError(Exception):
    """Carry the reason from where it is found to where the file's name is known."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def foreign(content: bytes) -> str:
    """Say what bytes are that no decoder recognised."""
    start = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for magic, words in _FOREIGN:
        if start.startswith(magic):
            return words
    if not any(content[:4096]):
        return "holds nothing but zero bytes"
    return "is not a JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF image, or its start is damaged"


def too_large(max_pixels: int) -> str:
    """Say that a header promises too many pixels."""
    return f"has more than {max_pixels // 1_000_000} million pixels"


def in_words(error: BaseException) -> str:
    """Say what a decoder's error means."""
    text = str(error).lower()
    if isinstance(error, EOFError) or "truncated" in text or "unexpected end" in text:
        return "ends too early"
    return f"is damaged ({error})" if text else "is damaged"
