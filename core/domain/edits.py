"""The rules of the append-only log: what is in force after edits, undos and redos."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

EditKind = Literal["exclude", "relabel", "keep"]
RevisionKind = Literal["scan", "edit", "undo", "redo"]


@dataclass(frozen=True, kw_only=True)
class Revision:
    """One entry of a dataset's log; the first one is the first accepted scan."""

    revision: int
    kind: RevisionKind
    target_revision: int | None = None  # the edit that an undo takes back or a redo brings again


@dataclass(frozen=True, kw_only=True)
class Edit:
    """A reversible decision of a person about an item."""

    revision: int
    item_id: int
    kind: EditKind
    label: str | None = None  # the new label of a relabel, else None


@dataclass(frozen=True, kw_only=True)
class ItemState:
    """What the edits in force make of one item."""

    label: str
    excluded: bool = False
    decision: EditKind | None = None  # the kind of the last of them; None: nobody has decided


@dataclass(frozen=True, kw_only=True)
class History:
    """The edits in force, oldest first, and those that a redo would bring back, next one last."""

    done: tuple[int, ...]
    undone: tuple[int, ...]

    @property
    def undo_target(self) -> int | None:
        """Name the revision that the next undo takes back."""
        return self.done[-1] if self.done else None

    @property
    def redo_target(self) -> int | None:
        """Name the revision that the next redo brings again."""
        return self.undone[-1] if self.undone else None


def history(log: Iterable[Revision]) -> History:
    """Fold a log, in order of revision; a new edit forgets what was undone before it."""
    done: list[int] = []
    undone: list[int] = []
    for entry in log:
        if entry.kind == "edit":
            done.append(entry.revision)
            undone.clear()
        elif entry.kind == "undo":
            undone.append(done.pop())
        elif entry.kind == "redo":
            done.append(undone.pop())
    return History(done=tuple(done), undone=tuple(undone))


def apply(state: ItemState, edit: Edit) -> ItemState:
    """Give the state after one more edit; a relabel also brings an excluded item back."""
    if edit.kind == "exclude":
        return replace(state, excluded=True, decision="exclude")
    if edit.kind == "relabel" and edit.label is not None:
        return replace(state, label=edit.label, excluded=False, decision="relabel")
    return replace(state, decision=edit.kind)
