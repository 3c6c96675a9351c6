"""Where a clean copy may be written, and how its folders and files are named."""

import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from core.datasets import folders
from core.datasets.applying import naming
from core.datasets.catalog import registry
from core.domain.errors import FolderError
from core.store import files

MOST_BYTES = 200
"""Of a folder's name: file systems take 255."""


def checked_target(typed: str) -> Path:
    """Give the real path of a folder that is new or empty; raises FolderError with the reason.

    It may lie in no dataset's folder, which a scan would find it in, and not in Winnow's home.
    """
    path = _followed(typed)
    if path.exists():
        if folders.entries(str(path)):
            raise FolderError(
                f"The folder {path} is not empty.",
                hint="Name a new folder, or an empty one; a copy is never mixed with other files.",
            )
    elif not path.parent.is_dir():
        raise FolderError(
            f"The folder {path.parent} does not exist, so {path.name} cannot be made in it.",
            hint="Check the spelling, or make the outer folder first.",
        )
    _check_outside(path)
    return path


def _followed(typed: str) -> Path:
    if not typed.strip():
        raise FolderError("No folder was named.", hint="Type the full path of a new folder.")
    try:
        given = Path(typed.strip()).expanduser()
        if not given.is_absolute():
            raise FolderError(
                f"{typed.strip()!r} is not a full path.",
                hint="Type the full path of a new folder, such as /home/me/clean-photos.",
            )
        return given.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise FolderError(
            f"{typed!r} is not a path that can be followed: {error}.",
            hint="Type the full path of a new folder.",
        ) from error


def _check_outside(path: Path) -> None:
    for dataset in registry.list_datasets():
        if path.is_relative_to(dataset.root):
            raise FolderError(
                f"{path} lies inside the dataset {dataset.name}, which would find the copies.",
                hint=f"Name a folder outside of {dataset.root}.",
            )
    home = files.home().resolve()
    if path.is_relative_to(home):
        raise FolderError(
            f"{path} lies in Winnow's own folder.", hint=f"Name a folder outside of {home}."
        )


def class_folders(labels: Iterable[str]) -> dict[str, str]:
    """Name a folder for each class: the class itself wherever a folder can bear that name.

    Two classes never share a folder, not even where capital letters make no difference.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for label in sorted(labels):
        free = (one for one in _numbered(_as_folder(label)) if one.casefold() not in taken)
        found[label] = next(free)
        taken.add(found[label].casefold())
    return found


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}-{number}" for number in range(2, 1_000_000))


def _as_folder(label: str) -> str:
    plain = "".join(
        "-" if one in "/\\" or unicodedata.category(one) in ("Cc", "Cs") else one for one in label
    )
    cut = plain.lstrip(".").strip().encode()[:MOST_BYTES].decode(errors="ignore").strip()
    return cut or "class"


class FreeNames:
    """Names for files of an empty folder, each given once, whatever the case of its letters."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, path: str) -> str:
        """Give a path, or the first free name beside it."""
        free = next(one for one in naming.numbered(path) if one.casefold() not in self._taken)
        self._taken.add(free.casefold())
        return free
