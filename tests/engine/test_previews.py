"""What the network would see, as pictures and numbers."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from core.domain.errors import NotFoundError
from core.domain.plans import Plan
from core.domain.recipes import NO_AUGMENTATION, Augmentation, Mix, Recipe
from core.engine import pictures, training, worker
from core.engine.ledger import Ledger
from core.store import files, frames, schema
from tests.engine.conftest import FakeJob, Registered, describe, fine_tune, row_of

pytestmark = pytest.mark.engine


def plan_of(recipe: Recipe) -> Plan:
    """Make a plan with the seed of the other tests."""
    return Plan(split_id="split-a", recipe=recipe, seed=42)


def test_the_previewed_batch_is_the_first_that_a_run_sees(
    frame: pd.DataFrame, photos: Path, tmp_path: Path
) -> None:
    drawn = pictures.draw(frame, photos, plan_of(fine_tune()), item_id=None, folder=tmp_path)
    training.train(describe(frame, photos, fine_tune()), Ledger("run-a"), FakeJob())

    seen = frames.load(files.run_train_losses("run-a"))
    assert [each["item_id"] for each in drawn["train"]] == seen["item_id"].tolist()[:8]


def test_a_preview_gives_the_facts_of_the_batch(
    frame: pd.DataFrame, photos: Path, tmp_path: Path
) -> None:
    recipe = fine_tune(augmentation=NO_AUGMENTATION)

    drawn = pictures.draw(frame, photos, plan_of(recipe), item_id=None, folder=tmp_path)

    assert drawn["shape"] == [8, 3, 32, 32]
    assert (drawn["n_batches"], drawn["n_train"], drawn["n_valid"]) == (3, 30, 15)
    assert drawn["mix"] is None
    assert drawn["classes"] == ["blue", "green", "red"]
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    before, after = np.array(drawn["before"]["mean"]), np.array(drawn["after"]["mean"])
    assert after == pytest.approx((before - mean) / std, abs=1e-4)
    assert np.array(drawn["after"]["std"]) == pytest.approx(
        np.array(drawn["before"]["std"]) / std, abs=1e-4
    )


def test_the_pictures_have_the_size_and_the_colour_of_their_items(
    frame: pd.DataFrame, photos: Path, tmp_path: Path
) -> None:
    recipe = fine_tune(augmentation=NO_AUGMENTATION)

    drawn = pictures.draw(frame, photos, plan_of(recipe), item_id=None, folder=tmp_path)

    channel = {"red": 0, "green": 1, "blue": 2}
    for each in [*drawn["train"], *drawn["valid"]]:
        pixels = np.asarray(Image.open(tmp_path / each["file"]))
        assert pixels.shape == (32, 32, 3)
        assert pixels.mean(axis=(0, 1)).argmax() == channel[each["label"]]


def test_one_image_is_drawn_nine_times_and_differs(
    frame: pd.DataFrame, photos: Path, tmp_path: Path
) -> None:
    item = int(frame.loc[frame["part"] == "valid", "item_id"].iloc[2])

    drawn = pictures.draw(frame, photos, plan_of(fine_tune()), item_id=item, folder=tmp_path)

    nine = drawn["nine"]
    contents = {(tmp_path / name).read_bytes() for name in nine["files"]}
    assert (nine["item_id"], len(nine["files"])) == (item, 9)
    assert len(contents) > 5


def test_without_augmentation_the_nine_are_one_but_for_the_crop(
    frame: pd.DataFrame, photos: Path, tmp_path: Path
) -> None:
    square = fine_tune(presize_px=52, augmentation=NO_AUGMENTATION)

    drawn = pictures.draw(frame, photos, plan_of(square), item_id=None, folder=tmp_path)

    assert len(drawn["nine"]["files"]) == 9
    assert Image.open(tmp_path / drawn["nine"]["files"][0]).size == (32, 32)


@pytest.mark.parametrize(
    "given",
    [
        NO_AUGMENTATION,
        NO_AUGMENTATION.model_copy(update={"max_lighting": 0.5, "p_lighting": 1.0}),
        NO_AUGMENTATION.model_copy(update={"flip_vert": True}),
        NO_AUGMENTATION.model_copy(update={"min_scale": 0.4}),
        Augmentation(),
    ],
)
def test_every_augmentation_brings_the_batch_to_the_train_size(
    frame: pd.DataFrame, photos: Path, tmp_path: Path, given: Augmentation
) -> None:
    recipe = fine_tune(augmentation=given)

    drawn = pictures.draw(frame, photos, plan_of(recipe), item_id=None, folder=tmp_path)

    assert drawn["shape"] == [8, 3, 32, 32]
    assert Image.open(tmp_path / drawn["valid"][0]["file"]).size == (32, 32)


def test_a_preview_has_the_sizes_of_the_first_stage(
    frame: pd.DataFrame, photos: Path, tmp_path: Path
) -> None:
    first, second = fine_tune().stages
    small = first.model_copy(update={"size_px": 24, "batch_size": 5})

    plan = plan_of(fine_tune(stages=(small, second)))
    drawn = pictures.draw(frame, photos, plan, item_id=None, folder=tmp_path)

    assert (drawn["shape"], drawn["n_batches"]) == ([5, 3, 24, 24], 6)
    assert Image.open(tmp_path / drawn["valid"][0]["file"]).size == (24, 24)


def test_without_normalisation_the_values_are_the_pictures_own(
    frame: pd.DataFrame, photos: Path, tmp_path: Path
) -> None:
    recipe = fine_tune(normalisation="none")

    drawn = pictures.draw(frame, photos, plan_of(recipe), item_id=None, folder=tmp_path)

    assert drawn["after"] == drawn["before"]
    assert all(0.1 < mean < 0.7 for mean in drawn["before"]["mean"])


def test_a_padded_picture_is_mirrored_where_a_squished_one_is_stretched(
    frame: pd.DataFrame, photos: Path, tmp_path: Path
) -> None:
    striped = Image.new("RGB", (40, 20), "black")
    striped.paste((255, 255, 255), (0, 0, 40, 5))
    striped.save(tmp_path / "striped.png")
    frame = frame.assign(path="striped.png")
    bare = {"augmentation": NO_AUGMENTATION, "presize_px": 40, "size_px": 40}

    white = {}
    for method in ("pad", "squish"):
        plan = plan_of(fine_tune(resize=method, **bare))
        drawn = pictures.draw(frame, tmp_path, plan, item_id=None, folder=tmp_path)
        pixels = np.asarray(Image.open(tmp_path / drawn["valid"][0]["file"]))
        white[method] = [int(pixels[at, 20].mean() > 127) for at in (2, 7, 12, 17)]

    assert white == {"pad": [0, 1, 1, 0], "squish": [1, 1, 0, 0]}


def test_a_recipe_that_mixes_shows_blended_pictures_with_their_shares(
    frame: pd.DataFrame, photos: Path, tmp_path: Path
) -> None:
    recipe = fine_tune(augmentation=NO_AUGMENTATION, mix=Mix(kind="mixup", alpha=5))

    drawn = pictures.draw(frame, photos, plan_of(recipe), item_id=None, folder=tmp_path)

    channel = {"red": 0, "green": 1, "blue": 2}
    blended = [each for each in drawn["train"] if "+" in each["label"]]
    assert drawn["mix"] == {"kind": "mixup", "alpha": 5.0}
    assert len(blended) >= 3
    for each in blended:
        found = re.fullmatch(r"(\w+) (\d+) % \+ (\w+) (\d+) %", each["label"])
        assert found is not None
        (larger, share, smaller, rest) = found.groups()
        means = np.asarray(Image.open(tmp_path / each["file"])).mean(axis=(0, 1)) - 60
        assert int(share) + int(rest) == 100
        assert means[channel[larger]] == pytest.approx(int(share), abs=8)
        assert means[channel[smaller]] == pytest.approx(int(rest), abs=8)
    assert {each["label"] for each in drawn["valid"]} <= set(channel)


@pytest.mark.parametrize(
    ("shares", "label"),
    [
        ([0.3, 0.7, 0.0], "dog 70 % + cat 30 %"),
        ([0.6, 0.0, 0.4], "cat"),
        ([0.002, 0.998, 0.0], "dog"),
    ],
)
def test_the_shares_of_a_blend_are_told_by_label(shares: list[float], label: str) -> None:
    row = torch.tensor([shares])

    assert pictures.blended_labels(["cat", "dog", "cat"], row) == [label]


def test_an_image_that_is_not_in_use_cannot_be_varied(
    frame: pd.DataFrame, photos: Path, tmp_path: Path
) -> None:
    with pytest.raises(NotFoundError, match="The image 5 is not among those"):
        pictures.draw(frame, photos, plan_of(fine_tune()), item_id=5, folder=tmp_path)


def test_a_preview_task_writes_a_whole_folder(registered: Registered) -> None:
    plan = registered.plan(fine_tune()).model_dump(mode="json")
    registered.queue_task("task-a", "preview", {"what": "batch", "plan": plan, "revision": 1})

    worker.work_on("task", "task-a")

    folder = files.preview_folder("key-task-a")
    result = files.load_json(folder / "result.json")
    assert row_of(schema.tasks, "task-a")["error"] is None
    assert all((folder / each["file"]).exists() for each in result["train"])
    assert not list(folder.parent.glob(".*"))


def test_parameters_are_counted_a_stage_without_any_download(
    registered: Registered, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "empty"))
    plan = registered.plan(fine_tune(arch="resnet18", pretrained=True)).model_dump(mode="json")
    params = {"what": "parameters", "plan": plan, "n_classes": 10}
    registered.queue_task("task-a", "preview", params)

    worker.work_on("task", "task-a")

    result = files.load_json(files.preview_folder("key-task-a") / "result.json")
    head, whole = result["stages"]
    assert row_of(schema.tasks, "task-a")["error"] is None
    assert (head["train"], whole["train"]) == ("head", "all")
    assert whole["n_params_trained"] == whole["n_params"] == result["n_params"] == 11_708_992
    assert head["n_params_trained"] == 542_080  # the head, and the batch norms of the body
    assert not (tmp_path / "empty").exists()
