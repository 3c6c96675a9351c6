"""Suspicions about items: what finders say, and what a person is asked to decide.

A finding says what may be wrong with one item, how sure that is, and what could be done. Nothing
happens to an item by a finding; an edit does that. An item that a person has decided about, by
any edit in force, is not asked about again, whatever finder comes upon it later.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from core.domain.errors import InputError

FindingKind = Literal[
    "broken",
    "conflict",
    "leak",
    "copy",
    "near_copy",
    "mislabelled",
    "drawing",
    "outlier",
    "blurry",
    "dark",
    "bright",
    "low_information",
    "odd_size",
    "odd_aspect",
]

KINDS: tuple[FindingKind, ...] = get_args(FindingKind)
"""In this order where scores are equal: what is certain and does harm comes first."""

OF_COPIES: frozenset[FindingKind] = frozenset({"conflict", "leak", "copy", "near_copy"})
"""Findings about one of several images of the same thing, of which one is to be kept."""

Finder = Literal["files", "copies", "near", "looks", "drawings", "outliers", "labels"]
"""Who finds: each replaces its own findings when it runs again."""

Suggestion = Literal["exclude", "relabel", "look"]
"""What could be done; `look` where only a person can say."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One suspicion about one item; its score is comparable with those of all kinds."""

    item_id: int
    kind: FindingKind
    score: float  # 0 to 1, high = more suspicious; about the share of such findings that are right
    reason: str  # one sentence for a person
    suggestion: Suggestion
    label: str | None = None  # the new label of a relabel; several labels are joined
    members: tuple[int, ...] = ()  # of copies: the ids of all of them, the one to keep first

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 1:  # also refuses what is no number
            raise InputError(
                f"The score {self.score} of a finding about the image {self.item_id} does not lie "
                "between 0 and 1.",
                hint="This is a mistake in Winnow: please report it.",
            )
        if (self.kind in OF_COPIES) != (len(self.members) > 1):
            raise InputError(
                f"A finding of the kind {self.kind} about the image {self.item_id} has "
                f"{len(self.members)} members.",
                hint="This is a mistake in Winnow: please report it.",
            )
        if (self.suggestion == "relabel") != (self.label is not None):
            raise InputError(
                f"A finding about the image {self.item_id} suggests {self.suggestion} with the "
                f"label {self.label!r}.",
                hint="This is a mistake in Winnow: please report it.",
            )
