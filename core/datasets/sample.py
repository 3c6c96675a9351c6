"""The digits sample: a folder like any other, with mistakes planted and listed beside it."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from core.datasets import digits
from core.datasets.catalog import registry
from core.datasets.digits import Sheet
from core.domain.items import Dataset
from core.store import files

NAME = "Digits sample"


def write() -> Path:
    """Write the sample folder and the manifest of what was planted, unless they are there.

    The folder appears whole or not at all. The manifest lies outside of it: `wrong` lists path
    and true label, `broken` paths, `copies` path, original and whether it is exact.
    """
    folder = files.sample_folder()
    sheets = digits.plan()
    damaged = _damaged(sheets)
    if not files.sample_manifest().exists():
        files.write_json(files.sample_manifest(), manifest(sheets, tuple(damaged)))
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=".digits-", dir=folder.parent))
    try:
        for sheet, content in digits.draw_all(sheets):
            _put(part / sheet.path, content)
        for path, content in damaged.items():
            _put(part / path, content)
        part.chmod(0o755)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def register() -> Dataset:
    """Register the sample's folder, or find it again."""
    return registry.register(files.sample_folder().resolve(), source="sample", name=NAME)


def manifest(sheets: tuple[Sheet, ...], broken: tuple[str, ...]) -> dict[str, Any]:
    """List what is planted."""
    return {
        "wrong": [
            {"path": sheet.path, "true_label": sheet.true_label}
            for sheet in sheets
            if sheet.label != sheet.true_label
        ],
        "broken": list(broken),
        "copies": [
            {"path": sheet.path, "copy_of": sheet.copy_of, "exact": sheet.brightness == 1.0}
            for sheet in sheets
            if sheet.copy_of is not None
        ],
    }


def _damaged(sheets: tuple[Sheet, ...]) -> dict[str, bytes]:
    """Make four files that are no images, each in another way."""
    _, whole = next(digits.draw_all(sheets[:1]))
    page = b"<!DOCTYPE html><html><body><h1>404 Not Found</h1></body></html>\n"
    return {
        "five/digit-from-the-web.jpg": page,
        "seven/digit-half-downloaded.jpg": whole[: len(whole) // 2],
        "three/digit-lost.jpg": b"",
        "two/digit-overwritten.png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4,
    }


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
