"""Which labeller suits a folder, from a short look into it."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from core.datasets.images import IMAGE_SUFFIXES
from core.datasets.labelling import heads, readers, table
from core.datasets.labelling.looking import Look, look
from core.datasets.labelling.readers import PRESETS
from core.datasets.labelling.values import PART_NAMES, Label
from core.domain.errors import LabellerError
from core.domain.labellers import (
    FolderLabeller,
    GrandparentLabeller,
    Labeller,
    PatternLabeller,
    TableLabeller,
)

ENOUGH = 0.5
"""A labeller is taken when it gives a class to more than this share of the files."""

MOST_ROWS = 20_000
MOST_TABLES = 8

LABEL_NAMES = ("label", "labels", "class", "category", "tag", "tags", "breed", "target", "species")
PART_COLUMNS = ("is_valid", "part", "split", "set", "fold", "subset")
SEPARATORS = (" ", ";", "|", ",", "/")


def guess(root: str) -> Labeller:
    """Choose a labeller for a folder; raises FolderError where it cannot be read."""
    seen = look(root)
    if _by_parts(seen):
        return GrandparentLabeller()
    n_folders = len({path.partition("/")[0] for path in seen.files if "/" in path})
    loose = sum("/" not in path for path in seen.files)
    if n_folders > 1 and loose <= len(seen.files) / 2:
        return FolderLabeller()
    return _by_table(root, seen) or _by_pattern(seen) or FolderLabeller()


def for_table(root: str, name: str) -> TableLabeller:
    """Guess how a table is to be read for a folder; raises LabellerError where it is no table."""
    seen = look(root)
    head = heads.head(Path(root) / name)
    found = [_matching(head, column, seen) for column in head.columns]
    share, folder, suffix = max(found)
    at = found.index((share, folder, suffix))
    if head.has_header and share and _first_is_file(head, at, folder, suffix, seen):
        head = heads.head(Path(root) / name, has_header=False)
    file_column = head.columns[at]
    label_column = _label_column(head, file_column)
    values = head.column(label_column)
    return TableLabeller(
        table=name,
        delimiter=head.delimiter,
        has_header=head.has_header,
        file_column=file_column,
        label_column=label_column,
        separator=_separator(values, label_column),
        part_column=next((c for c in head.columns if c.lower() in PART_COLUMNS), None),
        folder=folder,
        suffix=suffix,
    )


def _by_parts(seen: Look) -> bool:
    """Say whether files lie in class folders below at least two folders that name parts."""
    deep = [path.split("/") for path in seen.files if path.count("/") >= 2]
    parts = {PART_NAMES.get(folders[0].lower()) for folders in deep} - {None}
    return len(parts) >= 2 and len(deep) > ENOUGH * len(seen.files)


def _by_table(root: str, seen: Look) -> TableLabeller | None:
    best: tuple[float, TableLabeller] | None = None
    for name in heads.find_tables(Path(root), most=MOST_TABLES):
        try:
            found = for_table(root, name)
            labels = table.load(found, Path(root), most_rows=MOST_ROWS).labels
        except LabellerError:
            continue  # a file that is no table is no guess; chosen by hand, it says why
        n_files = sum(path in labels for path in seen.files)
        share = n_files / max(1, len(seen.files))
        if share > (best[0] if best else 0.0):
            best = (share, found)
    return best[1] if best else None


def _by_pattern(seen: Look) -> PatternLabeller | None:
    for preset in PRESETS.values():
        read = readers.reader(preset, "").read
        labels = [found for found in map(read, seen.files) if isinstance(found, Label)]
        classes = Counter(found.label for found in labels)
        several = sum(number > 1 for number in classes.values())
        if len(labels) > 0.8 * max(1, len(seen.files)) and several >= 2:
            return preset
    return None


def _matching(head: heads.Head, column: str, seen: Look) -> tuple[float, str, str]:
    """Give the best share of a column's cells that name files, with the folder and suffix."""
    cells = head.column(column)
    files = set(seen.files)
    names = {path.rpartition("/")[2]: path.rpartition("/")[0] for path in seen.files}
    stems = {PurePosixPath(name).stem: (name, folder) for name, folder in names.items()}
    best = (0.0, "", "")
    for cell in cells[:20]:
        for folder, suffix in _candidates(cell, files, names, stems):
            hits = sum(_joined(folder, one, suffix) in files for one in cells)
            share = hits / max(1, len(cells))
            best = max(best, (share, folder, suffix), key=lambda found: found[0])
    return best if best[0] else _anywhere(cells, seen)


def _anywhere(cells: Sequence[str], seen: Look) -> tuple[float, str, str]:
    """Recognise a column of file names although the short look met none of its files."""
    folders = Counter(path.rpartition("/")[0] for path in seen.files)
    looks = [cell for cell in cells if PurePosixPath(cell).suffix.lower() in IMAGE_SUFFIXES]
    if not cells or len(looks) < ENOUGH * len(cells) or not folders:
        return 0.0, "", ""
    inside = "" if any("/" in cell for cell in cells) else folders.most_common(1)[0][0]
    return 0.001, inside, ""


def _candidates(
    cell: str, files: set[str], names: dict[str, str], stems: dict[str, tuple[str, str]]
) -> list[tuple[str, str]]:
    if cell in files:
        return [("", "")]
    if cell in names:
        return [(names[cell], "")]
    if cell in stems:
        name, folder = stems[cell]
        return [(folder, PurePosixPath(name).suffix)]
    suffix = [path for path in files if path.endswith(f"/{cell}")] if "/" in cell else []
    return [(path.removesuffix(f"/{cell}"), "") for path in suffix[:1]]


def _joined(folder: str, cell: str, suffix: str) -> str:
    return f"{folder}/{cell}{suffix}" if folder else f"{cell}{suffix}"


def _first_is_file(head: heads.Head, at: int, folder: str, suffix: str, seen: Look) -> bool:
    return _joined(folder, head.columns[at], suffix) in seen.files


def _label_column(head: heads.Head, file_column: str) -> str:
    others = [c for c in head.columns if c != file_column and c.lower() not in PART_COLUMNS]
    named = [c for c in others if c.lower() in LABEL_NAMES]
    return (named or others or [file_column])[0]


def _separator(values: Sequence[str], column: str) -> str | None:
    """Find what parts several labels in a cell: of many, what leaves the fewest labels."""
    found: list[tuple[int, str]] = []
    for separator in SEPARATORS:
        cut = [value.split(separator) for value in values if value]
        several = sum(len(parts) > 1 for parts in cut)
        if several < max(2, 0.2 * len(cut)):
            continue
        single = Counter(part.strip() for parts in cut for part in set(parts))
        again = sum(number > 1 for number in single.values())
        is_named = column.lower() in ("labels", "tags")
        if len(single) < len(set(values)) or (is_named and again > 1):
            found.append((len(single), separator))
    return min(found, key=lambda one: one[0])[1] if found else None
