"""A run of several labels an image, from its row to its scores, with plain fastai beside it."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from fastai.callback import schedule as _fine_tune_is_patched_in  # noqa: F401
from fastai.callback.progress import ProgressCallback
from fastai.data.block import DataBlock, MultiCategoryBlock
from fastai.data.transforms import ColReader, Normalize
from fastai.learner import Learner
from fastai.metrics import F1ScoreMulti, FBetaMulti, accuracy_multi
from fastai.torch_core import set_seed
from fastai.vision import models
from fastai.vision.augment import Resize, aug_transforms
from fastai.vision.core import imagenet_stats
from fastai.vision.data import ImageBlock
from fastai.vision.learner import vision_learner

from benchmarks import plain_fastai
from core.domain.labellers import TableLabeller
from core.domain.recipes import BinaryCrossEntropy, Tta
from core.domain.runs import Run
from core.engine import worker
from core.review import predictions, scores, top_losses
from core.review.predictions import LabelPredictions
from core.review.top_losses import TopLoss
from core.runs import runs
from core.store import database, files, frames, schema
from tests.engine.conftest import fine_tune, frame_of, register

pytestmark = [
    pytest.mark.engine,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning"),
]

LABELS = ("blue", "blue|dark", "", "dark|green|red", "red")
CLASSES = ("blue", "dark", "green", "red")
THRESHOLD = 0.45
RECIPE = fine_tune(loss=BinaryCrossEntropy(threshold=THRESHOLD), tta=Tta(n=2))
MEASURED = ("accuracy_multi", "f1_samples", "f2_samples")


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A finished run, and all that is read of it."""

    run: Run
    losses: list[float]
    found: LabelPredictions
    views: LabelPredictions
    of_train: list[TopLoss]


@pytest.fixture(scope="module")
def labelled(photos: Path) -> pd.DataFrame:
    """List the photos with labels that have little to do with them."""
    frame = frame_of(photos)
    return frame.assign(label=[LABELS[at % len(LABELS)] for at in range(len(frame))])


@pytest.fixture(scope="module")
def trained(
    photos: Path, labelled: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> Trained:
    """Train once through the worker, in a home of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WINNOW_HOME", str(tmp_path_factory.mktemp("several") / "home"))
        registered = register(photos)
        relabel(labelled)
        registered.queue_run("run-several", RECIPE)
        worker.work_on("run", "run-several")
        made = Trained(
            run=runs.get("run-several"),
            losses=frames.load(files.run_steps("run-several"))["loss"].tolist(),
            found=predictions.load("run-several"),
            views=predictions.load("run-several", tta=True),
            of_train=top_losses.of_train("run-several"),
        )
        database.forget()
    return made


def relabel(labelled: pd.DataFrame) -> None:
    """Make the one dataset a multi-label one, with other labels."""
    labeller = TableLabeller(table="t.csv", file_column="f", label_column="l", separator=" ")
    items = schema.items
    mine = sa.update(items).where(items.c.id == sa.bindparam("item"))
    columns = zip(labelled["item_id"].tolist(), labelled["label"].tolist(), strict=True)
    values = [{"item": item, "mine": label} for item, label in columns]
    plain = labeller.model_dump(mode="json")
    with database.writing() as connection:
        connection.execute(sa.update(schema.datasets).values(labeller=plain))
        own = sa.bindparam("mine")
        connection.execute(mine.values(label=own, recorded_label=own), values)


@pytest.fixture(scope="module")
def plain(photos: Path, labelled: pd.DataFrame) -> tuple[Learner, list[float]]:
    """Do the same as one does in a notebook; give the learner and the loss of each step."""
    set_seed(42, reproducible=True)
    normalise = Normalize.from_stats(*imagenet_stats)  # vision_learner adds it where pretrained
    dls = DataBlock(
        blocks=(ImageBlock, MultiCategoryBlock(vocab=list(CLASSES))),
        get_x=ColReader("path", pref=photos),
        get_y=ColReader("label", label_delim="|"),
        splitter=stored_split,
        item_tfms=Resize(RECIPE.presize_px),
        batch_tfms=[*aug_transforms(size=RECIPE.size_px), normalise],
    ).dataloaders(labelled, bs=RECIPE.batch_size, num_workers=0)
    learn = vision_learner(dls, models.squeezenet1_0, pretrained=False, metrics=measures())
    learn.remove_cb(ProgressCallback)
    plain_fastai.seed_again(learn, 42)
    watch = plain_fastai.Watch()
    learn.add_cb(watch)
    with learn.no_logging():
        learn.fine_tune(2, base_lr=2e-3)
    return learn, watch.step_losses


def measures() -> list[object]:
    samples = {"average": "samples", "thresh": THRESHOLD}

    def accuracy(given: object, wanted: object) -> object:
        return accuracy_multi(given, wanted, thresh=THRESHOLD)

    return [accuracy, F1ScoreMulti(**samples), FBetaMulti(beta=2, **samples)]


def stored_split(frame: pd.DataFrame) -> tuple[list[int], list[int]]:
    train, valid = (frame.reset_index().query(f"part == '{part}'") for part in ("train", "valid"))
    return train.index.tolist(), valid.index.tolist()


def test_a_run_of_several_labels_has_the_step_losses_of_plain_fastai(
    trained: Trained, plain: tuple[Learner, list[float]]
) -> None:
    _, losses = plain

    assert trained.run.status == "finished", trained.run.error
    assert len(losses) == 9
    assert trained.losses == losses


def test_scores_from_stored_predictions_are_what_fastai_and_the_run_measured(
    trained: Trained, plain: tuple[Learner, list[float]]
) -> None:
    valid_loss, *measured = plain[0].recorder.values[-1][1:]

    overall = scores.overall(trained.found)

    assert (trained.found.classes, trained.found.threshold) == (CLASSES, THRESHOLD)
    assert [overall[name] for name in MEASURED] == pytest.approx(measured, rel=1e-6)
    assert overall["valid_loss"] == pytest.approx(valid_loss, rel=1e-5)
    assert 0 < overall["f1_samples"] < 1
    for name in (*MEASURED, "valid_loss"):
        assert trained.run.metrics[name] == pytest.approx(overall[name], rel=1e-5)


def test_stored_losses_are_those_that_the_probabilities_make(trained: Trained) -> None:
    made = predictions.binary_cross_entropy(trained.found.probability, trained.found.label)

    assert trained.found.loss.tolist() == pytest.approx(made.tolist(), rel=1e-5)


def test_predictions_with_augmentation_are_scored_as_the_run_says(trained: Trained) -> None:
    views = scores.overall(trained.views)

    assert trained.run.metrics["tta_exact_match"] == pytest.approx(views["exact_match"])
    assert views["valid_loss"] != scores.overall(trained.found)["valid_loss"]


def test_the_train_items_are_ranked_with_all_their_labels(trained: Trained) -> None:
    ranked = trained.of_train

    assert 24 < len(ranked) <= 30  # of an epoch the last, incomplete batch is left out
    assert {one.label for one in ranked} == set(LABELS)
    assert [one.loss for one in ranked] == sorted((one.loss for one in ranked), reverse=True)
    assert {one.is_right for one in ranked if one.label == ""} == {False}
