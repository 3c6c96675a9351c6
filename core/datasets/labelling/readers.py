"""From a path below a dataset's root to its label, and its part where one is given.

A reader answers with a `Label`, or with the reason why the file is no item, in the words that the
dataset's count of ignored files uses.
"""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import regex

from core.datasets.labelling import table
from core.datasets.labelling.values import PART_NAMES, Label, checked
from core.domain.errors import LabellerError
from core.domain.labellers import (
    FolderLabeller,
    GrandparentLabeller,
    Labeller,
    PatternLabeller,
    TableLabeller,
)

PRESETS: dict[str, PatternLabeller] = {
    "Name, then a number: great_pyrenees_173.jpg": PatternLabeller(pattern=r"^(.+)_\d+\.[^.]+$"),
    "Name before a dot: cat.4001.jpg": PatternLabeller(pattern=r"^([^.]+)\.\d+\.[^.]+$"),
    "Name before a dash: oak-leaf-3.jpg": PatternLabeller(pattern=r"^([^-]+)-"),
    "Name before an underscore: daisy_a.jpg": PatternLabeller(pattern=r"^([^_]+)_"),
    "Letters before digits: dog12.jpg": PatternLabeller(pattern=r"^(\p{L}+)\d+\.[^.]+$"),
    "The folder an image lies in": PatternLabeller(pattern=r"([^/]+)/[^/]+$", on="path"),
}
"""Ready patterns, the first from the fastai book's chapter 5 (Oxford pets)."""

MATCH_SECONDS = 0.1
"""How long one name may keep a pattern busy: some patterns never come to an end."""


class Reader(Protocol):
    """Reads labels of one dataset; `is_fixed` says that a path always has the same label."""

    is_fixed: bool

    def read(self, path: str) -> Label | str:
        """Give the label of a file by its path below the root, or why it is no item."""


def reader(labeller: Labeller, root: str, *, most_rows: int | None = None) -> Reader:
    """Make the reader of a labeller; raises LabellerError where it cannot read anything.

    With `most_rows` only the first rows of a table are read, for a look.
    """
    match labeller:
        case FolderLabeller():
            return _ByPath(_folder)
        case GrandparentLabeller():
            return _ByPath(_grandparent)
        case PatternLabeller():
            return _ByPath(_pattern(labeller))
        case TableLabeller():
            return table.load(labeller, Path(root), most_rows=most_rows)


class _ByPath:
    is_fixed = True

    def __init__(self, read: Callable[[str], Label | str]) -> None:
        self.read = read


_shared = functools.lru_cache(maxsize=10_000)(Label)  # one value a class, however many images


def _folder(path: str) -> Label | str:
    first, slash, _ = path.partition("/")
    return _shared(first) if slash else "not in a class folder"


def _grandparent(path: str) -> Label | str:
    folders = path.split("/")
    part = PART_NAMES.get(folders[0].lower()) if len(folders) > 1 else None
    if part is None:
        return "not below train, valid or test"
    if len(folders) < 3:
        return f"in {folders[0]}, but in no class folder"
    return _shared(folders[1], part)


def _pattern(labeller: PatternLabeller) -> Callable[[str], Label | str]:
    compiled = compile_pattern(labeller.pattern)

    def read(path: str) -> Label | str:
        where = path if labeller.on == "path" else path.rpartition("/")[2]
        try:
            found = compiled.search(where, timeout=MATCH_SECONDS)
        except TimeoutError as error:
            raise LabellerError(
                f"The pattern {labeller.pattern} takes too long on {where}.",
                hint="Avoid a repeated group inside another repetition, such as (a+)+.",
            ) from error
        if found is None:
            return "not matched by the pattern"
        label, problem = checked(found.group(1) or "")
        return _shared(label) if problem is None else "matched with a class that cannot be one"

    return read


def compile_pattern(pattern: str) -> "regex.Pattern[str]":
    """Compile a pattern with one group at least; raises LabellerError that says what is wrong."""
    try:
        compiled = regex.compile(pattern)
    except regex.error as error:
        raise LabellerError(
            f"The pattern {pattern!r} is no regular expression: {error}.",
            hint="Take one of the ready patterns and change it.",
        ) from error
    if compiled.groups < 1:
        raise LabellerError(
            f"The pattern {pattern!r} has no group, so it names no class.",
            hint="Put the part that is the class in brackets, as in ^(.+)_\\d+.jpg$.",
        )
    return compiled
