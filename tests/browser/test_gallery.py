"""The gallery in a real browser: select, decide, take back, and find it again after a reload."""

import re

import pytest
from playwright.sync_api import Page, expect

from core.datasets import catalog, edits
from core.domain.items import Dataset
from tests.browser.conftest import settle
from tests.datasets import looks

pytestmark = pytest.mark.browser
MINUS = "\N{MINUS SIGN}"


@pytest.fixture
def gallery(page: Page, server: str, pets: Dataset) -> Page:
    """Open the dataset's gallery with all its tiles."""
    page.goto(f"{server}/browse?dataset={pets.id}")
    expect(page.locator(".tile")).to_have_count(22)
    settle(page)
    return page


def saved(page: Page) -> None:
    """Wait until the server has acknowledged every decision."""
    expect(page.locator(".saved")).to_have_text("saved", timeout=15_000)


def excluded(dataset: Dataset) -> int:
    filters = catalog.ItemFilter(status="excluded")
    return catalog.list_items(dataset.id, filters=filters).total


def test_a_click_selects_and_a_shift_click_selects_the_range(gallery):
    gallery.locator(".tile").nth(2).click()
    gallery.locator(".tile").nth(6).click(modifiers=["Shift"])

    expect(gallery.locator(".tile.selected")).to_have_count(5)
    expect(gallery.locator(".info")).to_have_text("5 selected")


def test_the_thumbnails_are_the_images(gallery):
    image = gallery.locator(".tile img").first
    expect(image).to_be_visible()

    width = image.evaluate("img => img.decode().then(() => img.naturalWidth)")

    assert width == 96


def test_d_excludes_and_z_brings_back_and_both_reach_the_store(gallery, pets):
    gallery.locator(".tile").nth(0).click()
    gallery.locator(".tile").nth(3).click(modifiers=["Shift"])
    gallery.keyboard.press("d")
    expect(gallery.locator(".tile.excluded")).to_have_count(4)
    saved(gallery)
    after_exclude = excluded(pets)

    gallery.keyboard.press("z")
    expect(gallery.locator(".tile.excluded")).to_have_count(0)
    saved(gallery)

    assert (after_exclude, excluded(pets)) == (4, 0)
    assert [entry.kind for entry in edits.list_log(pets.id)] == ["undo", "edit", "scan"]


def test_a_reload_keeps_what_was_decided(gallery, pets):
    gallery.locator(".tile").nth(1).click()
    gallery.keyboard.press("Delete")
    gallery.locator(".tile").nth(2).click()
    gallery.keyboard.press("k")
    saved(gallery)

    gallery.reload()

    expect(gallery.locator(".tile.excluded")).to_have_count(1)
    expect(gallery.locator(".badge[data-kind=kept]")).to_have_text(["kept"])
    expect(gallery.get_by_text("1 excluded")).to_be_visible()


def test_the_bar_follows_a_decision_without_a_reload(gallery):
    gallery.locator(".tile").nth(1).click()
    gallery.get_by_role("button", name=re.compile("Exclude")).click()

    expect(gallery.get_by_text("21 images in use")).to_be_visible()
    expect(gallery.get_by_text("revision 2")).to_be_visible()


def test_a_digit_relabels_to_the_class_of_that_number(gallery, pets):
    gallery.locator(".tile").nth(0).click()
    gallery.keyboard.press("2")
    expect(gallery.locator(".tile").nth(0).locator(".badge")).to_have_text("→ dog")
    saved(gallery)

    relabelled = catalog.list_items(pets.id, filters=catalog.ItemFilter(status="relabelled"))

    assert [item.label for item in relabelled.items] == ["dog"]


def test_r_opens_a_menu_that_narrows_down_while_typing(gallery):
    gallery.locator(".tile").nth(0).click()
    gallery.keyboard.press("r")
    expect(gallery.locator(".menu-option")).to_have_count(2)
    gallery.keyboard.type("do")
    expect(gallery.locator(".menu-option")).to_have_text(["dog", 'New class "do"'])
    gallery.keyboard.press("Enter")

    expect(gallery.locator(".tile").nth(0).locator(".badge")).to_have_text("→ dog")


def test_the_caption_follows_a_relabel_and_its_undo(gallery):
    caption = gallery.locator(".tile").nth(0).locator(".caption")
    gallery.locator(".tile").nth(0).click()
    gallery.keyboard.press("2")
    expect(caption).to_have_text("dog 000.png")
    saved(gallery)
    expect(caption).to_have_text("dog 000.png")

    gallery.keyboard.press("z")

    expect(caption).to_have_text("cat 000.png")
    expect(gallery.locator(".badge:visible")).to_have_count(0)


