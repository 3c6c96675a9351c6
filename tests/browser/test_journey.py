"""The whole loop in a real browser with the real engine, from a folder to two compared runs."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from core.datasets import catalog
from core.domain.items import Dataset
from core.runs import plans, recipes, runs
from tests.browser.conftest import settle
from tests.datasets import shelves

pytestmark = [pytest.mark.browser, pytest.mark.engine]
N_EACH = 20
LONG_MS = 120_000  # an engine that starts imports fastai first


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write three classes of tiny textures that a network tells apart, and one broken file."""
    rng = np.random.default_rng(1)
    for name, period in (("coarse", 16), ("fine", 4), ("plain", 0)):
        (tmp_path / "textures" / name).mkdir(parents=True)
        for number in range(N_EACH):
            pixels = rng.integers(90, 160, (48, 48, 3))
            if period:
                shift = rng.integers(period)
                pixels[(np.arange(48) + shift) % period < period // 2] += 90
            path = tmp_path / "textures" / name / f"{number:02d}.png"
            Image.fromarray(pixels.astype(np.uint8)).save(path)
    (tmp_path / "textures" / "plain" / "broken.jpg").write_text("<html>not found</html>")
    return tmp_path / "textures"


def test_from_a_folder_to_a_cleaner_classifier(page: Page, server: str, folder: Path):
    dataset = open_folder(page, server, folder)
    exclude_in_browse(page, dataset)
    set_up_batches(page, server, dataset)
    find_a_rate(page, server, dataset)
    first = train(page, server, dataset)
    look_at_a_cell(page)
    clean_top_losses(page, dataset)
    second = retrain(page, dataset)
    compare(page, server, dataset)

    before, after = runs.get(first), runs.get(second)
    assert (before.status, after.status) == ("finished", "finished")
    assert after.recipe == before.recipe
    assert (after.seed, after.split_id) == (before.seed, before.split_id)
    assert after.revision > before.revision
    assert after.fingerprint != before.fingerprint
    assert (after.n_train, after.n_valid) == (before.n_train - 2, before.n_valid)


def open_folder(page: Page, server: str, folder: Path) -> Dataset:
    """Steps 1 and 3: from the start page to a scanned folder, with its broken file named."""
    page.goto(server)
    page.get_by_role("button", name="Open a folder").click()
    page.get_by_placeholder("/home/me/photos").fill(str(folder))
    page.get_by_role("button", name="Open", exact=True).first.click()
    expect(page.get_by_text("Cannot be read.")).to_be_visible(timeout=LONG_MS)
    (dataset,) = [one for one in catalog.list_datasets() if one.root == str(folder)]
    assert [item.name for item in shelves.broken(dataset.id)] == ["broken.jpg"]
    return dataset


def exclude_in_browse(page: Page, dataset: Dataset) -> None:
    """Step 4: take one image out and bring it back."""
    page.get_by_text("Look through the images").click()
    expect(page.locator(".tile")).to_have_count(3 * N_EACH + 1)
    page.locator(".tile").nth(0).click()
    page.keyboard.press("d")
    expect(page.get_by_text(f"{3 * N_EACH - 1} images in use")).to_be_visible()
    page.keyboard.press("z")
    expect(page.get_by_text(f"{3 * N_EACH} images in use")).to_be_visible()
    assert catalog.get(dataset.id).revision == 3


def set_up_batches(page: Page, server: str, dataset: Dataset) -> None:
    """Step 5: a tiny recipe, and one real batch of it."""
    plans.change(dataset.id, recipe=recipes.from_scratch())
    page.goto(f"{server}/batches?dataset={dataset.id}")
    settle(page)
    for label, value in (("Train size (px)", "32"), ("Presize (px)", "48"), ("Batch size", "8")):
        page.get_by_label(label).fill(value)
        page.get_by_label(label).press("Enter")
        settle(page)
    expect(page.get_by_text("8 × 3 × 32 × 32")).to_be_visible(timeout=LONG_MS)
    picture = page.get_by_role("tabpanel").locator("img").first
    expect(picture).to_be_visible()


def find_a_rate(page: Page, server: str, dataset: Dataset) -> None:
    """Step 6: a range test, and a click that takes a suggestion into the recipe."""
    page.goto(f"{server}/lr?dataset={dataset.id}")
    page.get_by_role("button", name="Find the learning rate").click()
    expect(page.get_by_text("Suggestions")).to_be_visible(timeout=LONG_MS)
    before = plans.get(dataset.id).recipe
    page.get_by_role("button", name="Use ").first.click()
    expect(page.get_by_text("The recipe's rate is now")).to_be_visible()
    assert plans.get(dataset.id).recipe != before


def train(page: Page, server: str, dataset: Dataset) -> str:
    """Step 7: launch, watch the curve grow, reload, and find the run again at its end."""
    page.goto(f"{server}/train?dataset={dataset.id}")
    settle(page)
    page.get_by_label("Epochs", exact=True).fill("3")
    page.get_by_label("Epochs", exact=True).press("Enter")
    settle(page)
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_text("epoch 1 of 3").first).to_be_visible(timeout=LONG_MS)
    expect(page.locator(".live-panel .scatterlayer .trace").first).to_be_visible()
    page.reload()
    expect(page.get_by_text("Next: see what it got wrong")).to_be_visible(timeout=LONG_MS)
    (run,) = runs.list_runs(dataset.id)
    assert run.id in page.url
    return run.id


