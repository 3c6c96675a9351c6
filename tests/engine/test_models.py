"""Networks and their weights."""

import pickle
from pathlib import Path

import pandas as pd
import pytest
import torch

from core.domain.archs import ARCHS
from core.domain.errors import WeightsMissingError
from core.engine import models, training, weights
from core.engine.ledger import Ledger
from tests.conftest import SHARED
from tests.engine.conftest import FakeJob, describe, fine_tune

pytestmark = pytest.mark.engine

PRETRAINED = [arch for arch in ARCHS.values() if arch.weights_file]


@pytest.fixture
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty hub cache, and a network that answers nothing."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(weights, "url_of", lambda arch: f"http://127.0.0.1:9/{arch}.pth")
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("arch", PRETRAINED, ids=lambda arch: arch.name)
def test_the_weights_file_is_the_one_that_torchvision_looks_for(arch: object) -> None:
    url = weights.url_of(arch.name)

    assert url.rpartition("/")[2] == arch.weights_file


@pytest.mark.parametrize("name", ARCHS)
def test_every_network_on_offer_can_be_built_and_frozen(name: str, tmp_path: Path) -> None:
    recipe = fine_tune(arch=name)

    head, whole = models.count_stages(recipe, n_classes=4, path=tmp_path)

    assert 0 < head["n_params_trained"] < whole["n_params_trained"] == whole["n_params"]


@pytest.mark.parametrize("name", ["resnet18", "squeezenet1_0", "xresnet18"])
def test_has_batch_norm_says_what_the_body_has(name: str) -> None:
    body = models.architecture(name)()

    found = any(isinstance(layer, torch.nn.BatchNorm2d) for layer in body.modules())

    assert found == ARCHS[name].has_batch_norm


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
    training.train(describe(frame, photos, fine_tune()), fresh, FakeJob())

    assert given.steps()["loss"].tolist() != fresh.steps()["loss"].tolist()
