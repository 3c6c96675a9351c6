"""fastai's summary of the data block: its own lines, and where it ends early."""

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from fastai.torch_core import default_device

from core.domain.errors import RecipeError
from core.domain.plans import Plan
from core.domain.recipes import NO_AUGMENTATION, Augmentation, BinaryCrossEntropy, Recipe
from core.engine import augmenting, data, pictures, seeding, summary, worker
from core.store import files, schema
from tests.engine.conftest import Registered, fine_tune, row_of

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
def on_the_cpu() -> None:
    """Work where previews work."""
    default_device(use=False)


@pytest.fixture
def own_photos(photos: Path, tmp_path: Path) -> Path:
    """Copy the photos, so that a test may damage one."""
    return Path(shutil.copytree(photos, tmp_path / "photos"))


def plan_of(recipe: Recipe) -> Plan:
    """Make a plan with the seed of the other tests."""
    return Plan(split_id="split-a", recipe=recipe, seed=42)


def first_paths(frame: pd.DataFrame, plan: Plan) -> list[str]:
    """List the paths of the first train batch, in its order."""
    train, _ = summary.first_batch_first(frame, plan)
    return frame["path"].iloc[train[: plan.recipe.batch_size]].tolist()


def test_the_summary_has_fastais_lines_from_the_file_to_the_batch(
    frame: pd.DataFrame, photos: Path
) -> None:
    said = summary.describe(frame, photos, plan_of(fine_tune()))

    lines = said["text"].splitlines()
    assert lines[:4] == [
        "Setting-up type transforms pipelines",
        f"Collecting items from {photos}",
        "Found 45 items",
        "2 datasets of sizes 30,15",
    ]
    assert "Setting up Pipeline: read_image" in lines
    assert "      PILImage mode=RGB size=52x40" in lines
    assert "Adding the next 7 samples" in lines
    assert lines[-1].startswith("      (TensorImage of size 8x3x32x32, TensorCategory([")
    assert (said["error"], said["hint"], said["file"]) == (None, None, None)


def test_the_summarised_batch_is_the_one_that_is_previewed(
    frame: pd.DataFrame, photos: Path, tmp_path: Path
) -> None:
    plan = plan_of(fine_tune())

    drawn = pictures.draw(frame, photos, plan, item_id=None, folder=tmp_path)

    path_of = dict(zip(frame["item_id"], frame["path"], strict=True))
    assert first_paths(frame, plan) == [path_of[each["item_id"]] for each in drawn["train"]]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"augmentation": NO_AUGMENTATION},
        {"augmentation": NO_AUGMENTATION.model_copy(update={"flip_vert": True})},
        {"augmentation": Augmentation(min_scale=0.4, max_lighting=0.5)},
        {"augmentation": Augmentation(p_erase=1.0), "resize": "pad", "normalisation": "dataset"},
        {"resize": "squish", "normalisation": "none", "loss": BinaryCrossEntropy()},
    ],
)
@pytest.mark.parametrize("multi", [False, True])
def test_the_block_makes_the_very_batches_of_a_run(
    frame: pd.DataFrame, photos: Path, tmp_path: Path, changes: dict[str, Any], multi: bool
) -> None:
    recipe = fine_tune(**changes)
    reader, positions = data.image_reader(photos), data.positions(frame)

    ours = data.batches(frame, photos, recipe, path=tmp_path, multi=multi).dls
    block = summary.block(frame, reader, recipe, positions, multi=multi)
    theirs = block.dataloaders(photos, bs=8, num_workers=0)

    batches = []
    for dls in (ours, theirs):
        seeding.seed_fit(dls, 42)
        batches.append((*dls.train.one_batch(), *dls.valid.one_batch()))
    assert all(torch.equal(one, other) for one, other in zip(*batches, strict=True))


@pytest.mark.parametrize(
    ("place", "last_line"),
    [(0, "Setting up Pipeline: read_image"), (5, "Adding the next 7 samples")],
)
def test_a_damaged_file_of_the_first_batch_is_named_where_it_fails(
    frame: pd.DataFrame, own_photos: Path, place: int, last_line: str
) -> None:
    plan = plan_of(fine_tune())
    path = first_paths(frame, plan)[place]
    (own_photos / path).write_bytes(b"<html>not found</html>")

    said = summary.describe(frame, own_photos, plan)

    assert said["file"] == path
    assert said["error"] == f"{own_photos / path} is HTML, not an image."
    assert "Exclude the image" in said["hint"]
    assert [line for line in said["text"].splitlines() if line.strip()][-1] == last_line


