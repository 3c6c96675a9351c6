"""Decisions that are only marked until they are applied, as on the page of top losses."""

import re
import secrets

import pytest
from playwright.sync_api import Page, expect

from core.datasets import catalog, edits
from tests import builders
from tests.browser.conftest import settle

pytestmark = pytest.mark.browser
CLASSES = ["cat", "dog"]


@pytest.fixture
def dataset_id() -> str:
    """Insert a dataset whose run took every second valid cat for a dog."""
    own = secrets.token_hex(4)
    described = {"dataset_id": f"d-{own}", "split_id": f"s-{own}"}
    names = [f"{n:02d}.jpg" for n in range(16)]
    ids = builders.insert_dataset({"cat": names, "dog": names}, **described)
    run_id = builders.insert_run(f"run-{own}", metrics={"accuracy": 0.75}, **described)
    labels = [0] * 4 + [1] * 4
    p = [[0.1, 0.9], [0.9, 0.1], [0.2, 0.8], [0.8, 0.2], *[[0.1, 0.9]] * 4]
    builders.save_predictions(run_id, CLASSES, ids[3::4], labels, p)
    return described["dataset_id"]


@pytest.fixture
def losses(page: Page, server: str, dataset_id: str) -> Page:
    """Open the top losses of the dataset's run."""
    page.goto(f"{server}/interpret?dataset={dataset_id}")
    expect(page.locator(".tile").first).to_be_attached(timeout=30_000)
    settle(page)
    return page


def apply_button(page: Page):
    return page.get_by_role("button", name=re.compile("^Apply"))


def test_marks_change_nothing_until_they_are_applied(losses, dataset_id):
    losses.locator(".tile").nth(0).click()
    losses.keyboard.press("s")
    losses.locator(".tile").nth(1).click()
    losses.keyboard.press("d")

    expect(losses.locator(".tile").nth(0).locator(".badge")).to_have_text("→ dog")
    expect(losses.locator(".tile").nth(1).locator(".badge")).to_have_text("to delete")
    expect(apply_button(losses)).to_have_text("Apply 2 decisions")
    assert catalog.get(dataset_id).revision == 1


def test_one_button_applies_all_marks_and_one_undo_takes_all_back(losses, dataset_id):
    losses.locator(".tile").nth(0).click()
    losses.keyboard.press("s")
    for index in (2, 3):
        losses.locator(".tile").nth(index).click()
    losses.keyboard.press("d")
    apply_button(losses).click()
    expect(losses.locator(".saved")).to_have_text("saved", timeout=15_000)
    applied = edits.list_log(dataset_id)[0].note

    losses.keyboard.press("z")
    expect(losses.locator(".tile.excluded")).to_have_count(0)
    expect(losses.locator(".saved")).to_have_text("saved", timeout=15_000)

    assert applied == "1 image relabelled as dog; 2 images excluded"
    assert edits.list_log(dataset_id)[0].note == f"undo: {applied}"
    assert edits.summary(dataset_id) == edits.EditSummary(n_excluded=0, n_relabelled=0, n_kept=0)


def test_marks_survive_a_reload_and_clear_forgets_them(losses, dataset_id):
    losses.locator(".tile").nth(0).click()
    losses.keyboard.press("d")
    losses.reload()
    expect(apply_button(losses)).to_have_text("Apply 1 decision")

    losses.get_by_role("button", name="Clear").click()

    expect(apply_button(losses)).to_be_disabled()
    assert catalog.get(dataset_id).revision == 1
