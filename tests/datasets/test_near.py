"""Near-duplicates are found, grouped and told with the best one to keep; mere likeness is not."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from PIL import Image, ImageOps

from core.datasets import catalog, digits, edits, perceptual, reading
from core.datasets.finders import copies, near
from core.datasets.finders.near import candidates, correlation, matching
from core.domain.findings import Finding
from core.store import database, files, schema
from tests import builders

CHANNELS = 3 * perceptual.TINY_PX**2


class Job:
    """Counts what is reported, and wants an end after so many questions."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.reports: list[dict[str, object]] = []
        self._left = stop_after

    def report(self, **columns: object) -> None:
        self.reports.append(columns)

    def should_stop(self) -> bool:
        if self._left is None:
            return False
        self._left -= 1
        return self._left < 0


class Folder:
    """Images that were scanned, as the audit gives them to the finder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._rows: list[dict[str, object]] = []
        self.features: list[np.ndarray] = []

    def add(
        self,
        image: Image.Image,
        path: str,
        *,
        part: str | None = "train",
        label: str = "shirt",
        quality: int = 90,
    ) -> int:
        """Write a JPEG and scan it; gives the id of its item."""
        content = io.BytesIO()
        image.save(content, "JPEG", quality=quality)
        return self.add_bytes(content.getvalue(), path, part=part, label=label)

    def add_bytes(
        self, content: bytes, path: str, *, part: str | None = "train", label: str = "shirt"
    ) -> int:
        file = self._root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        found = reading.read(str(file))
        item_id = len(self._rows) + 1
        row = {
            "item_id": item_id,
            "content_hash": found.content_hash,
            "part": part,
            "label": label,
            "width_px": found.width_px,
            "height_px": found.height_px,
            "size_bytes": len(content),
            "path": path,
        }
        self._rows.append(row)
        with Image.open(file) as image:
            self.features.append(perceptual.tiny(image.convert("RGB")) / np.float32(255))
        return item_id

    def find(self, job: Job | None = None, **options: object) -> list[Finding] | None:
        features = np.array(self.features, dtype=np.float32).reshape(-1, CHANNELS)
        columns = ["item_id", "content_hash", "part", "label", "width_px", "height_px"]
        items = pd.DataFrame(self._rows, columns=[*columns, "size_bytes", "path"])
        return near.find(items, features, job or Job(), **options)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "photos")


def photo(seed: int, size: tuple[int, int] = (300, 400)) -> Image.Image:
    """Draw coarse and fine shapes that no other seed has."""
    draw = np.random.default_rng(seed)
    levels = np.zeros((size[1], size[0], 3), dtype=np.float32)
    for cells, strength in ((5, 110), (14, 80), (40, 60)):
        grid = draw.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
        drawn = Image.fromarray(grid).resize(size, Image.Resampling.BICUBIC)
        levels += np.asarray(drawn, dtype=np.float32) / 255 * strength
    return Image.fromarray(levels.clip(0, 255).astype(np.uint8))


def part_of(image: Image.Image, left: float, top: float, share: float) -> Image.Image:
    """Crop a picture, all in shares of its sides."""
    x, y = round(left * image.width), round(top * image.height)
    return image.crop((x, y, x + round(share * image.width), y + round(share * image.height)))


def test_copies_are_found_however_they_were_made(folder: Folder) -> None:
    original = photo(1)
    crop = part_of(original, 0.2, 0.1, 0.7)
    best = folder.add(original, "shirt/original.jpg")
    folder.add(photo(2), "shirt/other.jpg")
    made = [
        folder.add(original, "shirt/light.jpg", quality=20),
        folder.add(ImageOps.mirror(original), "shirt/mirror.jpg", quality=88),
        folder.add(original.resize((150, 200)), "shirt/small.jpg"),
        folder.add(crop, "shirt/crop.jpg"),
        folder.add(ImageOps.mirror(crop).resize((168, 224)), "shirt/all.jpg", quality=40),
    ]

    found = folder.find()

    assert {one.item_id for one in found} == set(made)
    assert {one.members[0] for one in found} == {best}
    assert {len(one.members) for one in found} == {6}
    assert {(one.kind, one.suggestion) for one in found} == {("near_copy", "exclude")}
    reasons = {one.item_id: one.reason for one in found}
    start = "The same picture as shirt/original.jpg, but "
    assert reasons == {
        made[0]: f"{start}compressed more strongly: keep that one.",
        made[1]: f"{start}mirrored: keep that one.",
        made[2]: f"{start}smaller (150×200 px, that one 300×400): keep that one.",
        made[3]: f"{start}a crop of about 50 % of it: keep that one.",
        made[4]: f"{start}mirrored, a crop of about 50 % of it and smaller (168×224 px, that one "
        "300×400): keep that one.",
    }


@pytest.mark.parametrize("what", ["decision", "doubt", "labels"])
def test_of_equal_files_the_same_stays_as_by_the_finder_of_copies(
    folder: Folder, what: str
) -> None:
    names = {"a": ["long.jpg", "longer.jpg"], "b": ["c.jpg"]} if what == "labels" else {"a": "bc"}
    ids = builders.insert_dataset(names)
    with database.writing() as connection:
        connection.execute(sa.update(schema.items).values(content_hash="e" * 32))
    if what == "decision":
        edits.apply("d-1", operation_id="k", kind="keep", item_ids=[ids[1]])
    doubt = {ids[0]: 0.3} if what == "doubt" else {}
    poor = io.BytesIO()
    photo(1).save(poor, "JPEG", quality=30)
    for item in catalog.get_items(ids).values():
        folder.add_bytes(poor.getvalue(), item.path, label=item.label)
    folder.add(photo(1), "a/best.jpg")

    (equal, *_) = copies.find("d-1", split_id="s-1", doubt=doubt)
    (members,) = {one.members for one in folder.find(doubt=doubt)}

    assert members == (len(ids) + 1, *equal.members)


def test_the_image_to_keep_is_the_one_that_models_are_scored_on(folder: Folder) -> None:
    original = photo(1)
    taught = folder.add(original, "shirt/a.jpg")
    scored = folder.add(part_of(original, 0.1, 0.1, 0.8), "shirt/b.jpg", part="valid")

    (leak,) = folder.find()

    assert (leak.item_id, leak.kind, leak.suggestion) == (taught, "leak", "exclude")
    assert leak.members == (scored, taught)
    assert "but with more around it: keep that one. That one is in valid" in leak.reason


def test_copies_in_valid_and_test_are_shown_to_a_person(folder: Folder) -> None:
    folder.add(photo(1), "shirt/a.jpg", part="valid")
    copy = folder.add(photo(1).resize((150, 200)), "shirt/b.jpg", part="test")

    (found,) = folder.find()

    assert (found.item_id, found.kind, found.suggestion) == (copy, "near_copy", "look")
    assert found.reason.endswith("That one is in valid and this one in test.")


def test_copies_with_different_labels_are_shown_to_a_person(folder: Folder) -> None:
    folder.add(photo(1), "shirt/a.jpg", part=None)
    folder.add(photo(1).resize((150, 200)), "skirt/b.jpg", part=None, label="skirt")

    (found,) = folder.find()

    assert (found.kind, found.suggestion) == ("near_copy", "look")
    assert "labelled shirt and this one skirt: one of them is wrong." in found.reason


def test_of_equally_good_copies_the_one_less_in_doubt_is_kept(folder: Folder) -> None:
    small, mirrored = photo(1), ImageOps.mirror(photo(1))
    items = [folder.add(small, "shirt/a.jpg"), folder.add(mirrored, "shirt/b.jpg")]
    for row in folder._rows:
        row["size_bytes"] = 1000

    kept = [folder.find(doubt=doubt)[0].members[0] for doubt in (None, {items[0]: 0.9})]

    assert kept == items


def test_exact_copies_are_told_only_where_a_better_picture_is_kept(folder: Folder) -> None:
    small = io.BytesIO()
    photo(1).resize((150, 200)).save(small, "JPEG")
    exact = [folder.add_bytes(small.getvalue(), f"shirt/{name}.jpg") for name in "ab"]
    nothing = folder.find()
    best = folder.add(photo(1), "shirt/best.jpg")

    found = folder.find()

    assert nothing == []
    assert [one.item_id for one in found] == exact
    assert {one.members for one in found} == {(best, *exact)}


def test_two_parts_that_hardly_overlap_are_one_group_only_by_their_whole(folder: Folder) -> None:
    whole = photo(1)
    low = folder.add(part_of(whole, 0, 0, 0.65), "shirt/low.jpg", part="valid")
    high = folder.add(part_of(whole, 0.35, 0.35, 0.65), "shirt/high.jpg", part="valid")
    apart = folder.find()
    large = folder.add(whole, "shirt/whole.jpg", part="valid")

    found = folder.find()

    assert apart == []
    assert sorted(one.item_id for one in found) == [low, high]
    assert {one.members[0] for one in found} == {large}


def test_plain_pictures_are_like_nothing(folder: Folder) -> None:
    for name, level in (("a", 250), ("b", 240), ("c", 20)):
        folder.add(Image.new("RGB", (300, 400), (level, level, level)), f"shirt/{name}.jpg")

    found = folder.find()

    assert found == []


def test_the_same_shapes_in_another_colour_are_no_copy(folder: Folder) -> None:
    folder.add(photo(1), "shirt/a.jpg")
    dyed = ImageOps.colorize(photo(1).convert("L"), (60, 0, 0), (255, 220, 60))
    folder.add(dyed, "shirt/dyed.jpg")

    found = folder.find()

    assert found == []


def test_a_grey_copy_is_a_copy(folder: Folder) -> None:
    folder.add(photo(1), "shirt/a.jpg")
    grey = folder.add(photo(1).convert("L"), "shirt/grey.jpg", quality=70)

    found = folder.find()

    assert [one.item_id for one in found] == [grey]


def test_digits_that_are_alike_are_not_taken_for_copies(folder: Folder) -> None:
    sheets = digits.plan()
    originals = {sheet.copy_of for sheet in sheets if sheet.quality < 90}
    some = [s for at, s in enumerate(sheets) if at % 7 == 0 or s.quality < 90]
    some += [s for s in sheets if s.path in originals and s not in some]
    ids = {sheet.path: folder.add_bytes(content, sheet.path) for sheet, content in _drawn(some)}

    found = folder.find()

    near_copies = {ids[s.path]: ids[s.copy_of] for s in some if s.quality < 90}
    assert {one.item_id: one.members[0] for one in found} == near_copies


def _drawn(sheets: list[digits.Sheet]) -> list[tuple[digits.Sheet, bytes]]:
    return list(digits.draw_all(tuple(sheets)))


def test_no_pair_is_compared_twice(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.add(photo(1), "shirt/a.jpg")
    folder.add(part_of(photo(1), 0, 0.1, 0.8), "shirt/b.jpg")
    folder.add(photo(2), "shirt/c.jpg")
    first = folder.find()
    asked: list[str] = []
    see = matching.sightings
    monkeypatch.setattr(
        matching, "sightings", lambda part, frames: asked.append(part) or see(part, frames)
    )
    monkeypatch.setattr(matching, "look_closer", lambda found: pytest.fail("looked again"))

    again = folder.find()

    assert again == first
    assert asked == []


def test_a_job_that_is_stopped_gives_nothing_and_keeps_what_it_compared(folder: Folder) -> None:
    for seed in range(4):
        folder.add(photo(seed), f"shirt/{seed}.jpg")

    found = folder.find(Job(stop_after=7))  # four were read, then two compared

    kept = pd.read_parquet(files.near_pairs())
    assert found is None
    assert len(kept) == 1  # of 6 pairs: the others were not looked at from both sides


def test_a_picture_whose_file_is_gone_is_left_out(folder: Folder, home: Path) -> None:
    folder.add(photo(1), "shirt/a.jpg")
    folder.add(photo(1).resize((150, 200)), "shirt/b.jpg")
    gone = folder._rows[1]["content_hash"]
    files.thumbnail(gone, 256).unlink()

    found = folder.find()

    assert found == []


def test_an_empty_dataset_has_no_copies(folder: Folder) -> None:
    assert folder.find() == []


def test_a_job_hears_how_far_the_work_is(folder: Folder) -> None:
    job = Job()
    for seed in range(3):
        folder.add(photo(seed), f"shirt/{seed}.jpg")

    folder.find(job)

    heard = [(one["message"], one["progress_total"]) for one in job.reports]
    assert heard == [
        ("reading small pictures", 3),
        ("comparing pictures", 3),
        ("looking at copies", 3),
    ]


def test_a_template_is_found_where_it_was_cut_out() -> None:
    board = np.random.default_rng(1).normal(100, 30, (28, 32)).astype(np.float32)
    template = board[5:19, 9:25] * 0.5 + 40  # neither brightness nor contrast matters

    wrong = np.random.default_rng(2).normal(100, 30, (40, 8)).astype(np.float32)
    places = correlation.best_places([wrong, template], [board, board[:10]], side_px=40)

    assert places[0].correlation == pytest.approx(1, abs=1e-4)
    assert (places[0].template, places[0].top, places[0].left) == (1, 5, 9)
    assert places[1] is None


def test_features_and_looks_both_bring_pictures_together() -> None:
    draw = np.random.default_rng(3)
    features = draw.normal(size=(80, 20)).astype(np.float32)
    frames = [draw.integers(0, 256, (32, 24), dtype=np.uint8) for _ in range(80)]
    features[70] = features[10] + 0.05 * draw.normal(size=20)
    frames[71] = frames[20][:, ::-1]

    blocks = candidates.blocks(features, frames)
    found = {tuple(sorted(pair)) for block in blocks for pair in block.tolist()}

    assert {(10, 70), (20, 71)} <= found
    assert len(found) < 80 * 79 / 4
