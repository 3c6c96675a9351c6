"""Runs as plain fastai scripts: executed without Winnow, they give the same loss in each step."""

import ast
import dataclasses
import inspect
import json
import math
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
import torch
from fastai import optimizer
from fastai.callback.core import Callback, CancelFitException
from fastai.learner import mk_metric
from fastai.metrics import accuracy
from PIL import Image

from core.datasets import images
from core.domain import metrics
from core.domain.errors import ConflictError, RecipeError
from core.domain.recipes import (
    SINGLE_LABEL_METRICS,
    Augmentation,
    Auto,
    BinaryCrossEntropy,
    ClassWeighted,
    Constant,
    Discriminative,
    EarlyStopping,
    FlatCos,
    KeepBest,
    LabelSmoothing,
    Mix,
    Optimiser,
    Recipe,
    Sgdr,
    Stage,
    Tta,
)
from core.domain.runs import Epoch
from core.engine import worker
from core.engine.watching import KeepBest as KeepBestOfRun
from core.runs import exports, recipes, runs, script
from core.runs.script import measures, network, reading, watching
from core.store import database, files, frames, schema
from tests import builders
from tests.engine import tiny
from tests.engine.conftest import fine_tune, photos, register, row_of

__all__ = ["photos"]
pytestmark = pytest.mark.engine

RUN_ALL = """
import contextlib, io, json, runpy, sys
data, *folders = sys.argv[1:]
said = {}
for folder in folders:
    sys.argv = ["train.py", "--data", data]
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        runpy.run_path(f"{folder}/train.py", run_name="__main__")
    said[folder] = out.getvalue()
mine = sorted(name for name in sys.modules if name.split(".")[0] in ("core", "pages"))
print(json.dumps({"said": said, "mine": mine}))
"""

AN_EPOCH = Stage(train="all", epochs=1, lr=1e-3)

RECIPES = {
    "fine-tune": fine_tune(
        keep_best=KeepBest(metric="accuracy"),
        normalisation="dataset",
        tta=Tta(n=2),
        metrics=("accuracy", "f1_macro", "log_loss"),
    ),
    "progressive": fine_tune(
        arch="xresnet18",
        keep_best=KeepBest(metric="f1_macro"),
        mix=Mix(alpha=0.3),
        loss=LabelSmoothing(epsilon=0.2),
        resize="pad",
        augmentation=Augmentation(flip_vert=True, max_warp=0, p_erase=0.5, min_scale=0.6),
        memory_format="channels_last",
        stages=(
            Stage(
                size_px=24,
                batch_size=10,
                lr=2e-3,
                schedule=Sgdr(cycle_len=1, cycle_mult=2, n_cycles=2),
                epochs=3,
            ),
            Stage(lr=1e-3, schedule=Sgdr(cycle_len=1, cycle_mult=1, n_cycles=2), epochs=2, wd=0.1),
        ),
    ),
    "features": fine_tune(
        feature_views=2,
        head_dropout=0.3,
        stages=(
            Stage(train="features", epochs=2, lr=3e-3),
            Stage(
                train="features", epochs=1, lr=1e-3, schedule=FlatCos(pct_start=0.5), size_px=24
            ),
            Stage(train=2, epochs=1, lr=Discriminative(high=1e-4)),
        ),
    ),
    "sigmoid": fine_tune(
        loss=BinaryCrossEntropy(threshold=0.4),
        optimiser=Optimiser(kind="ranger", sqr_mom=0.9),
        grad_clip=0.5,
        accumulate=16,
        train_bn=False,
        concat_pool=False,
        precision="bf16",
        early_stopping=EarlyStopping(metric="accuracy_multi", patience=1),
        metrics=("accuracy", "accuracy_multi", "f1_samples", "balanced_accuracy"),
        stages=(
            Stage(train="head", epochs=1, lr=1e-3, schedule=Constant(), momentum=0.8),
            Stage(train="all", epochs=2, lr=Discriminative(low=1e-5, high=1e-3)),
        ),
    ),
    "weighted": fine_tune(
        loss=ClassWeighted(),
        optimiser=Optimiser(kind="sgd", mom=0.9),
        stages=(Stage(train=2, epochs=1, lr=Auto(suggestion="minimum/10", spread=10.0)), AN_EPOCH),
    ),
    "more": fine_tune(loss=ClassWeighted(), stages=(AN_EPOCH,)),
}
BEGINS_FROM = {"more": "weighted"}
STOPPED_AFTER = 4  # steps