def test_the_menu_makes_a_class_that_is_not_there(gallery, pets):
    gallery.locator(".tile").nth(0).click()
    gallery.keyboard.press("r")
    gallery.keyboard.type("hat")
    expect(gallery.locator(".menu-option")).to_have_text(['New class "hat"'])
    gallery.keyboard.press("Enter")
    expect(gallery.locator(".tile").nth(0).locator(".badge")).to_have_text("→ hat")
    saved(gallery)

    assert "hat" in catalog.classes(pets.id)
    gallery.locator(".tile").nth(1).click()
    gallery.keyboard.press("r")
    expect(gallery.locator(".menu-option")).to_have_text(["cat", "dog", "hat"])


def test_a_class_that_cannot_be_made_is_told(gallery, pets):
    gallery.locator(".tile").nth(0).click()
    gallery.keyboard.press("r")
    gallery.keyboard.type("a/b")
    gallery.keyboard.press("Enter")

    alert = gallery.get_by_test_id("stAlertContentError")  # a toast says it, too
    expect(alert.get_by_text("'a/b' cannot be the name of a class")).to_be_visible()
    expect(gallery.locator(".tile").nth(0).locator(".caption")).to_have_text("cat 000.png")
    assert catalog.get(pets.id).revision == 1


def test_more_classes_than_keys_are_in_the_menu(page, server):
    dataset_id, _ = looks.items(*({"label": f"class {n:02d}"} for n in range(12)))
    page.goto(f"{server}/browse?dataset={dataset_id}")
    expect(page.locator(".tile")).to_have_count(12)
    settle(page)
    page.locator(".tile").nth(0).click()
    page.locator(".chip").nth(9).click()

    expect(page.locator(".chip")).to_have_count(10)
    expect(page.locator(".chip").nth(9)).to_have_text("…Rfor more")
    expect(page.locator(".menu-option")).to_have_count(12)


def test_a_file_that_is_gone_is_no_broken_one(page, server):
    dataset_id, _ = looks.items({"label": "cat", "status": "gone", "content_hash": None})
    page.goto(f"{server}/browse?dataset={dataset_id}&status=gone")

    expect(page.locator(".badge")).to_have_text("gone since the last scan")
    expect(page.locator(".no-picture")).to_have_text("no picture")


def test_thirty_quick_keys_are_all_counted_once(gallery, pets):
    gallery.locator(".grid").focus()
    for _ in range(15):
        gallery.keyboard.press("d")
    saved(gallery)

    assert excluded(pets) == 15
    assert len(edits.list_log(pets.id)) == 16


def test_the_arrows_move_and_shift_extends(gallery):
    gallery.locator(".grid").focus()
    gallery.keyboard.press("ArrowRight")
    gallery.keyboard.press("Shift+End")

    expect(gallery.locator(".tile.selected")).to_have_count(21)


def test_a_double_click_shows_the_image_large_with_what_is_known(gallery):
    gallery.locator(".tile").nth(0).dblclick()

    dialog = gallery.get_by_role("dialog")
    expect(dialog.get_by_text("cat/000.png")).to_be_visible()
    expect(dialog.get_by_text("96 × 64 px")).to_be_visible()
    dialog.get_by_role("button", name="Next").click()
    expect(dialog.get_by_text("cat/001.png")).to_be_visible()


@pytest.fixture
def several(page: Page, server: str) -> Page:
    """Open a gallery of images that may have several labels: of both, of one, of none."""
    dataset_id, _ = looks.several("cat|dog", "dog", "")
    page.goto(f"{server}/browse?dataset={dataset_id}")
    expect(page.locator(".tile")).to_have_count(3)
    settle(page)
    return page


def labels(gallery: Page) -> set[str]:
    """Read the labels from the store."""
    return {item.label for item in catalog.list_items(id_of(gallery)).items}


def id_of(gallery: Page) -> str:
    return re.search(r"dataset=([^&]+)", gallery.url)[1]


def test_a_class_is_added_to_those_without_it_and_removed_where_all_have_it(several):
    several.locator(".grid").focus()
    several.keyboard.press("Control+a")
    several.keyboard.press("1")
    expect(several.locator(".badge:visible")).to_have_text(["+ cat"] * 2)
    saved(several)
    added = labels(several)

    several.keyboard.press("2")
    expect(several.locator(".tile.selected")).to_have_count(3)
    saved(several)
    several.keyboard.press("2")
    expect(several.locator(".badge:visible")).to_have_text(
        ["+ cat", f"{MINUS} dog", f"+ cat, {MINUS} dog"]
    )
    expect(several.locator(".caption")).to_have_text([re.compile(r"^cat\s")] * 3)
    saved(several)

    assert added == {"cat", "cat|dog"}
    assert labels(several) == {"cat"}
    assert edits.list_log(id_of(several))[0].note == "3 images relabelled as cat"


def test_the_menu_says_which_classes_images_have(several):
    several.locator(".grid").focus()
    several.keyboard.press("Control+a")
    several.keyboard.press("r")

    options = several.locator(".menu-option")
    expect(options).to_have_text(["catadd to the others", "dogadd to the others"])
