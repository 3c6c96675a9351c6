"""A short look into a folder: some files of many of its folders, without walking all of it."""

import itertools
import os
from collections import deque
from dataclasses import dataclass

from core.datasets import folders

MOST_FOLDERS = 60
MOST_ENTRIES = 400
"""Of one folder: so many entries are looked at, in the order of the file system."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """Some image files below a root: the first of each folder, then the second of each, …"""

    files: tuple[str, ...]
    is_all: bool  # whether nothing was left out


def look(root: str, *, most: int = 300) -> Look:
    """Take some files of each of the first folders, so that many classes are among them.

    Raises FolderError where the root cannot be read.
    """
    by_folder: dict[str, list[str]] = {}
    waiting = deque([""])
    folders.entries(root)
    is_all = True
    while waiting and len(by_folder) < MOST_FOLDERS:
        prefix = waiting.popleft()
        names, inner, whole = _some(f"{root}/{prefix}")
        is_all = is_all and whole
        by_folder[prefix] = [f"{prefix}{name}" for name in names]
        waiting.extend(f"{prefix}{name}/" for name in inner)
    picked = tuple(itertools.islice(_in_turn(list(by_folder.values())), most))
    n_found = sum(len(files) for files in by_folder.values())
    return Look(files=picked, is_all=is_all and not waiting and n_found == len(picked))


def _some(path: str) -> tuple[list[str], list[str], bool]:
    """Give names of images and of sub-folders, and whether these are all."""
    files: list[str] = []
    inner: list[str] = []
    try:
        with os.scandir(path) as entries:
            for entry in itertools.islice(entries, MOST_ENTRIES):
                if folders.reason_to_pass(entry) is not None:
                    continue
                (inner if entry.is_dir(follow_symlinks=False) else files).append(entry.name)
            whole = next(entries, None) is None
    except OSError:
        return [], [], True  # one closed folder must not hide the others
    return sorted(files), sorted(inner), whole


def _in_turn(lists: list[list[str]]) -> "itertools.chain[str]":
    """Give the first of each list, then the second of each, and so on."""
    rows = itertools.zip_longest(*lists)
    return itertools.chain.from_iterable([one for one in row if one is not None] for row in rows)
