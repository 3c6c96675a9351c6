"""Filters in a real browser: they belong to the dataset that they were chosen for."""

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from core.domain.items import Dataset
from core.store import database, schema
from tests.browser.conftest import settle
from tests.pages import library

pytestmark = pytest.mark.browser


@pytest.fixture
def birds(tmp_path) -> Dataset:
    """Give four birds, and so many broken files that a link leads to all of them."""
    dataset = library.open_scanned(library.write_images(tmp_path / "birds", {"owl": 3, "wren": 1}))
    shared = {"dataset_id": dataset.id, "recorded_label": "owl", "label": "owl", "mtime_ns": 1}
    found = {"status": "broken", "reason": "is HTML, not an image", "size_bytes": 9}
    rows = [{**shared, **found, "path": f"owl/{n:03d}.jpg"} for n in range(201)]
    with database.writing() as connection:
        connection.execute(sa.insert(schema.items), rows)
    return dataset


def choose(page: Page, key: str, name: str) -> None:
    """Choose an entry of a select box."""
    page.locator(f".st-key-{key} input").first.click()
    page.get_by_role("option", name=name, exact=True).first.click()
    settle(page)


def test_filters_end_with_their_dataset(page, server, pets, birds):
    page.goto(f"{server}/browse?dataset={pets.id}&status=broken&side_from=900")
    expect(page.get_by_text("No image passes these filters.")).to_be_visible()
    settle(page)

    choose(page, f"toolbar-dataset-{pets.id}", "birds")

    expect(page.locator(".tile")).to_have_count(200)
    expect(page.get_by_text("205 images", exact=True)).to_be_visible()
    assert "status" not in page.url
    assert "side_from" not in page.url


def test_a_link_with_a_filter_to_another_dataset_brings_its_filter(page, server, pets, birds):
    page.goto(f"{server}/browse?dataset={pets.id}&status=excluded&name=x")
    expect(page.get_by_text("No image passes these filters.")).to_be_visible()
    settle(page)
    page.get_by_role("link", name="Datasets").click()
    page.locator(f".st-key-show-{birds.id} button").click()
    page.get_by_role("link", name="All of them").click()

    expect(page.get_by_text("201 images that pass the filters")).to_be_visible()
    first = page.locator(".tile .caption").first
    expect(first).to_have_text("owl\n000.jpg is HTML, not an image.", use_inner_text=True)


def test_filters_outlast_a_visit_to_another_page(page, server, pets):
    page.goto(f"{server}/browse?dataset={pets.id}&name=003")
    expect(page.locator(".tile")).to_have_count(2)
    settle(page)
    page.get_by_role("link", name="Batches", exact=True).first.click()
    expect(page.get_by_role("textbox", name="File name")).to_have_count(0)
    settle(page)
    page.get_by_role("link", name="Browse", exact=True).first.click()

    expect(page.get_by_role("textbox", name="File name")).to_have_value("003")
    expect(page.locator(".tile")).to_have_count(2)
