"""A run's model on other images: predictions, varied views, where it looks, what is broken."""

import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import torchvision
from fastai.callback.core import Callback
from fastai.callback.progress import ProgressCallback
from fastai.data.core import Datasets
from fastai.data.transforms import Categorize, IntToFloatTensor, Normalize, ToTensor
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat
from fastai.torch_core import set_seed
from fastai.vision.augment import Resize, aug_transforms
from fastai.vision.core import PILImage, imagenet_stats
from fastai.vision.learner import create_vision_model
from fastai.vision.models import xresnet
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from core.domain.recipes import BinaryCrossEntropy, Recipe
from core.engine import augmenting, grad_cam, predicting, trained, tta, worker
from core.store import files, frames, schema
from tests.engine.conftest import CLASSES, Registered, fine_tune, row_of

pytestmark = pytest.mark.engine
RUN = "run-a"


@pytest.fixture(scope="module")
def model() -> nn.Module:
    """Make a network with fixed random weights."""
    torch.manual_seed(3)
    return create_vision_model(torchvision.models.squeezenet1_0, 3, pretrained=False).eval()


@pytest.fixture(scope="module")
def plain(photos: Path, model: nn.Module) -> Learner:
    """Make the learner that a fastai user would: the same weights, all photos in valid."""
    paths = [str(path) for path in sorted(photos.glob("*/*"))]
    datasets = Datasets(
        paths,
        tfms=[[PILImage.create], [lambda path: Path(path).parent.name, Categorize(vocab=CLASSES)]],
        splits=([0], list(range(len(paths)))),
    )
    dls = datasets.dataloaders(
        bs=16,
        num_workers=0,
        after_item=[Resize(40), ToTensor()],
        after_batch=[
            IntToFloatTensor(),
            *aug_transforms(size=32),
            Normalize.from_stats(*imagenet_stats),
        ],
    )
    made = Learner(dls, model, loss_func=CrossEntropyLossFlat())
    made.remove_cb(ProgressCallback)  # as the learners of runs do: it wants the recorder
    return made


def leave_run(registered: Registered, model: nn.Module, recipe: Recipe | None = None) -> None:
    """Leave what a finished run leaves: weights, and the JSON beside them."""
    given = recipe or fine_tune()
    registered.queue_run(RUN, given)
    mean, std = imagenet_stats
    about = {
        "arch": given.arch,
        "classes": list(CLASSES),
        "presize_px": given.presize_px,
        "size_px": given.size_px,
        "mean": list(mean),
        "std": list(std),
        "recipe": given.model_dump(mode="json"),
    }
    files.write_json(files.run_model(RUN), about)
    save_file(dict(model.state_dict()), files.run_weights(RUN))


def predict(registered: Registered, task_id: str = "task-a", **params: Any) -> pd.DataFrame:
    """Do a predict task in this process, and read its tables."""
    given = {"what": "images", "run_id": RUN, **params}
    registered.queue_task(task_id, "predict", given)
    worker.work_on("task", task_id)
    assert row_of(schema.tasks, task_id)["error"] is None
    parts = [frames.load(path) for path in files.prediction_parts(task_id)]
    return pd.concat(parts, ignore_index=True)


def test_predictions_are_those_of_fastai_and_folders_that_name_a_class_are_labels(
    registered: Registered, photos: Path, plain: Learner
) -> None:
    leave_run(registered, plain.model)

    found = predict(registered, folder=str(photos))

    expected = plain.get_preds()[0].numpy()
    names = [path.relative_to(photos).as_posix() for path in sorted(photos.glob("*/*"))]
    labels = [name.split("/")[0] for name in names]
    assert found["path"].tolist() == names
    assert found["label"].tolist() == labels
    assert found[["p_0", "p_1", "p_2"]].to_numpy() == pytest.approx(expected, abs=1e-5)
    assert found["pred"].tolist() == [CLASSES[at] for at in expected.argmax(axis=1)]
    own = expected[np.arange(45), [CLASSES.index(label) for label in labels]]
    assert found["label_rank"].tolist() == (expected > own[:, None]).sum(axis=1).tolist()
    about = files.load_json(files.prediction_about("task-a"))
    assert (about["classes"], about["threshold"]) == (list(CLASSES), None)
    assert row_of(schema.tasks, "task-a")["result"]["n_images"] == 45


class Picky(Resize):
    """Stands for a transform that cannot handle some picture."""

    def before_call(self, b: Any, split_idx: int) -> None:
        """Refuse what is thin."""
        picture = b[0] if isinstance(b, tuple) else b
        if picture.size[1] == 1:
            raise ValueError("too thin")
        super().before_call(b, split_idx)


