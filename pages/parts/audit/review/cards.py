"""Cards of the queue as the browser gets them: each image once, however many cards show it."""

from collections.abc import Iterable
from typing import Any

from core.domain.findings import Finding
from core.domain.items import Item
from core.review.queue import Card
from pages.parts import item_words, text
from pages.parts.audit.review import words


def card(one: Card) -> dict[str, Any]:
    """Give a card with the ids of its images."""
    return {
        "id": one.item.id,
        "findings": [_finding(found) for found in one.entry.findings],
        "others": [_finding(found) for found in one.others],
        "near": [[item.id, round(similarity, 3)] for item, similarity in one.near],
        "copies": [item.id for item in one.copies],
        "examples": [[name, [item.id for item in some]] for name, some in one.examples.items()],
    }


def pictures(some: Iterable[Card]) -> dict[str, dict[str, Any]]:
    """Give what is known of every image that some cards show, by its id."""
    found = {item.id: item for one in some for item in _items(one)}
    return {str(item_id): _picture(item) for item_id, item in found.items()}


def _finding(found: Finding) -> dict[str, Any]:
    return {
        "words": words.ONE[found.kind],
        "score": found.score,
        "reason": found.reason,
        "suggestion": found.suggestion,
        "label": found.label,
        "members": list(found.members),
    }


def _items(one: Card) -> Iterable[Item]:
    yield one.item
    yield from (item for item, _similarity in one.near)
    yield from one.copies
    for some in one.examples.values():
        yield from some


def _picture(item: Item) -> dict[str, Any]:
    return {
        "hash": item.content_hash,
        "status": item.status,
        "label": item.label,
        "recorded": item.recorded_label,
        "part": item.part,
        "excluded": item.excluded,
        "decision": item.decision,
        "path": item.path,
        "problem": text.plain(item_words.problem(item) or ""),
    }