@dataclass(frozen=True, kw_only=True)
class Executed:
    """The steps of a run, what its script has printed, and what the run measured."""

    steps: pd.DataFrame
    said: str
    measured: tuple[dict[str, float], list[Epoch]] | None

    @property
    def losses(self) -> list[float]:
        """Give the losses that the script has printed."""
        return [float(line.split("\t")[1]) for line in self.said.splitlines() if "\t" in line]


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> dict[str, Executed]:
    """Train each recipe, take its script along, and execute all of them where Winnow is not."""
    folder = tmp_path_factory.mktemp("scripts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WINNOW_HOME", str(folder / "home"))
        patch.setenv("WINNOW_TORCH_THREADS", "1")
        database.forget()
        registered = register(photos)
        steps = {}
        for name, recipe in RECIPES.items():
            registered.queue_run(name, recipe)
            worker.work_on("run", name)
            assert row_of(schema.runs, name)["error"] is None
            take_along(name, folder / name)
            steps[name] = frames.load(files.run_steps(name))
        stop_on_the_way("fine-tune", folder)
        steps["stopped"] = steps["fine-tune"].head(STOPPED_AFTER)
        finished = {name: (runs.get(name).metrics, runs.list_epochs(name)) for name in RECIPES}
        database.forget()
    said = execute(photos, [folder / name for name in steps])
    return {
        name: Executed(
            steps=steps[name], said=said[str(folder / name)], measured=finished.get(name)
        )
        for name in steps
    }


def begin_from(run_id: str, other: str | None) -> None:
    """Have a queued run begin with the weights of another."""
    mine = sa.update(schema.runs).where(schema.runs.c.id == run_id)
    with database.writing() as connection:
        connection.execute(mine.values(begins_from=other))


def stop_on_the_way(run_id: str, folder: Path) -> None:
    """Write the script that a run would have, had it been stopped in its second stage."""
    shutil.copytree(folder / run_id, folder / "stopped")
    facts = exports.script_facts(runs.get(run_id))
    stopped = dataclasses.replace(facts, n_steps=STOPPED_AFTER)
    (folder / "stopped" / "train.py").write_text(script.write(stopped), encoding="utf-8")


def take_along(run_id: str, folder: Path) -> None:
    """Export a run's script as the page and the engine do, and unpack it."""
    task = exports.request(run_id, "script")
    worker.work_on("task", task.id)
    assert row_of(schema.tasks, task.id)["error"] is None
    made = exports.file_of(exports.find(run_id, "script"))
    with zipfile.ZipFile(made.path) as archive:
        archive.extractall(folder)


