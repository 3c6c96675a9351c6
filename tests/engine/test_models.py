"""Networks, their weights, and what is trained of them."""

import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from fastai.callback.progress import ProgressCallback
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat, FocalLossFlat
from fastai.vision.learner import (
    create_timm_model,
    create_vision_model,
    default_split,
    model_meta,
    vision_learner,
)
from fastai.vision.models import xresnet
from safetensors.torch import save_file
from torch import nn
from torchvision.models import squeezenet1_0
from torchvision.models._api import WeightsEnum

from core.domain.archs import ARCHS, Arch
from core.domain.errors import RecipeError, WeightsMissingError
from core.domain.recipes import ClassWeighted, Focal, Optimiser, Recipe, Stage
from core.engine import models, training, weights
from core.engine.ledger import Ledger
from tests.conftest import SHARED
from tests.engine import tiny
from tests.engine.conftest import FakeJob, describe, fine_tune

pytestmark = pytest.mark.engine

PRETRAINED = [arch for arch in ARCHS.values() if arch.weights_file]
TIMM = "timm:test_resnet"


@pytest.fixture
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty hub cache, and a network that answers nothing."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(weights, "url_of", lambda arch: f"http://127.0.0.1:9/{arch}.pth")
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty cache of the Hugging Face hub, which is not to be reached."""
    pytest.importorskip("timm")
    constants = pytest.importorskip("huggingface_hub").constants
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


class AskedError(Exception):
    """A network asks for weights."""


@pytest.fixture
def shapes_only() -> Iterator[None]:
    """Build networks in no time and no memory."""
    with torch.device("meta"):
        yield


def learner(recipe: Recipe, path: Path, **named: Any) -> Learner:
    """Build a learner without data."""
    return models.learner(DataLoaders(), recipe, n_classes=4, path=path, **named)


def frozen(learn: Learner) -> list[bool]:
    """Say of each parameter whether it is frozen."""
    return [not each.requires_grad for each in learn.model.parameters()]


@pytest.mark.parametrize("arch", PRETRAINED, ids=lambda arch: arch.name)
def test_the_weights_file_is_the_one_that_fastai_asks_for(
    arch: Arch, shapes_only: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def note(each: WeightsEnum, *_given: object, **_named: object) -> None:
        asked.append(each.url)
        raise AskedError

    monkeypatch.setattr(WeightsEnum, "get_state_dict", note)

    with pytest.raises(AskedError):
        create_vision_model(models.architecture(arch.name), 4, pretrained=True)

    assert asked == [weights.url_of(arch.name)]
    assert asked[0].rpartition("/")[2] == arch.weights_file


@pytest.mark.parametrize("arch", ARCHS.values(), ids=lambda arch: arch.name)
def test_every_network_on_offer_can_be_built_and_frozen(arch: Arch, tmp_path: Path) -> None:
    stages = tuple(Stage(train=train, epochs=1, lr=0.1) for train in ("head", 2, "all"))
    recipe = fine_tune(arch=arch.name, stages=stages)

    head, last_two, whole = models.count_stages(recipe, n_classes=4, path=tmp_path)

    assert 0 < head["n_params_trained"] < whole["n_params_trained"] == whole["n_params"]
    assert head["n_params_trained"] < last_two["n_params_trained"]
    assert (last_two["n_params_trained"] < whole["n_params"]) == (arch.n_groups > 2)


@pytest.mark.parametrize("arch", ARCHS.values(), ids=lambda arch: arch.name)
def test_an_arch_says_what_its_body_has(arch: Arch, shapes_only: None) -> None:
    model, groups = models.network(fine_tune(arch=arch.name), n_classes=4)

    body = model if arch.library == "xresnet" else model[0]
    found = any(isinstance(layer, nn.BatchNorm2d) for layer in body.modules())
    assert found == arch.has_batch_norm
    assert len(groups(model)) == arch.n_groups


@pytest.mark.parametrize("name", ["resnet18", "squeezenet1_0", "convnext_tiny"])
@pytest.mark.parametrize("train_bn", [True, False])
def test_a_stage_freezes_what_fastai_freezes(
    name: str, train_bn: bool, shapes_only: None, tmp_path: Path
) -> None:
    ours = learner(fine_tune(arch=name, train_bn=train_bn), tmp_path)
    make = models.architecture(name)
    split = model_meta[make]["split"] if make in model_meta else default_split
    plain = Learner(
        DataLoaders(),
        create_vision_model(make, 4, pretrained=False),
        loss_func=CrossEntropyLossFlat(),
        splitter=split,
        train_bn=train_bn,
    )
    seen = []

    for train, freeze in (
        ("head", plain.freeze),
        (2, lambda: plain.freeze_to(-2)),
        ("all", plain.unfreeze),
        ("features", plain.freeze),
        (20, plain.unfreeze),
    ):
        models.train_only(ours, train)
        freeze()
        seen.append((frozen(ours), frozen(plain)))

    assert all(mine == theirs for mine, theirs in seen)
    assert sum(seen[0][0]) > sum(seen[1][0]) >= sum(seen[2][0]) == 0


def test_what_shapes_the_head_is_the_recipe_s(shapes_only: None) -> None:
    def dropouts(**changes: Any) -> list[float]:
        model, _ = models.network(fine_tune(**changes), n_classes=4)
        return [each.p for each in model.modules() if isinstance(each, nn.Dropout)]

    wide, _ = models.network(fine_tune(arch="resnet18"), n_classes=4)
    narrow, _ = models.network(fine_tune(arch="resnet18", concat_pool=False), n_classes=4)

    assert dropouts(arch="resnet18") == [0.25, 0.5]
    assert dropouts(arch="resnet18", head_dropout=0.2) == [0.1, 0.2]
    assert dropouts(arch="xresnet18") == [0.0]
    assert dropouts(arch="xresnet18", head_dropout=0.2) == [0.2]
    assert (wide[1][2].num_features, narrow[1][2].num_features) == (1024, 512)


@pytest.mark.parametrize("arch", ["resnet18", "xresnet18", TIMM])
def test_loss_optimiser_and_decay_of_a_learner_are_the_recipe_s(
    arch: str, shapes_only: None, tmp_path: Path
) -> None:
    if arch == TIMM:
        pytest.importorskip("timm")
    recipe = fine_tune(
        arch=arch, loss=Focal(gamma=3), optimiser=Optimiser(kind="lamb"), metrics=("f1_macro",)
    )

    found = learner(recipe, tmp_path)

    found.create_opt()
    assert isinstance(found.loss_func, FocalLossFlat)
    assert found.loss_func.func.gamma == 3
    assert (found.opt.hypers[0]["eps"], found.wd) == (1e-5, 0.0)
    assert [metric.name for metric in found.metrics] == ["f1_macro"]


def test_class_weights_are_of_the_train_items(shapes_only: None, tmp_path: Path) -> None:
    numbers = pd.Series([0, 0, 0, 1, 2, 3]).to_numpy()

    with torch.device("cpu"):
        found = learner(fine_tune(loss=ClassWeighted()), tmp_path, targets=numbers)

    assert found.loss_func.func.weight.tolist() == pytest.approx([0.5, 1.5, 1.5, 1.5])


@pytest.mark.parametrize("name", ["squeezenet1_0", "xresnet18"])
def test_a_learner_has_the_step_losses_of_a_plain_one(name: str, tmp_path: Path) -> None:
    dls, recipe = tiny.loaders(shape=(3, 24, 24)), fine_tune(arch=name)

    torch.manual_seed(1)
    ours = models.learner(dls, recipe, n_classes=4, path=tmp_path)
    torch.manual_seed(1)
    if name == "xresnet18":
        groups = models.network(recipe, n_classes=4)[1]
        torch.manual_seed(1)
        network = xresnet.xresnet18(n_out=4)
        plain = Learner(dls, network, loss_func=CrossEntropyLossFlat(), splitter=groups)
    else:
        plain = vision_learner(
            dls, squeezenet1_0, pretrained=False, n_out=4, loss_func=CrossEntropyLossFlat()
        )
    plain.remove_cb(ProgressCallback)
    ours.logger = plain.logger = print

    models.train_only(ours, "head")
    plain.freeze()
    seen = tiny.watched(ours, epochs=1), tiny.watched(plain, epochs=1)
    assert seen[0].step_losses == seen[1].step_losses
    assert len(set(seen[0].step_losses)) == 3


def test_a_network_of_timm_is_built_and_frozen_as_by_fastai(
    shapes_only: None, tmp_path: Path
) -> None:
    pytest.importorskip("timm")
    ours = learner(fine_tune(arch=TIMM), tmp_path)
    network, _ = create_timm_model("test_resnet", 4, pretrained=False)
    plain = Learner(
        DataLoaders(), network, loss_func=CrossEntropyLossFlat(), splitter=default_split
    )

    models.train_only(ours, "head")
    plain.freeze()

    assert list(ours.model.state_dict()) == list(plain.model.state_dict())
    assert frozen(ours) == frozen(plain)
    assert len(ours.opt.param_lists) == 2


def test_a_network_of_timm_is_counted_and_trained(tmp_path: Path) -> None:
    pytest.importorskip("timm")
    recipe = fine_tune(arch=TIMM)

    head, whole = models.count_stages(recipe, n_classes=4, path=tmp_path)
    learn = models.learner(
        tiny.loaders(shape=(3, 32, 32)), recipe, n_classes=4, path=tmp_path / "fit"
    )
    learn.logger = print
    seen = tiny.watched(learn, epochs=1)

    assert head["n_params_trained"] < whole["n_params"] == models.count(learn)[0]
    assert len(set(seen.step_losses)) == 3


def test_weights_of_timm_are_read_from_the_hub_s_cache(hub: Path, tmp_path: Path) -> None:
    timm = pytest.importorskip("timm")
    stored = timm.create_model("test_resnet", pretrained=False).state_dict()
    home = hub / "models--timm--test_resnet.r160_in1k"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text("abc")
    (home / "snapshots" / "abc").mkdir(parents=True)
    save_file(stored, home / "snapshots" / "abc" / "model.safetensors")

    found = learner(fine_tune(arch=TIMM, pretrained=True), tmp_path)

    assert torch.equal(found.model[0].model.conv1[0].weight, stored["conv1.0.weight"])
    assert len(found.opt.param_lists) == 2


def test_missing_weights_of_timm_name_the_network(hub: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissingError, match="timm's test_resnet could not be") as caught:
        learner(fine_tune(arch=TIMM, pretrained=True), tmp_path)

    assert "train from scratch" in caught.value.hint
    assert not any(hub.glob("**/*.safetensors"))


def test_without_timm_a_sentence_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)

    with pytest.raises(RecipeError, match="need the library timm") as caught:
        models.count_stages(fine_tune(arch=TIMM), n_classes=4, path=tmp_path)

    assert "pip install timm" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "near"),
    [("resnet18x", "resnet18d"), ("resnet18.a9_in1k", "resnet18.a1_in1k")],
)
def test_a_name_that_timm_does_not_know_is_refused_with_near_ones(
    name: str, near: str, tmp_path: Path
) -> None:
    pytest.importorskip("timm")

    with pytest.raises(RecipeError, match=f"no network called {name}") as caught:
        learner(fine_tune(arch=f"timm:{name}"), tmp_path)

    assert near in caught.value.hint


def test_a_network_of_one_size_is_refused_at_others(tmp_path: Path) -> None:
    pytest.importorskip("timm")
    recipe = fine_tune(arch="timm:vit_tiny_patch16_224")

    with pytest.raises(RecipeError, match="images of 224 px only, and the train size is 32 px"):
        learner(recipe, tmp_path)

    at_its_size = recipe.model_copy(update={"presize_px": 224, "size_px": 224})
    assert models.count_stages(at_its_size, n_classes=4, path=tmp_path)[0]["n_params"] > 5e6


def test_a_network_without_weights_in_timm_is_refused_as_pretrained(tmp_path: Path) -> None:
    pytest.importorskip("timm")

    with pytest.raises(RecipeError, match="no pretrained weights for botnet50ts_256"):
        learner(fine_tune(arch="timm:botnet50ts_256", pretrained=True), tmp_path)


def test_missing_weights_name_the_file_and_its_folder(
    frame: pd.DataFrame, photos: Path, checkpoints: Path
) -> None:
    with pytest.raises(WeightsMissingError) as caught:
        training.train(
            describe(frame, photos, fine_tune(pretrained=True)), Ledger("run-a"), FakeJob()
        )

    assert "squeezenet1_0-b66bff10.pth" in caught.value.sentence
    assert str(checkpoints) in caught.value.sentence
    assert "from scratch" in caught.value.hint


def test_weights_that_are_cut_off_are_refused(checkpoints: Path) -> None:
    (checkpoints / "squeezenet1_0-b66bff10.pth").write_bytes(b"PK\x03\x04half a file")

    with pytest.raises(WeightsMissingError, match="cannot be read"):
        weights.ensure("squeezenet1_0")


def test_weights_that_would_execute_code_are_refused(checkpoints: Path, tmp_path: Path) -> None:
    marker = tmp_path / "executed"

    class Payload:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (marker,))

    content = {"weight": Payload()}
    (checkpoints / "squeezenet1_0-b66bff10.pth").write_bytes(pickle.dumps(content, protocol=2))

    with pytest.raises(WeightsMissingError):
        weights.ensure("squeezenet1_0")

    assert not marker.exists()


def test_pretrained_weights_are_in_the_body(
    frame: pd.DataFrame, photos: Path, checkpoints: Path
) -> None:
    stored = SHARED / "weights" / "squeezenet1_0-b66bff10.pth"
    if not stored.exists():
        pytest.skip(f"needs the weights in {stored}")
    (checkpoints / stored.name).symlink_to(stored)
    given, fresh = Ledger("run-a"), Ledger("run-b")

    training.train(describe(frame, photos, fine_tune(pretrained=True)), given, FakeJob())
    training.train(describe(frame, photos, fine_tune(), run_id="run-b"), fresh, FakeJob())

    assert given.steps()["loss"].tolist() != fresh.steps()["loss"].tolist()
