"""Pretrained weights are found where torchvision and timm keep them."""

from pathlib import Path

import pytest

from core.runs import weights


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty cache of its own to whatever downloads."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name in ("TORCH_HOME", "HF_HOME", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"weights")
    return path


def of_timm(cache: Path, network: str) -> Path:
    return put(
        cache / f"huggingface/hub/models--timm--{network}" / "snapshots/abc/model.safetensors"
    )


def test_weights_of_torchvision_are_found_by_their_file(cache: Path) -> None:
    stored = put(cache / "torch/hub/checkpoints/convnext_tiny-983f1562.pth")

    assert weights.find("convnext_tiny") == stored
    assert weights.find("convnext_small") is None
    assert weights.find("xresnet50") is None


def test_weights_of_timm_are_found_by_network_and_tag(cache: Path) -> None:
    stored = of_timm(cache, "resnet18.a1_in1k")

    assert weights.find("timm:resnet18.a1_in1k") == stored
    assert weights.find("timm:resnet18.a2_in1k") is None
    assert weights.find("timm:resnet18") == stored
    assert weights.find("timm:resnet18d") is None


def test_the_hub_s_cache_may_lie_elsewhere(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = put(cache / "mine/models--timm--resnet18.a1_in1k/snapshots/a/model.safetensors")

    monkeypatch.setenv("HF_HUB_CACHE", str(cache / "mine"))

    assert weights.find("timm:resnet18") == stored


@pytest.mark.parametrize("name", ["timm:*", "timm:../torch", "timm:resnet18/../x"])
def test_a_name_that_is_a_pattern_or_a_path_finds_nothing(cache: Path, name: str) -> None:
    of_timm(cache, "resnet18.a1_in1k")

    assert weights.find(name) is None


@pytest.mark.parametrize(
    ("arch", "said"),
    [
        ("densenet121", "densenet121-a639ec97.pth"),
        ("timm:vit_tiny_patch16_224", "timm's vit_tiny_patch16_224 are not on this machine"),
        ("xresnet18", "xresnet18 has no pretrained weights."),
        ("nothing", "nothing has no pretrained weights."),
    ],
)
def test_advice_names_what_is_missing(cache: Path, arch: str, said: str) -> None:
    assert said in weights.advice(arch)