def execute(data: Path, folders: list[Path]) -> dict[str, str]:
    """Run scripts in one other process, isolated from this checkout, and give what they print."""
    given = [sys.executable, "-I", "-c", RUN_ALL, str(data), *map(str, folders)]
    done = subprocess.run(given, cwd=data, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["mine"] == []
    return told["said"]


@pytest.mark.parametrize("name", [*RECIPES, "stopped"])
def test_a_script_gives_the_loss_of_each_step_of_its_run(
    executed: dict[str, Executed], name: str
) -> None:
    found = executed[name]

    assert len(found.losses) >= 3
    assert found.losses == found.steps["loss"].tolist()


@pytest.mark.parametrize("name", ["fine-tune", "progressive", "sigmoid"])
def test_a_script_measures_what_its_run_has_measured(
    executed: dict[str, Executed], name: str
) -> None:
    metrics, epochs = executed[name].measured
    lines = [line for line in executed[name].said.splitlines() if line.startswith("# train_loss")]

    assert len(lines) == len(epochs)
    for line, epoch in zip(lines, epochs, strict=True):
        said = dict(pair.rsplit(" ", 1) for pair in line.removeprefix("# ").split(", "))
        assert float(said.pop("valid_loss")) == pytest.approx(epoch.valid_loss, abs=1e-6)
        said.pop("train_loss")
        assert {key: float(value) for key, value in said.items() if key != "time"} == (
            pytest.approx(epoch.metrics, abs=1e-6)
        )
    if name == "fine-tune":
        tta = f"# right with test-time augmentation: {metrics['tta_accuracy']:.6f}"
        assert tta in executed[name].said.splitlines()


def facts_of(recipe: Recipe, **changes: Any) -> script.ScriptFacts:
    plain: dict[str, Any] = {
        "run_name": "Run 1",
        "dataset_name": "photos",
        "revision": 1,
        "fingerprint": "f",
        "recipe": recipe,
        "seed": 42,
        "classes": ("blue", "green", "red"),
        "is_multi": False,
        "statistics": ((0.5, 0.5, 0.5), (0.2, 0.2, 0.2)),
        "n_stages": len(recipe.stages),
        "modes": frozenset({"RGB"}),
    }
    return script.ScriptFacts(**(plain | changes))


def test_a_simple_script_is_short_and_holds_nothing_that_its_recipe_does_not_use() -> None:
    text = script.write(facts_of(fine_tune()))

    lines = text.splitlines()
    assert len(lines) < 140
    assert max(map(len, lines)) <= 99
    for other in ("MixUp", "KeepBest", "restarts", "read_features", "eight_bits", "safetensors"):
        assert other not in text


def test_names_that_a_stranger_chose_stay_text() -> None:
    evil = '"""\nraise SystemExit("taken over")\n# \u2028 \r'
    recipe = fine_tune(name=evil.strip()[:80])

    text = script.write(
        facts_of(recipe, run_name=evil, dataset_name=evil, classes=(evil, "green", "red"))
    )

    tree = ast.parse(text)
    assert [node for node in ast.walk(tree) if isinstance(node, ast.Raise)] == []
    (classes,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CLASSES"
    ]
    assert classes == [evil, "green", "red"]


@pytest.mark.parametrize(
    ("changes", "is_multi"),
    [
        ({"keep_best": KeepBest(metric="f1_macro")}, False),
        ({"early_stopping": EarlyStopping(metric="top_k_accuracy"), "top_k": 2}, False),
        ({"loss": BinaryCrossEntropy(), "keep_best": KeepBest(metric="top_k_accuracy")}, False),
        ({"metrics": SINGLE_LABEL_METRICS}, False),
        ({"loss": BinaryCrossEntropy(), "keep_best": KeepBest(metric="f1_macro_multi")}, True),
    ],
)
def test_a_script_measures_what_a_run_measures_under_the_same_names(
    changes: dict[str, Any], is_multi: bool
) -> None:
    recipe, classes = fine_tune(**changes), tuple("abcdef")
    facts = facts_of(recipe, classes=classes, is_multi=is_multi)
    space = everything_of_fastai()

    exec("\n".join(measures.write(facts)), space)
    found = eval(measures.expressions(facts), space)

    names = [mk_metric(each).name for each in found]
    assert names == list(metrics.measured(recipe, n_classes=6, is_multi_label=is_multi))
    compile(script.write(facts), "train.py", "exec")


def everything_of_fastai() -> dict[str, Any]:
    """Give the names that a script begins with."""
    space: dict[str, Any] = {}
    exec("import torch\nfrom copy import deepcopy\nfrom fastai.vision.all import *", space)
    return space


class StopsAt(Callback):
    """End a fit on its way, as a person does."""

    def __init__(self, *, epoch: int) -> None:
        super().__init__()
        self._epoch = epoch

    def before_batch(self) -> None:
        """Stop at the second batch of the epoch."""
        if self.learn.training and (self.learn.epoch, self.learn.iter) == (self._epoch, 1):
            raise CancelFitException("stopped by the test")


@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_a_script_that_stops_on_the_way_keeps_the_weights_that_its_run_keeps(epoch: int) -> None:
    recipe = fine_tune(keep_best=KeepBest(metric="accuracy"))
    space = everything_of_fastai()
    blocks = watching.write(facts_of(recipe))
    exec("\n".join(block for block in blocks if "class KeepBest" in block), space)
    theirs, ours = (tiny.learner(metrics=[accuracy]) for _ in range(2))
    best, keep = space["KeepBest"](theirs.model, "accuracy"), KeepBestOfRun("accuracy")
    for learn, callback in ((theirs, best), (ours, keep)):
        tiny.watched(learn, epochs=3, callbacks=[callback, StopsAt(epoch=epoch)])
    stopped = {name: each.clone() for name, each in ours.model.state_dict().items()}

    were_put_back = [best.put_back(), keep.put_back(ours.model)]

    found, expected = theirs.model.state_dict(), ours.model.state_dict()
    assert were_put_back == [epoch > 0, epoch > 0]
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert (epoch == 0) == all(torch.equal(found[name], stopped[name]) for name in stopped)
    assert best.put_back() is False


def test_every_recipe_of_the_library_becomes_a_script_that_is_python() -> None:
    for offer in recipes.LIBRARY:
        recipe = offer.make()
        found = {at: script.FoundRate(name="valley", lr=1e-3) for at in range(len(recipe.stages))}
        is_multi = isinstance(recipe.loss, BinaryCrossEntropy)

        text = script.write(facts_of(recipe, found_rates=found, is_multi=is_multi))

        compile(text, offer.name, "exec")
        assert max(map(len, text.splitlines())) <= 99
        assert text.count("# Stage ") == len(recipe.stages)


def test_a_script_reads_pictures_as_the_run_does(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    grey = Image.fromarray(draw.integers(0, 60000, (20, 30)).astype(np.uint16))
    colours = Image.fromarray(draw.integers(0, 255, (20, 30, 4)).astype(np.uint8), "RGBA")
    turned = Image.Exif()
    turned[0x0112] = 8
    grey.save(tmp_path / "deep.png")
    colours.save(tmp_path / "clear.png")
    colours.quantize().save(tmp_path / "palette.png", transparency=3)
    colours.convert("RGB").save(tmp_path / "turned.jpg", exif=turned)
    colours.convert("CMYK").save(tmp_path / "print.jpg")
    colours.resize((300, 200)).convert("RGB").save(tmp_path / "large.jpg")
    space = {"Image": Image, "PILImage": lambda image: image, "np": np, "math": math}
    facts = facts_of(fine_tune(input="draft"), modes=frozenset({"I;16", None}))

    exec("\n".join([reading.TURNS, "PRESIZE = 40", *reading.write(facts)]), space)

    for path in sorted(path for path in tmp_path.iterdir() if path.is_file()):
        expected = images.load(path, at_least_px=40)
        found = space["read_image"]({"path": path})
        assert found.size == expected.size
        assert np.array_equal(np.asarray(found), np.asarray(expected)), path.name
    assert space["read_image"]({"path": tmp_path / "turned.jpg"}).size == (20, 30)
    assert space["read_image"]({"path": tmp_path / "large.jpg"}).size[0] < 300


def test_the_weight_decay_of_each_optimiser_is_fastais() -> None:
    for kind, decay in network.OWN_DECAY.items():
        make = getattr(optimizer, network.MAKERS[kind])
        assert inspect.signature(make).parameters["wd"].default == decay


def leave_ended(recipe: Recipe, *, n_steps: int, ends: Sequence[int] = (2,)) -> None:
    """Leave what a finished run leaves of itself: a stage, steps, items and a model."""
    builders.insert_dataset({"cat": list("abcdefgh"), "dog": list("abcdefgh")})
    builders.insert_run("run-1", recipe=recipe.model_dump(mode="json"))
    stage = {"run_id": "run-1", "stage": 0, "n_params": 1, "n_params_trained": 1, "n_batches": 3}
    with database.writing() as connection:
        connection.execute(sa.insert(schema.stages).values(**stage))
    items = pd.DataFrame({"label": ["cat", "dog"] * 6, "part": "train"})
    frames.save(files.run_items("run-1"), items)
    frames.save(files.run_steps("run-1"), pd.DataFrame({"stage": [0] * n_steps}))
    numbers = dict.fromkeys(("train_loss", "valid_loss", "seconds", "images_per_second"), 1.0)
    for number, last_step in enumerate(ends):
        epoch = {"epoch": number, "stage": 0, "last_step": last_step, "metrics": {}, **numbers}
        with database.writing() as connection:
            connection.execute(sa.insert(schema.epochs).values(run_id="run-1", **epoch))
    files.write_json(files.run_model("run-1"), {"classes": ["cat", "dog"], "mean": None})
    files.write_bytes(files.run_weights("run-1"), b"weights")


ONE_STAGE = builders.RECIPE.model_copy(update={"stages": (AN_EPOCH,)})


def test_a_run_whose_description_a_script_repeats_is_written() -> None:
    leave_ended(ONE_STAGE, n_steps=3)

    task = exports.request("run-1", "script")

    assert "learn.fit_one_cycle(1, 0.001" in task.params["script"]
    assert "Pets" in task.params["script"]


def test_a_run_on_several_devices_has_no_plain_script() -> None:
    leave_ended(ONE_STAGE.model_copy(update={"n_devices": 2}), n_steps=3)

    with pytest.raises(RecipeError, match="by 2 processes"):
        exports.request("run-1", "script")


def test_a_run_whose_batches_were_halved_has_no_plain_script() -> None:
    longer = AN_EPOCH.model_copy(update={"epochs": 9})
    recipe = ONE_STAGE.model_copy(update={"stages": (longer,)})
    leave_ended(recipe, n_steps=9, ends=(2, 8))  # then a person stopped it

    with pytest.raises(RecipeError, match="went out of memory in stage 1"):
        exports.request("run-1", "script")


def test_a_run_that_is_under_way_has_no_script_yet() -> None:
    leave_ended(ONE_STAGE, n_steps=3)
    with database.writing() as connection:
        connection.execute(sa.update(schema.runs).values(status="running"))

    with pytest.raises(ConflictError, match="is running"):
        exports.request("run-1", "script")
