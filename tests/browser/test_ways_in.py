"""A table of labels, an archive and a list of addresses become datasets in a real browser."""

import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.datasets import catalog, splits
from core.domain.items import Dataset
from tests.browser.conftest import settle
from tests.datasets import corpus

pytestmark = pytest.mark.browser
LONG_MS = 60_000


@pytest.fixture
def table_folder(tmp_path: Path) -> Path:
    """Write photos in one flat folder, and a table with parts and several labels an image."""
    sets = ("haze road", "road", "haze", "sea road", "sea", "haze sea", "haze", "road sea")
    for at in range(len(sets)):
        corpus.put(tmp_path / "tiles" / "images" / f"tile_{at}.jpg", corpus.jpeg(at))
    rows = [f"tile_{at},{tags},{at > 5}" for at, tags in enumerate(sets)]
    table = "\n".join(["name,tags,is_valid", *rows, "tile_99,road,False"])
    corpus.put(tmp_path / "tiles" / "labels.csv", table.encode())
    return tmp_path / "tiles"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Write a zip of two classes in a folder of its own."""
    path = tmp_path / "animals.zip"
    with zipfile.ZipFile(path, "w") as file:
        for label in ("cat", "dog"):
            for at in range(4):
                seed = at + (100 if label == "dog" else 0)
                file.writestr(f"pets/{label}/{at}.jpg", corpus.jpeg(seed))
        file.writestr("pets/readme.md", "about")
    return path


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """Serve two photos and a page on the loopback."""
    corpus.put(tmp_path / "web" / "one.jpg", corpus.jpeg(1))
    corpus.put(tmp_path / "web" / "two.png", corpus.encoded(corpus.picture(2), "PNG"))
    corpus.put(tmp_path / "web" / "page.jpg", corpus.damaged()["page.jpg"][0])
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "web"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def dataset_named(name: str) -> Dataset:
    (found,) = [one for one in catalog.list_datasets() if one.name == name]
    return found


def test_a_table_with_several_labels_is_guessed_previewed_and_opened(
    page: Page, server: str, table_folder: Path
):
    page.goto(f"{server}/datasets")
    page.get_by_placeholder("/home/me/photos").fill(str(table_folder))
    page.keyboard.press("Enter")
    expect(page.get_by_text("All 8 files: 8 with a label, 3 classes")).to_be_visible()
    page.get_by_role("button", name="Open", exact=True).first.click()
    expect(page.get_by_text("Rows without a file: 1")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text("The split is the given one: 6 train, 2 valid.")).to_be_visible()
    page.get_by_text("Look through the images").click()
    expect(page.locator(".tile")).to_have_count(8)
    expect(page.locator(".tile").first).to_contain_text("haze")

    dataset = dataset_named("tiles")
    master = splits.get_master(dataset.id)
    assert dataset.is_multi_label
    assert catalog.classes(dataset.id) == ("haze", "road", "sea")
    assert master is not None
    assert master.is_given


def test_an_archive_is_unpacked_and_opened(page: Page, server: str, archive: Path):
    page.goto(f"{server}/datasets")
    page.get_by_role("radio", name="Archive").click()
    page.get_by_placeholder("/home/me/photos.zip").fill(str(archive))
    page.get_by_role("button", name="Unpack").click()
    expect(page.get_by_text("All 8 files: 8 with a label, 2 classes")).to_be_visible(
        timeout=LONG_MS
    )
    page.get_by_role("button", name="Open", exact=True).first.click()
    page.get_by_text("Look through the images").click(timeout=LONG_MS)
    expect(page.locator(".tile")).to_have_count(8)

    dataset = dataset_named("animals")
    assert (dataset.source, dataset.origin) == ("archive", str(archive))
    assert catalog.classes(dataset.id) == ("cat", "dog")


def test_a_list_of_addresses_is_downloaded_with_a_reason_for_each_failure(
    page: Page, server: str, web: str
):
    addresses = "\n".join(f"{web}/{name}" for name in ("one.jpg", "page.jpg", "two.png", "no.jpg"))
    page.goto(f"{server}/datasets")
    page.get_by_role("radio", name="List of URLs").click()
    page.get_by_text("or paste addresses of one class").click()
    page.get_by_label("Class").fill("squares")
    page.get_by_label("Addresses, one a line").fill(addresses)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("4 addresses in 1 class.")).to_be_visible()
    page.get_by_label("Name of the dataset").fill("from the web")
    page.keyboard.press("Enter")
    page.get_by_text("Allow addresses inside this machine").click()
    settle(page)
    page.get_by_role("button", name="Download", exact=True).click()
    expect(page.get_by_text("2 downloaded, 1 no image, 1 failed")).to_be_visible(timeout=LONG_MS)
    page.get_by_text("What came to nothing, and why").click()

    dataset = dataset_named("from the web")
    items = catalog.list_items(dataset.id).items
    assert [(item.label, item.rank, item.format) for item in items] == [
        ("squares", 1, "JPEG"),
        ("squares", 3, "PNG"),
    ]
