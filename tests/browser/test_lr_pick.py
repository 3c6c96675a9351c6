"""A click on the range test's curve takes that point's rate into the recipe."""

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from core.datasets import splits
from core.domain.items import Dataset
from core.runs import plans
from core.store import clock, database, schema
from tests.browser.conftest import settle

pytestmark = pytest.mark.browser
POINTS = [[1e-4, 3.0, 3.0], [1e-3, 2.0, 2.0], [1e-2, 1.0, 1.0], [1e-1, 4.0, 4.0]]


def insert_range_test(dataset: Dataset) -> None:
    """Insert a range test that has ended."""
    task = {
        "id": f"task-{dataset.id}",
        "kind": "lr_find",
        "dataset_id": dataset.id,
        "params": {"plan": plans.get(dataset.id).model_dump(mode="json")},
        "status": "finished",
        "created_at": clock.now(),
    }
    found = {"id": task["id"], "dataset_id": dataset.id, "points": POINTS, "suggestions": []}
    with database.writing() as connection:
        connection.execute(sa.insert(schema.tasks).values(**task))
        connection.execute(sa.insert(schema.lr_finds).values(created_at=0.0, **found))


def test_a_click_on_the_curve_offers_its_rate_and_use_takes_it(
    page: Page, server: str, pets: Dataset
):
    splits.make(pets.id)
    insert_range_test(pets)
    page.goto(f"{server}/lr?dataset={pets.id}")
    settle(page)
    points = page.locator(".live-panel .points path.point")
    expect(points).to_have_count(len(POINTS))

    box = points.nth(2).bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.get_by_text("Picked from the curve")).to_be_visible()
    page.get_by_role("button", name="Use 1e-2").click()
    expect(page.get_by_text("The recipe's rate is now 1e-2")).to_be_visible()

    assert plans.get(pets.id).recipe.stages[0].lr.high == pytest.approx(1e-2)
