"""Statistics in a real browser: a click on a bar shows its images."""

import pytest
from playwright.sync_api import Locator, Page, expect

from core.domain.items import Dataset
from tests.browser.conftest import settle

pytestmark = pytest.mark.browser


@pytest.fixture
def statistics(page: Page, server: str, pets: Dataset) -> Page:
    """Open the statistics of twelve cats and ten dogs, each 64 to 75 px high."""
    page.goto(f"{server}/browse?dataset={pets.id}&view=Statistics")
    expect(page.locator(".st-key-statistics-size_bytes .point").first).to_be_attached()
    settle(page)
    return page


def click(page: Page, bar: Locator) -> None:
    """Click the middle of a bar: plotly listens on a layer above it."""
    bar.scroll_into_view_if_needed()
    box = bar.bounding_box()
    assert box is not None
    at = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*at)
    page.mouse.click(*at)


def test_a_click_on_a_bar_of_a_histogram_shows_its_images(statistics):
    click(statistics, statistics.locator(".st-key-statistics-aspect .point path").last)

    expect(statistics.get_by_role("tab", name="Images")).to_have_attribute("aria-selected", "true")
    chip = statistics.get_by_role("button", name="Width / height from 1.43, below 1.6")
    expect(chip).to_be_visible()
    expect(statistics.locator(".tile")).to_have_count(8)


def test_a_click_on_a_class_shows_its_images_and_may_be_repeated(statistics):
    bars = statistics.locator(".st-key-statistics-classes .point path")
    click(statistics, bars.nth(1))
    expect(statistics.locator(".tile")).to_have_count(10)

    statistics.get_by_role("tab", name="Statistics").click()
    expect(bars.first).to_be_attached()
    settle(statistics)
    click(statistics, bars.nth(0))

    expect(statistics.locator(".tile")).to_have_count(12)
