"""The sample is a dataset like any other, and its manifest says what is wrong with it."""

from pathlib import Path

from PIL import Image

from core.datasets import catalog, digits, sample, splits
from core.datasets.digits import NAMES
from core.store import files
from tests.datasets import shelves


def test_the_manifest_lists_exactly_what_is_planted(home: Path) -> None:
    folder = sample.write()

    planted = files.load_json(files.sample_manifest())
    truth = {sheet.path: sheet.true_label for sheet in digits.plan()}
    wrong = {entry["path"]: entry["true_label"] for entry in planted["wrong"]}
    assert wrong == {path: label for path, label in truth.items() if path.split("/")[0] != label}
    assert len(wrong) == 30
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")}
    assert written == set(truth) | set(planted["broken"])
    assert len(planted["broken"]) == 4
    for copy in planted["copies"]:
        same = (folder / copy["path"]).read_bytes() == (folder / copy["copy_of"]).read_bytes()
        assert same == copy["exact"]
    assert [copy["exact"] for copy in planted["copies"]].count(True) == 6
    assert not files.sample_manifest().is_relative_to(folder)


def test_a_scan_finds_the_broken_and_the_doubled(home: Path) -> None:
    folder = sample.write()
    planted = files.load_json(files.sample_manifest())

    dataset_id, result = shelves.scanned(folder)

    ids = shelves.by_path(dataset_id)
    items = catalog.get_items(list(ids.values()))
    assert (result["n_images"], result["n_broken"]) == (614, 4)
    assert [item.path for item in shelves.broken(dataset_id)] == planted["broken"]
    assert catalog.classes(dataset_id) == tuple(sorted(NAMES))
    pairs = [(ids[copy["path"]], ids[copy["copy_of"]]) for copy in planted["copies"]]
    assert all(items[a].group_id == items[b].group_id == min(a, b) for a, b in pairs)
    assert sum(item.group_id is not None for item in items.values()) == 20


def test_the_sample_is_drawn_the_same_every_time() -> None:
    first = list(digits.draw_all(digits.plan()[:20]))

    assert list(digits.draw_all(digits.plan()[:20])) == first


def test_a_digit_is_dark_ink_on_light_paper(home: Path) -> None:
    picture = Image.open(sample.write() / digits.plan()[0].path)

    corner, darkest = picture.getpixel((1, 1)), picture.convert("L").getextrema()[0]
    assert picture.size == (96, 96)
    assert min(corner) > 220
    assert darkest < 60


def test_a_sample_that_is_there_is_left_as_it_is(home: Path) -> None:
    folder = sample.write()
    removed = folder / digits.plan()[0].path
    removed.unlink()

    assert sample.write() == folder
    assert not removed.exists()
    assert [path.name for path in folder.parent.iterdir()] != []
    assert not list(folder.parent.glob(".digits-*"))


def test_the_sample_is_registered_once_and_may_lie_in_winnows_home(home: Path) -> None:
    folder = sample.write()

    dataset = sample.register()

    assert dataset.source == "sample"
    assert sample.register() == dataset
    assert catalog.open_folder(str(folder)) == dataset
    assert splits.list_splits(dataset.id) == []