def look_at_a_cell(page: Page) -> None:
    """Step 8: a click on a cell of the confusion matrix shows its images."""
    page.get_by_text("Next: see what it got wrong").click()
    page.get_by_role("tab", name="Confusion").click()
    matrix = page.locator(".js-plotly-plot .heatmaplayer image").first
    expect(matrix).to_be_visible()
    settle(page)
    matrix.scroll_into_view_if_needed()
    box = matrix.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 6, box["y"] + box["height"] / 6)
    expect(page.get_by_text("coarse taken for coarse")).to_be_visible()


def clean_top_losses(page: Page, dataset: Dataset) -> None:
    """Step 8: mark the two worst train images for exclusion, then apply."""
    page.get_by_role("tab", name="Top losses").click()
    page.get_by_text("train", exact=True).click()
    expect(page.get_by_text("The train images by their loss while training")).to_be_visible()
    settle(page)  # until then what the run before has drawn may still be there
    page.get_by_text("Only those taken for another class").click()
    settle(page)
    tiles = page.locator(".tile:visible")  # the other tab's gallery is there, and hidden
    expect(tiles.first).to_be_visible()
    tiles.nth(0).click()
    tiles.nth(1).click(modifiers=["Shift"])
    page.keyboard.press("d")
    assert catalog.get(dataset.id).revision == 3  # marked, not applied
    page.get_by_role("button", name="Apply 2 decisions").click()
    expect(page.get_by_text("2 excluded")).to_be_visible()
    assert catalog.get(dataset.id).revision == 4


def retrain(page: Page, dataset: Dataset) -> str:
    """Step 9: one click trains the same description on the cleaned data."""
    page.get_by_role("button", name="Retrain on the cleaned data").click()
    expect(page.get_by_text("Next: see what it got wrong")).to_be_visible(timeout=LONG_MS)
    return runs.list_runs(dataset.id)[0].id


def compare(page: Page, server: str, dataset: Dataset) -> None:
    """Step 9: both runs side by side on the same validation images."""
    page.goto(f"{server}/runs?dataset={dataset.id}")
    settle(page)
    table = page.locator("[data-testid=stDataFrame] .dvn-scroller").first
    for row in (0, 1):
        table.click(position={"x": 16, "y": 36 + 36 * row + 18})
        settle(page)
    expect(page.get_by_text("What differs")).to_be_visible()
    expect(page.get_by_text("validation images that all of them have")).to_be_visible()
