"""Batches are those of fastai's own data block with the settings of the recipe."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from fastai.data.block import CategoryBlock, DataBlock, MultiCategoryBlock
from fastai.data.core import DataLoaders
from fastai.data.transforms import ColReader, Normalize
from fastai.torch_core import TensorImage, default_device
from fastai.vision.augment import RandomErasing, Resize, ResizeMethod, aug_transforms
from fastai.vision.core import PILImage, imagenet_stats
from fastai.vision.data import ImageBlock
from PIL import Image

from core.domain.errors import UnreadableImageError
from core.domain.recipes import (
    NO_AUGMENTATION,
    SIDE_ON,
    TOP_DOWN,
    Augmentation,
    BinaryCrossEntropy,
    Recipe,
)
from core.engine import augmenting, data, normalising, seeding
from tests.engine.conftest import fine_tune

pytestmark = pytest.mark.engine

NORMALIZE = Normalize.from_stats(*imagenet_stats, cuda=False)


@pytest.fixture(autouse=True)
def on_the_cpu() -> None:
    """Compare on the device that every machine has."""
    default_device(use=False)


def of_fastai(frame: pd.DataFrame, root: Path, batch_tfms: list[Any], **named: Any) -> DataLoaders:
    """Make loaders as a notebook would."""
    resize, batch_size = named.get("resize", Resize(40)), named.get("batch_size", 8)
    parts = frame["part"]
    return DataBlock(
        blocks=(ImageBlock, CategoryBlock(vocab=["blue", "green", "red"])),
        get_x=ColReader("path", pref=root),
        get_y=ColReader("label"),
        splitter=lambda _: [np.flatnonzero(parts == part).tolist() for part in ("train", "valid")],
        item_tfms=resize,
        batch_tfms=batch_tfms,
    ).dataloaders(frame, bs=batch_size, num_workers=0)


def first_batches(dls: DataLoaders) -> list[torch.Tensor]:
    """Give pixels and targets of the first batch of train and of valid."""
    seeding.seed_fit(dls, 42)
    return [*dls.train.one_batch(), *dls.valid.one_batch()]


def are_equal(ours: DataLoaders, theirs: DataLoaders) -> bool:
    """Say whether the first batches are the same to the bit."""
    pairs = zip(first_batches(ours), first_batches(theirs), strict=True)
    return all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize(
    ("method", "fastais"), [("pad", ResizeMethod.Pad), ("squish", ResizeMethod.Squish)]
)
def test_padded_and_squished_batches_are_fastais_to_the_bit(
    frame: pd.DataFrame, photos: Path, tmp_path: Path, method: str, fastais: str
) -> None:
    ours = data.batches(frame, photos, fine_tune(resize=method), path=tmp_path).dls
    theirs = of_fastai(
        frame, photos, [*aug_transforms(size=32), NORMALIZE], resize=Resize(40, method=fastais)
    )

    cropped = data.batches(frame, photos, fine_tune(), path=tmp_path).dls
    assert are_equal(ours, theirs)
    assert not are_equal(ours, cropped)


def test_erased_batches_are_fastais_to_the_bit_and_valid_is_never_erased(
    frame: pd.DataFrame, photos: Path, tmp_path: Path
) -> None:
    recipe = fine_tune(augmentation=Augmentation(p_erase=1, max_erased=0.8))
    erasing = RandomErasing(p=1, sh=0.8, max_count=1)

    ours = data.batches(frame, photos, recipe, path=tmp_path).dls
    theirs = of_fastai(frame, photos, [*aug_transforms(size=32), NORMALIZE, erasing])

    plain = data.batches(frame, photos, fine_tune(), path=tmp_path).dls
    assert are_equal(ours, theirs)
    assert not torch.equal(first_batches(ours)[0], first_batches(plain)[0])
    assert torch.equal(first_batches(ours)[2], first_batches(plain)[2])


def test_without_normalisation_the_values_stay_between_0_and_1(
    frame: pd.DataFrame, photos: Path, tmp_path: Path
) -> None:
    ours = data.batches(frame, photos, fine_tune(normalisation="none"), path=tmp_path)
    theirs = of_fastai(frame, photos, aug_transforms(size=32))

    pixels = first_batches(ours.dls)[2]
    assert are_equal(ours.dls, theirs)
    assert ours.statistics is None
    assert (0 <= pixels.min() < pixels.max() <= 1).item()


def test_a_stage_may_have_its_own_size_and_batch_size(
    frame: pd.DataFrame, photos: Path, tmp_path: Path
) -> None:
    ours = data.batches(frame, photos, fine_tune(), path=tmp_path, size_px=24, batch_size=5)
    theirs = of_fastai(frame, photos, [*aug_transforms(size=24), NORMALIZE], batch_size=5)

    assert are_equal(ours.dls, theirs)
    assert list(first_batches(ours.dls)[0].shape) == [5, 3, 24, 24]
    assert ours.n_train_batches == 6


def test_the_statistics_of_the_dataset_are_numpys_over_its_train_images(
    frame: pd.DataFrame, photos: Path, tmp_path: Path
) -> None:
    recipe = fine_tune(normalisation="dataset")

    made = data.batches(frame, photos, recipe, path=tmp_path)
    again = data.batches(frame, photos, fine_tune(), path=tmp_path, statistics=made.statistics)

    used = frame.loc[frame["part"] == "train", "path"]
    middles = [Image.open(photos / path).crop((6, 0, 46, 40)) for path in used]
    values = np.stack([np.asarray(each, dtype=float) / 255 for each in middles])
    assert made.statistics is not None
    assert made.statistics[0] == pytest.approx(values.mean(axis=(0, 1, 2)), rel=1e-9)
    assert made.statistics[1] == pytest.approx(values.std(axis=(0, 1, 2)), rel=1e-5)
    normalize = Normalize.from_stats(*made.statistics, cuda=False)
    theirs = of_fastai(frame, photos, [*aug_transforms(size=32), normalize])
    assert are_equal(made.dls, theirs)
    assert are_equal(made.dls, again.dls)


def test_measuring_the_dataset_draws_from_no_generator(
    frame: pd.DataFrame, photos: Path, tmp_path: Path
) -> None:
    recipe = fine_tune(normalisation="dataset")
    before = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())

    data.statistics_of(frame, data.image_reader(photos), recipe)

    after = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())
    assert before == after


def test_of_many_images_256_at_even_distances_are_measured() -> None:
    few, many = [f"{at}" for at in range(7)], [f"{at}" for at in range(1000)]

    chosen = normalising.evenly_spaced(many)

    assert normalising.evenly_spaced(few) == few
    assert (len(chosen), chosen[:3], chosen[-1]) == (256, ["0", "3", "7"], "996")


def test_an_image_that_cannot_be_measured_is_named(frame: pd.DataFrame) -> None:
    def read(path: str) -> PILImage:
        return PILImage(Image.new("RGB", (0, 5)))

    first = frame.loc[frame["part"] == "train", "path"].iloc[0]
    with pytest.raises(UnreadableImageError, match=f"{first} could not be made into a training"):
        data.statistics_of(frame, read, fine_tune(normalisation="dataset", resize="pad"))


@pytest.mark.parametrize("label", ["red", "red|green"])
def test_with_a_sigmoid_a_class_a_single_label_becomes_one_of_several(
    frame: pd.DataFrame, photos: Path, tmp_path: Path, label: str
) -> None:
    frame = frame.assign(label=frame["label"].replace("red", label))
    recipe = fine_tune(loss=BinaryCrossEntropy())

    made = data.batches(frame, photos, recipe, path=tmp_path)
    theirs = DataBlock(
        blocks=(ImageBlock, MultiCategoryBlock(vocab=["blue", "green", label])),
        get_x=ColReader("path", pref=photos),
        get_y=lambda row: [row["label"]],
        splitter=lambda _: data.positions(frame),
        item_tfms=Resize(40),
        batch_tfms=[*aug_transforms(size=32), NORMALIZE],
    ).dataloaders(frame, bs=8, num_workers=0)

    targets = first_batches(made.dls)[1]
    assert are_equal(made.dls, theirs)
    assert targets.sum(dim=1).tolist() == [1.0] * 8
    assert made.classes == ("blue", "green", label)


@pytest.mark.parametrize(
    ("changes", "multi", "expected"),
    [({}, False, False), ({}, True, True), ({"loss": BinaryCrossEntropy()}, False, True)],
)
def test_targets_are_a_0_or_1_a_class_for_several_labels_or_a_sigmoid(
    changes: dict[str, Any], multi: bool, expected: bool
) -> None:
    assert data.is_multi_target(fine_tune(**changes), multi) is expected


def test_a_draft_is_read_smaller_and_looks_the_same(tmp_path: Path) -> None:
    coarse = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    photo = Image.fromarray(coarse).resize((800, 600), Image.Resampling.BICUBIC)
    photo.save(tmp_path / "photo.jpg", quality=90)
    frame = pd.DataFrame(
        [
            (at, "photo.jpg", name, part)
            for at, (name, part) in enumerate(
                [("cat", "train"), ("dog", "train"), ("cat", "valid")]
            )
        ],
        columns=["item_id", "path", "label", "part"],
    )
    exact = fine_tune(presize_px=140, size_px=128, batch_size=2, augmentation=NO_AUGMENTATION)
    draft = exact.model_copy(update={"input": "draft"})

    sizes, pixels = [], []
    for recipe in (exact, draft):
        dls = data.batches(
            frame, tmp_path, recipe, path=tmp_path, statistics=((0, 0, 0), (1, 1, 1))
        ).dls
        sizes.append(dls.valid.dataset[0][0].size)
        pixels.append(first_batches(dls)[2])

    assert sizes == [(800, 600), (200, 150)]
    assert float((pixels[0] - pixels[1]).abs().mean()) < 3 / 255


def views(given: Augmentation) -> set[int]:
    """Say which of the eight flips and right angles an augmentation makes, with all else off."""
    still = {"max_rotate": 0, "max_zoom": 1, "max_warp": 0, "max_lighting": 0}
    recipe: Recipe = fine_tune(augmentation=given.model_copy(update=still))
    square = torch.rand(3, 32, 32)
    eight = [
        torch.rot90(flip, turn, (1, 2)) for flip in (square, square.flip(2)) for turn in range(4)
    ]
    seeding.seed_all(1)
    seen = TensorImage(square[None].repeat(96, 1, 1, 1))
    for transform in augmenting.batch_transforms(recipe):
        seen = transform(seen, split_idx=0)
    differences = torch.stack([(seen - view).abs().amax(dim=(1, 2, 3)) for view in eight])
    assert float(differences.min(dim=0).values.max()) < 1e-4
    return set(differences.argmin(dim=0).tolist())


def test_seen_from_above_an_image_has_eight_views_and_from_the_side_two() -> None:
    assert views(TOP_DOWN) == set(range(8))
    assert views(SIDE_ON) == {0, 4}
    assert views(NO_AUGMENTATION) == {0}
