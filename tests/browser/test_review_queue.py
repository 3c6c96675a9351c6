"""The review queue in a real browser: keys decide, and what they decide reaches the store."""

import pytest
from playwright.sync_api import Page, expect

from core.datasets import catalog, edits, findings
from core.domain.findings import Finding
from core.domain.items import Dataset
from tests.browser.conftest import settle

pytestmark = pytest.mark.browser


def finding(item_id: int, score: float, **rest: object) -> Finding:
    reason = "It looks like a dog."
    given = {"kind": "mislabelled", "suggestion": "relabel", "label": "dog", **rest}
    return Finding(item_id=item_id, score=score, reason=reason, **given)


@pytest.fixture
def ids(pets: Dataset) -> list[int]:
    """Find four cats to be mislabelled, and three others that are near copies."""
    ids = [item.id for item in catalog.list_items(pets.id).items[:7]]
    wrong = [finding(one, 0.9 - 0.1 * n) for n, one in enumerate(ids[:4])]
    findings.replace(pets.id, "labels", wrong)
    group = {
        "kind": "near_copy",
        "suggestion": "exclude",
        "label": None,
        "members": tuple(ids[4:]),
    }
    findings.replace(pets.id, "near", [finding(one, 0.3, **group) for one in ids[5:]])
    return ids


@pytest.fixture
def review(page: Page, server: str, pets: Dataset, ids: list[int]) -> Page:
    """Open the queue of six images."""
    page.goto(f"{server}/audit?dataset={pets.id}")
    expect(page.locator(".place")).to_have_text("1 of 6", timeout=30_000)
    settle(page)
    return page


def saved(page: Page) -> None:
    """Wait until the server has acknowledged every decision."""
    expect(page.locator(".saved")).to_have_text("saved", timeout=15_000)


def test_keys_keep_accept_exclude_and_undo_and_reach_the_store(review, pets, ids):
    for key in ("k", "s", "d"):
        review.keyboard.press(key)
    expect(review.locator(".path")).to_have_text("cat/003.png")
    saved(review)
    decided = {one: catalog.get_item(one).decision for one in ids[:4]}

    review.keyboard.press("z")
    expect(review.locator(".path")).to_have_text("cat/002.png")
    saved(review)

    assert list(decided.values()) == ["keep", "relabel", "exclude", None]
    assert catalog.get_item(ids[1]).label == "dog"
    assert catalog.get_item(ids[2]).decision is None
    expect(review.locator(".place")).to_have_text("1 of 4")
    expect(review.get_by_text("4 left")).to_be_visible()


def test_shift_d_excludes_all_copies_but_one_undo_brings_them_back_shift_r_relabels_all(
    review, pets, ids
):
    for _ in range(4):
        review.keyboard.press("n")
    expect(review.locator(".path")).to_have_text("cat/005.png")

    review.keyboard.press("Shift+D")
    expect(review.locator(".place")).to_have_text("4 of 4")
    saved(review)
    excluded = [catalog.get_item(one).excluded for one in ids[4:]]
    review.keyboard.press("z")
    expect(review.locator(".path")).to_have_text("cat/005.png")
    saved(review)

    review.keyboard.press("Shift+R")
    review.keyboard.type("fox")
    review.keyboard.press("Enter")
    expect(review.locator(".place")).to_have_text("4 of 4")
    saved(review)

    assert excluded == [False, True, True]
    assert [catalog.get_item(one).label for one in ids[4:]] == ["fox"] * 3
    assert [entry.kind for entry in edits.list_log(pets.id)] == ["edit", "undo", "edit", "scan"]
