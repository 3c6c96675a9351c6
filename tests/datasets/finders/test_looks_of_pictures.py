"""Findings about pictures that look unlike the others, and the measures they are judged by."""

import io
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw, ImageFilter

from core.datasets.finders import drawings, looks, measures, measuring
from core.domain.findings import Finding
from core.store import files, frames
from tests.datasets import corpus, shelves

SIZE_PX = (160, 200)


def photo(seed: int) -> Image.Image:
    """Make what a photograph has: shades, edges, grain and shadows."""
    draw = np.random.default_rng(seed)
    image = corpus.picture(seed, SIZE_PX)
    paint = ImageDraw.Draw(image)
    for _ in range(12):
        x, y = draw.integers(0, 160), draw.integers(0, 200)
        colour = tuple(int(level) for level in draw.integers(0, 255, 3))
        paint.ellipse([x, y, x + 30, y + 40], fill=colour)
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(0.4)), dtype=np.float32)
    shade = np.linspace(0.5, 1.0, SIZE_PX[0])[None, :, None]
    grain = draw.normal(0, 5, soft.shape)
    return Image.fromarray((soft * shade + grain).clip(0, 230).astype(np.uint8))


def page() -> Image.Image:
    image = Image.new("RGB", SIZE_PX, "white")
    paint = ImageDraw.Draw(image)
    for y in range(10, 190, 14):
        paint.text((12, y), "size chart wash cold", fill="black")
    return image


def odd_ones() -> dict[str, Image.Image]:
    """Make one picture of each kind that is to be found."""
    one = photo(500)
    levels = np.asarray(one, dtype=np.float32)
    return {
        "blurry": photo(501).filter(ImageFilter.GaussianBlur(5)),
        "dark": Image.fromarray((levels * 0.2).astype(np.uint8)),
        "bright": Image.fromarray((levels * 1.5 + 130).clip(0, 255).astype(np.uint8)),
        "low_information": Image.new("RGB", SIZE_PX, (180, 160, 90)),
        "drawing": page(),
        "odd_size": photo(502).resize((40, 50)),
        "odd_aspect": Image.fromarray(np.vstack([np.asarray(photo(n)) for n in range(503, 507)])),
    }


def write(root: Path, pictures: dict[str, Image.Image]) -> str:
    for name, picture in pictures.items():
        corpus.put(root / "things" / f"{name}.jpg", corpus.encoded(picture, "JPEG", quality=90))
    dataset_id, _result = shelves.scanned(root)
    return dataset_id


def measured(pictures: dict[str, Image.Image]) -> pd.DataFrame:
    """Measure pictures of one class as they come out of a JPEG; their names are the index."""
    rows = []
    for number, (name, picture) in enumerate(pictures.items()):
        kept = Image.open(io.BytesIO(corpus.encoded(picture, "JPEG", quality=85))).convert("RGB")
        about = {"name": name, "item_id": number, "label": "things"}
        sizes = {"width_px": picture.width, "height_px": picture.height}
        rows.append(about | sizes | asdict(measures.measure(kept)))
    return pd.DataFrame(rows).set_index("name")


def kinds(frame: pd.DataFrame, found: list[Finding]) -> dict[str, set[str]]:
    """Give the kinds of findings by the name of the picture."""
    names: dict[str, set[str]] = {}
    for one in found:
        names.setdefault(frame.index[one.item_id], set()).add(one.kind)
    return names


@pytest.fixture(scope="module")
def photos() -> pd.DataFrame:
    return measured({f"photo-{seed}": photo(seed) for seed in range(24)})


@pytest.fixture(scope="module")
def mixed(photos: pd.DataFrame) -> pd.DataFrame:
    """Give 24 photos and one odd picture of each kind."""
    odd = measured(odd_ones())
    return pd.concat([photos, odd.assign(item_id=odd["item_id"] + len(photos))])


@pytest.fixture
def few(tmp_path: Path) -> str:
    """Scan five small photos."""
    small = {f"photo-{seed}": photo(seed).resize((80, 100)) for seed in range(5)}
    return write(tmp_path / "few", small)


def test_each_odd_picture_is_found_and_no_photo_is(mixed):
    found = kinds(mixed, looks.judge(mixed))
    drawn = kinds(mixed, drawings.judge(mixed))

    assert found == {kind: {kind} for kind in odd_ones() if kind != "drawing"}
    assert drawn == {"drawing": {"drawing"}}


def test_reasons_compare_with_what_most_of_the_class_have(mixed):
    reasons = {one.kind: one.reason for one in looks.judge(mixed)}

    assert "where most of the class things have" in reasons["blurry"]
    assert reasons["odd_size"].startswith("40×50 pixels, where most images have 160×200")
    assert reasons["odd_aspect"].startswith("5.0 times as long as wide")