def test_what_fails_once_the_items_are_read_is_blamed_on_no_file(
    frame: pd.DataFrame, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_batch: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("the shapes disagree")

    monkeypatch.setattr(augmenting, "batch_transforms", lambda _recipe: [fail])

    said = summary.describe(frame, photos, plan_of(fine_tune()))

    assert said["file"] is None
    assert said["error"] == "The images could not be made into a batch: the shapes disagree."
    assert "Setting up after_batch: Pipeline: " in said["text"]


def test_a_damaged_file_is_named_where_only_the_statistics_need_it(
    frame: pd.DataFrame, own_photos: Path
) -> None:
    plan = plan_of(fine_tune(normalisation="dataset"))
    train, _ = summary.first_batch_first(frame, plan)
    path = frame["path"].iloc[train[-1]]
    (own_photos / path).write_bytes(b"<html>not found</html>")

    said = summary.describe(frame, own_photos, plan)

    assert (said["file"], said["text"]) == (path, "")
    assert said["error"] == f"{own_photos / path} is HTML, not an image."


def test_the_summary_has_the_sizes_and_targets_of_the_first_stage(
    frame: pd.DataFrame, photos: Path
) -> None:
    small = {"size_px": 24, "batch_size": 5}
    first, second = (stage.model_copy(update=small) for stage in fine_tune().stages)
    whole = second.model_copy(update={"size_px": None, "batch_size": None})
    recipe = fine_tune(stages=(first, whole), loss=BinaryCrossEntropy())

    said = summary.describe(frame, photos, plan_of(recipe))

    assert said["error"] is None
    assert "TensorImage of size 5x3x24x24, TensorMultiCategory of size 5x3" in said["text"]


def test_a_batch_larger_than_train_is_summarised_as_far_as_the_images_go(
    frame: pd.DataFrame, photos: Path
) -> None:
    said = summary.describe(frame, photos, plan_of(fine_tune(batch_size=64)))

    assert "TensorImage of size 30x3x32x32" in said["text"]


def test_without_train_images_there_is_nothing_to_summarise(
    frame: pd.DataFrame, photos: Path
) -> None:
    with pytest.raises(RecipeError, match="no train images"):
        summary.describe(frame.assign(part="valid"), photos, plan_of(fine_tune()))


def test_several_labels_an_image_become_a_one_for_each_class(
    frame: pd.DataFrame, photos: Path, tmp_path: Path
) -> None:
    labels = ["a|c", "b", ""] * 15
    frame, plan = frame.assign(label=labels, part=["train", "train", "valid"] * 15), fine_tune()
    frame.loc[frame.index % 5 == 1, "label"] = ""

    said = summary.describe(frame, photos, plan_of(plan), multi=True)
    batches = data.batches(frame, photos, plan, path=tmp_path, multi=True)
    drawn = pictures.draw(frame, photos, plan_of(plan), item_id=None, folder=tmp_path, multi=True)

    assert "MultiCategorize" in said["text"]
    assert "OneHotEncode" in said["text"]
    assert (said["error"], batches.classes) == (None, ("a", "b", "c"))
    encoded = {str(batches.dls.train.dataset[at][1].int().tolist()) for at in range(30)}
    assert encoded == {"[1, 0, 1]", "[0, 1, 0]", "[0, 0, 0]"}
    assert {each["label"] for each in drawn["train"]} <= {"a, c", "b", "no label"}
    assert {each["label"] for each in drawn["valid"]} == {"no label"}


def test_a_summary_task_writes_what_it_found(registered: Registered) -> None:
    plan = registered.plan(fine_tune()).model_dump(mode="json")
    registered.queue_task("task-a", "preview", {"what": "summary", "plan": plan, "revision": 1})

    worker.work_on("task", "task-a")

    result = files.load_json(files.preview_folder("key-task-a") / "result.json")
    assert row_of(schema.tasks, "task-a")["error"] is None
    assert result["text"].startswith("Setting-up type transforms pipelines")
