"""How labels are read from what lies on disk, and how several labels are written as one text."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from core.domain.values import Frozen

LABEL_SEPARATOR = "|"
"""Between the labels of an item of a multi-label dataset, which are sorted and each there once."""


class FolderLabeller(Frozen):
    """The class is the top-level sub-folder that an image lies in, however deep."""

    kind: Literal["folder"] = "folder"


class GrandparentLabeller(Frozen):
    """The part is the top-level sub-folder, the class the one below it: `train/cat/1.jpg`."""

    kind: Literal["grandparent"] = "grandparent"


class PatternLabeller(Frozen):
    """The class is the first group of a regular expression that is searched for in each path."""

    kind: Literal["pattern"] = "pattern"
    pattern: Annotated[str, Field(min_length=1, max_length=500)]
    on: Literal["name", "path"] = "name"  # the file's name, or its path below the root


class TableLabeller(Frozen):
    """The class is read from a CSV, TSV or text file, a row an image.

    Columns are named by their header, or by `1`, `2`, … where there is none. With a `separator`
    an image may have several labels: the dataset is a multi-label one.
    """

    kind: Literal["table"] = "table"
    table: Annotated[str, Field(min_length=1)]  # below the root where it is relative
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    has_header: bool = True
    file_column: str
    label_column: str
    separator: Annotated[str, Field(min_length=1, max_length=5)] | None = None
    part_column: str | None = None
    folder: str = ""  # goes before each file name, as `train-jpg`
    suffix: str = ""  # goes behind it, as `.jpg`


Labeller = Annotated[
    FolderLabeller | GrandparentLabeller | PatternLabeller | TableLabeller,
    Field(discriminator="kind"),
]
_ANY: TypeAdapter[Labeller] = TypeAdapter(Labeller)


def parse(values: object) -> Labeller:
    """Read a labeller as it was stored."""
    return _ANY.validate_python(values)


def is_multi_label(labeller: Labeller) -> bool:
    """Say whether an item of such a dataset may have several labels, or none."""
    return isinstance(labeller, TableLabeller) and labeller.separator is not None


def join(labels: Iterable[str]) -> str:
    """Write the labels of an item as one text: sorted, each once; none at all is empty."""
    return LABEL_SEPARATOR.join(sorted(set(labels)))


def split(label: str, *, multi: bool) -> tuple[str, ...]:
    """Give the classes that an item's label names: one, or with `multi` any number."""
    if not multi:
        return (label,)
    return tuple(label.split(LABEL_SEPARATOR)) if label else ()
