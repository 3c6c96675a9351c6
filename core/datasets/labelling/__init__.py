"""How an image's label is read from where it lies: readers, guesses, and previews of them."""

from core.datasets.labelling.guessing import guess
from core.datasets.labelling.heads import Head, find_tables, head
from core.datasets.labelling.previewing import Preview, PreviewRow, preview
from core.datasets.labelling.readers import PRESETS, Reader, reader
from core.datasets.labelling.table import RowProblem, Table
from core.datasets.labelling.telling import in_words
from core.datasets.labelling.values import PART_NAMES, Label

__all__ = [
    "PART_NAMES",
    "PRESETS",
    "Head",
    "Label",
    "Preview",
    "PreviewRow",
    "Reader",
    "RowProblem",
    "Table",
    "find_tables",
    "guess",
    "head",
    "in_words",
    "preview",
    "reader",
]