def test_what_is_no_picture_is_named_and_the_rest_is_predicted(
    registered: Registered, model: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(augmenting, "presize", lambda recipe: Picky(recipe.presize_px))
    recipe = fine_tune(loss=BinaryCrossEntropy(threshold=0.3))
    leave_run(registered, model, recipe)
    folder, other = tmp_path / "new", tmp_path / "other"
    for place in (folder / "red", other):
        place.mkdir(parents=True)
        Image.new("RGB", (50, 40), "red").save(place / "fine.png")
    Image.new("RGB", (50, 40), "red").save(folder / "no class.png")
    Image.new("RGB", (900, 1), "red").save(folder / "thin.png")
    (folder / "text.jpg").write_text("{}")
    (folder / "link.png").symlink_to(other / "fine.png")
    (folder / "notes.txt").write_text("not an image")

    found = predict(registered, folder=str(folder)).sort_values("path").set_index("path")

    broken = found[found["reason"].notna()]
    assert found.index.tolist() == ["no class.png", "red/fine.png", "text.jpg", "thin.png"]
    assert broken["reason"]["text.jpg"] == "is text, not an image"
    assert "could not be made into what the network takes" in broken["reason"]["thin.png"]
    assert broken["pred"].isna().all()
    assert found["label"].isna().tolist() == [True, False, True, True]
    about = files.load_json(files.prediction_about("task-a"))
    assert about["ignored"] == {"link": 1, "not an image": 1}
    assert about["threshold"] == 0.3
    sigmoids = found.loc["red/fine.png", ["p_0", "p_1", "p_2"]].astype(float)
    assert sigmoids.sum() != pytest.approx(1, abs=1e-3)
    assert files.thumbnail(found["content_hash"]["red/fine.png"], 256).exists()


def test_an_archive_is_unpacked_and_its_images_are_predicted(
    registered: Registered, model: nn.Module, photos: Path, tmp_path: Path
) -> None:
    leave_run(registered, model)
    archive = tmp_path / "new.zip"
    with zipfile.ZipFile(archive, "w") as written:
        written.write(photos / "red" / "00.png", "a/red/1.png")

    found = predict(registered, archive=str(archive), import_id="imp-a", tta={"n": 2, "beta": 0.5})

    assert found["label"].tolist() == ["red"]
    assert found[["p_0", "p_1", "p_2"]].sum(axis=1).tolist() == pytest.approx([1.0])
    about = files.load_json(files.prediction_about("task-a"))
    assert about["tta"] == {"n": 2, "beta": 0.5}
    assert Path(about["folder"]).is_relative_to(files.import_folder("imp-a").resolve())


def test_a_model_that_was_left_without_its_recipe_is_built_from_the_row(
    registered: Registered, model: nn.Module
) -> None:
    leave_run(registered, model)
    about = files.load_json(files.run_model(RUN))
    about.pop("recipe")
    files.write_json(files.run_model(RUN), {**about, "mean": None, "std": None})

    found = trained.load(RUN)

    white = PILImage(Image.new("RGB", (40, 40), "white"))
    (pixels,) = found.loader([white]).one_batch()
    assert found.recipe == fine_tune()
    assert torch.allclose(pixels, torch.ones(1, 3, 32, 32))  # nothing was normalised


def test_a_stopped_prediction_keeps_what_it_has(
    registered: Registered, model: nn.Module, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_run(registered, model)
    monkeypatch.setattr(predicting, "MOST_AT_ONCE", 8)
    asked: list[int] = []

    class Lease:
        def __init__(self, lease: Any) -> None:
            self.job_id, self.report, self.finish = lease.job_id, lease.report, lease.finish

        def should_stop(self) -> bool:
            asked.append(1)
            return len(asked) > 2

    work = predicting.run
    monkeypatch.setattr(predicting, "run", lambda lease: work(Lease(lease)))

    found = predict(registered, folder=str(photos))

    row = row_of(schema.tasks, "task-a")
    assert len(found) == 16
    assert row["status"] == "stopped"
    assert row["result"]["n_images"] == 16


@pytest.mark.parametrize("beta", [0.25, None])
def test_varied_views_are_averaged_as_fastai_does_and_the_recorder_keeps_its_values(
    plain: Learner, beta: float | None
) -> None:
    plain.recorder.values = ["kept"]
    loader = plain.dls.valid

    seed()
    found = tta.predict(plain, loader, n=2, beta=beta)

    kept = plain.recorder.values
    seed()
    weight = {"use_max": True} if beta is None else {"beta": beta}
    expected = plain.tta(dl=loader, n=2, **weight)[0]
    assert torch.equal(found, expected)
    assert kept == ["kept"]


def test_the_end_of_a_run_gives_what_fastai_gives_without_a_loader(plain: Learner) -> None:
    seed()
    found = tta.predict(plain, plain.dls.valid, n=2, beta=0.25, train_tfms_from=plain.dls.train)

    seed()
    expected = plain.tta(n=2)[0]
    assert torch.equal(found, expected)


def seed() -> None:
    """Seed all that the views draw from."""
    set_seed(7, reproducible=True)
    random.seed(7)


def test_the_views_can_be_those_of_another_loader(plain: Learner, photos: Path) -> None:
    bare = [IntToFloatTensor(), Normalize.from_stats(*imagenet_stats)]
    still = plain.dls.valid.new(after_item=[Resize(32), ToTensor()], after_batch=bare)

    seed()
    found = tta.predict(plain, plain.dls.valid, n=2, beta=0.5, train_tfms_from=still)

    seed()
    item = [Resize(32), ToTensor()]
    expected = plain.tta(dl=plain.dls.valid, n=2, beta=0.5, item_tfms=item, batch_tfms=bare)[0]
    assert torch.equal(found, expected)


def test_a_heat_map_is_the_one_that_is_written_out_by_hand(model: nn.Module) -> None:
    pixels = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))

    found, is_empty = grad_cam.heat(model, pixels, 2)

    body, head = model[0], model[1]
    maps = body(pixels).detach().requires_grad_()
    head(maps)[0, 2].backward()
    expected = torch.zeros(maps.shape[2:])
    for channel in range(maps.shape[1]):
        expected += maps.grad[0, channel].mean() * maps.detach()[0, channel]
    expected = expected.clamp(min=0)
    assert not is_empty
    assert found == pytest.approx((expected / expected.max()).numpy(), abs=1e-5)


