"""What a scan would find, before it is let in: the work of a task of kind "compare".

Nothing is opened and nothing is written: files are compared by path, size, time and label. The
same look at another folder tells whether a dataset was moved there.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core.datasets import catalog, comparison, folders, labelling, scan, snapshot
from core.datasets.changes import Found
from core.datasets.comparison import Comparison
from core.domain.errors import FolderError
from core.domain.items import Dataset
from core.store import database, schema

N_EXAMPLES = 50
N_PROBED = 40
"""Files that are looked for to tell whether a folder is that of a dataset."""

Params = dict[str, Any]


def look(dataset_id: str) -> Params:
    """Compare a dataset's folder with the catalog: counts, and the first paths of each kind.

    Raises what a scan would raise for the folder or the table.
    """
    dataset = catalog.get(dataset_id)
    listing = folders.walk(dataset.root)
    kinds: dict[str, list[str]] = {}
    if snapshot.digest(dataset, listing) != snapshot.find(dataset.id):
        labels = labelling.reader(dataset.labeller, dataset.root)
        found = comparison.compare(dataset.id, listing, labels)
        scan.check_root(dataset, found)
        kinds = dict(_by_kind(found))
    return {
        "revision": dataset.revision,
        "counts": {kind: len(paths) for kind, paths in kinds.items()},
        "examples": {kind: paths[:N_EXAMPLES] for kind, paths in kinds.items()},
    }


def look_elsewhere(dataset_id: str, path: str) -> Params:
    """Say how many of a dataset's images lie in another folder, by path and size, else by name.

    Raises FolderError for a folder that cannot be listed, or that holds none of them.
    """
    catalog.get(dataset_id)
    root = catalog.checked_root(path)
    here = {file[0]: file[1] for file in folders.walk(str(root)).files}
    names = {(_name(inner), size) for inner, size in here.items()}
    n_same = n_renamed = n_items = 0
    for inner, size in _known_files(dataset_id):
        n_items += 1
        if here.get(inner) == size:
            n_same += 1
        elif (_name(inner), size) in names:
            n_renamed += 1
    if n_items and not n_same + n_renamed:
        raise FolderError(
            f"None of the {n_items:,} images of this dataset lies in {root}.",
            hint="Choose the folder that holds the class folders, as the old one did.",
        )
    counted = {"n_items": n_items, "n_same": n_same, "n_elsewhere": n_renamed}
    return {"root": str(root), "n_files": len(here), **counted}


def _by_kind(found: Comparison) -> Iterator[tuple[str, list[str]]]:
    missing = [row for some in found.missing.values() for row in some if row.status != "gone"]
    fresh = [one for one in found.to_read if one.path not in found.known]
    moved = _moved(fresh, missing)
    yield "new", [one.path for one in fresh if one.path not in moved]
    yield "moved", [f"{old} → {new}" for new, old in moved.items()]
    yield "changed", [one.path for one in found.to_read if one.path in found.known]
    kinds = {change.item_id: change.kind for change in found.seen if change.item_id is not None}
    items = catalog.get_items(list(kinds))
    yield "back", [item.path for item in items.values() if kinds[item.id] == "back"]
    yield "labelled", [item.path for item in items.values() if kinds[item.id] == "labelled"]
    yield "missing", sorted({row.path for row in missing} - set(moved.values()))


def _moved(fresh: list[Found], missing: list[Any]) -> dict[str, str]:
    """Match new files with missing items by size and time, or name; the scan does by content."""
    left: dict[tuple[int, object], list[str]] = defaultdict(list)
    for row in missing:
        left[row.size_bytes, row.mtime_ns].append(row.path)
        left[row.size_bytes, _name(row.path)].append(row.path)
    moved: dict[str, str] = {}
    taken: set[str] = set()
    for one in fresh:
        alike = (*left[one.size_bytes, one.mtime_ns], *left[one.size_bytes, _name(one.path)])
        old = next((path for path in alike if path not in taken), None)
        if old is not None:
            moved[one.path] = old
            taken.add(old)
    return moved


def find_moved(root: str) -> Dataset | None:
    """Find the dataset whose folder is gone, and whose images lie in another folder now."""
    for dataset in catalog.list_datasets():
        if folders.is_there(dataset.root):
            continue
        known = list(islice(_known_files(dataset.id), N_PROBED))
        here = sum(_has_size(Path(root, path), size) for path, size in known)
        if known and here > len(known) / 2:
            return dataset
    return None


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat(follow_symlinks=False).st_size == size
    except OSError:
        return False


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _known_files(dataset_id: str) -> Iterator[tuple[str, int]]:
    table = schema.items
    query = sa.select(table.c.path, table.c.size_bytes).where(
        table.c.dataset_id == dataset_id, table.c.status != "gone"
    )
    with database.reading() as connection:
        yield from connection.execute(query).all()
