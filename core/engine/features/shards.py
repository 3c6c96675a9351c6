"""Cached activations on disk: files that are only ever added, each of them whole.

A shard is one safetensors file: the rows, and in its header the images they are of and a
checksum. Two processes that add at once write files of their own, and readers take all of them.
"""

import hashlib
import json
import logging
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from core.engine.features.entries import Entry
from core.store import files

log = logging.getLogger(__name__)

ROWS, ENTRIES, CHECKSUM = "rows", "entries", "checksum"


def load(key: str, wanted: Collection[Entry]) -> dict[Entry, np.ndarray]:
    """Read the rows that there are of the wanted ones, float32 of shape (channels,).

    A shard that is damaged counts as if it were not there.
    """
    wished, found = frozenset(wanted), {}
    for path in sorted(files.features_folder(key).glob("*.safetensors")):
        try:
            found.update(_rows(path, wished))
        except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
            log.warning("%s is damaged, its features are computed again: %s", path, error)
    return found


def save(key: str, entries: Sequence[Entry], rows: np.ndarray) -> Path:
    """Write a shard of rows of shape (entries, channels); its name follows from its entries.

    So what is computed again after damage replaces the damaged file. Raises StoreError.
    """
    named = json.dumps([list(each) for each in entries])
    path = files.features_folder(key) / f"{_digest(named.encode())}.safetensors"
    about = {ENTRIES: named, CHECKSUM: _checksum(named, rows)}
    files.write_with(path, lambda part: save_file({ROWS: rows}, part, metadata=about))
    return path


def _rows(path: Path, wished: frozenset[Entry]) -> dict[Entry, np.ndarray]:
    with safe_open(path, framework="numpy") as shard:
        about = shard.metadata() or {}
        entries: list[Entry] = [(content, view) for content, view in json.loads(about[ENTRIES])]
        if wished.isdisjoint(entries):
            return {}
        rows = shard.get_tensor(ROWS)
    if _checksum(about[ENTRIES], rows) != about[CHECKSUM]:
        raise ValueError("its checksum is wrong")
    return {each: row.copy() for each, row in zip(entries, rows, strict=True) if each in wished}


def _checksum(named: str, rows: np.ndarray) -> str:
    return _digest(f"{named} {rows.dtype} {rows.shape}".encode() + rows.tobytes())


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