@pytest.mark.parametrize(
    ("make", "side"),
    [
        (torchvision.models.resnet18, 2),
        (torchvision.models.convnext_tiny, 2),
        (torchvision.models.efficientnet_b0, 2),
        (torchvision.models.densenet121, 2),
        (xresnet.xresnet18, 2),
    ],
)
def test_every_network_has_a_last_map(make: Any, side: int) -> None:
    if make is xresnet.xresnet18:
        network = make(n_out=3).eval()
    else:
        network = create_vision_model(make, 3, pretrained=False).eval()

    found, is_empty = grad_cam.heat(network, torch.randn(1, 3, 64, 64), 1)

    assert found.shape == (side, side)
    assert is_empty or (found.min() >= 0 and found.max() == 1)


def cam(registered: Registered, task_id: str, **params: Any) -> dict[str, Any]:
    """Do a Grad-CAM task in this process, and read its row."""
    given = {"what": "cam", "run_id": RUN, **params}
    registered.queue_task(task_id, "predict", given)
    worker.work_on("task", task_id)
    return row_of(schema.tasks, task_id)


def test_where_the_network_looks_is_drawn_over_what_it_sees(
    registered: Registered, model: nn.Module, photos: Path
) -> None:
    leave_run(registered, model)

    row = cam(registered, "task-c", folder=str(photos), path="red/01.png", chosen="green")

    folder = files.preview_folder("key-task-c")
    drawn = files.load_json(folder / "result.json")
    assert row["error"] is None
    assert drawn["class"] == "green"
    assert 0 < drawn["probability"] < 1
    for name in (drawn["plain"], drawn["cam"]):
        assert Image.open(folder / name).size == (448, 448)
    plain, over = (np.asarray(Image.open(folder / drawn[name])) for name in ("plain", "cam"))
    assert plain.mean(axis=(0, 1)).argmax() == 0  # red, as the photo
    assert drawn["is_empty"] or np.abs(plain.astype(int) - over).mean() > 3


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"path": "../outside.png"}, "The image ../outside.png is not in"),
        ({"chosen": "violet"}, "has no class 'violet'"),
        ({"run_id": "run-b"}, "The run run-b has no trained model"),
    ],
)
def test_a_map_of_what_is_not_there_is_refused(
    registered: Registered, model: nn.Module, photos: Path, changed: dict[str, str], said: str
) -> None:
    leave_run(registered, model)
    Image.new("RGB", (40, 40)).save(photos.parent / "outside.png")
    given = {"folder": str(photos), "path": "red/01.png", "chosen": "green", **changed}

    row = cam(registered, "task-c", **given)

    assert row["status"] == "failed"
    assert said in row["error"]


def test_a_callback_of_training_does_not_see_the_varied_views(plain: Learner) -> None:
    class Counting(Callback):
        remove_on_fetch = True
        n = 0

        def after_batch(self) -> None:
            """Count."""
            self.n += 1

    counting = Counting()
    with plain.added_cbs([counting]):
        tta.predict(plain, plain.dls.valid, n=1, beta=0.5)

        assert counting in plain.cbs
    assert counting.n == 0
