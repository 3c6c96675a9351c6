"""Groups of pictures that show the same: each is verified against the one that is to be kept."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from core.datasets.finders.near.matching import Match

MOST_LEADERS = 20
"""How many that are to be kept a picture is compared with."""

Same = Callable[[str, str], Match | None]
Groups = dict[str, dict[str, Match]]


def form(order: Sequence[str], matches: Iterable[Match], same: Same) -> Groups:
    """Group contents; gives those to keep, each with its copies and how they are alike.

    `order` is best first. A chain of likenesses never joins two that are not alike: what is like
    a copy, but not like the picture to keep, is kept itself. `same` compares any two.
    """
    groups: Groups = {}
    for chained in _chained(order, matches):
        leaders: list[str] = []
        for content in chained:
            found = {leader: same(leader, content) for leader in leaders[:MOST_LEADERS]}
            alike = {leader: match for leader, match in found.items() if match is not None}
            if alike:
                best = max(alike, key=lambda leader: alike[leader].details)
                groups.setdefault(best, {})[content] = alike[best]
            else:
                leaders.append(content)
    return groups


def _chained(order: Sequence[str], matches: Iterable[Match]) -> Iterator[list[str]]:
    """Give all that hang together by matches, best first."""
    linked: dict[str, set[str]] = defaultdict(set)
    for match in matches:
        linked[match.part].add(match.whole)
        linked[match.whole].add(match.part)
    seen: set[str] = set()
    for content in order:
        if content in linked and content not in seen:
            reached = _reached(content, linked)
            seen |= reached
            yield [one for one in order if one in reached]


def _reached(start: str, linked: dict[str, set[str]]) -> set[str]:
    reached, waiting = {start}, [start]
    while waiting:
        new = linked[waiting.pop()] - reached
        reached |= new
        waiting += new
    return reached