def test_small_classes_are_compared_with_the_whole_dataset(mixed):
    alone = mixed.assign(label=[f"class {number}" for number in mixed["item_id"]])

    found = {one.kind: one.reason for one in looks.judge(alone)}

    assert "where most images have" in found["blurry"]


def test_what_most_of_a_class_have_is_not_odd(mixed):
    dark = pd.concat([mixed.loc[["dark"]]] * 24).assign(label="night", item_id=range(100, 124))

    found = looks.judge(pd.concat([mixed, dark]))

    assert [one.item_id for one in found if one.kind == "dark"] == [mixed.loc["dark", "item_id"]]


def test_a_dataset_of_drawings_has_no_odd_drawings():
    pages = {f"page-{number}": page() for number in range(24)}
    for number, one in enumerate(pages.values()):
        ImageDraw.Draw(one).line([(number * 5, 0), (80, 199)], fill="red")
    frame = measured(pages)

    assert drawings.logits(frame).min() > 0
    assert drawings.judge(frame) == looks.judge(frame) == []


def test_a_grey_photo_and_one_cut_out_on_white_are_no_drawings(photos):
    mask = Image.new("L", SIZE_PX, 0)
    ImageDraw.Draw(mask).ellipse([25, 20, 135, 180], fill=255)
    cut_out = Image.composite(photo(601), Image.new("RGB", SIZE_PX, "white"), mask)
    more = measured({"grey": photo(600).convert("L"), "cut out": cut_out})

    assert drawings.judge(pd.concat([photos, more])) == []


def test_findings_of_a_scanned_folder_name_its_items(tmp_path):
    small = {f"photo-{seed}": photo(seed).resize((80, 100)) for seed in range(5)}
    dataset_id = write(tmp_path / "some", small | {"empty": Image.new("RGB", (80, 100), "tan")})

    (one,) = looks.find(dataset_id, shelves.Lease())

    assert one.kind == "low_information"
    assert one.item_id == shelves.by_path(dataset_id)["things/empty.jpg"]


def test_only_new_pictures_are_measured(few, monkeypatch):
    looks.find(few, shelves.Lease())
    lease = shelves.Lease()
    monkeypatch.setattr(measures, "measure", lambda image: pytest.fail("measured again"))

    drawings.find(few, lease)

    assert lease.reports == []


def test_another_version_measures_again(few, monkeypatch):
    looks.find(few, shelves.Lease())
    monkeypatch.setattr(measures, "VERSION", measures.VERSION + 1)
    lease = shelves.Lease()

    looks.find(few, lease)

    assert lease.reports[-1]["progress_done"] == 5


def test_a_stopped_finder_gives_nothing_and_keeps_what_it_measured(few, monkeypatch):
    monkeypatch.setattr(measuring, "REPORT_EVERY", 2)

    found = looks.find(few, shelves.Lease(stop_after=2))

    assert found is None
    assert len(frames.load(files.looks())) == 4


def test_a_missing_thumbnail_is_made_again_and_a_file_that_went_is_not_judged(few, tmp_path):
    before = measuring.items(few, shelves.Lease()).set_index("path")
    files.looks().unlink()
    for name in ("photo-0", "photo-1"):
        content_hash = before.loc[f"things/{name}.jpg", "content_hash"]
        files.thumbnail(content_hash, 256).unlink()
    (tmp_path / "few" / "things" / "photo-1.jpg").unlink()

    after = measuring.items(few, shelves.Lease()).set_index("path")

    assert after.loc["things/photo-0.jpg", "detail"] == before.loc["things/photo-0.jpg", "detail"]
    assert after.index[after["detail"].isna()].tolist() == ["things/photo-1.jpg"]


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (256, 2), (9, 9)])
def test_the_smallest_pictures_can_be_measured(size):
    found = measures.measure(Image.new("RGB", size, "white"))

    assert found.brightness == 1.0
    assert np.isnan(found.sharpness)


def test_blur_lowers_the_sharpness_and_nothing_else_does():
    one = photo(1)

    dim = measures.measure(one.point(lambda level: level // 2)).sharpness
    blurred = measures.measure(one.filter(ImageFilter.GaussianBlur(3))).sharpness
    plain = measures.measure(one).sharpness

    assert dim == pytest.approx(plain, abs=0.06)
    assert blurred < 0.7 * plain


def test_an_empty_dataset_has_no_findings():
    nothing = pd.DataFrame(columns=[*measuring.ITEM_COLUMNS, *measures.NAMES])

    assert looks.judge(nothing) == []
    assert drawings.judge(nothing) == []
