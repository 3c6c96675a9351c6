"""The networks on offer, and the file that holds each one's pretrained weights."""

import re
from dataclasses import dataclass
from typing import Literal

TIMM = "timm:"
"""Before the name of a network of the timm library."""

TIMM_NAME = re.compile(r"\w[\w.-]{0,99}", re.ASCII)
"""No prefix such as `hf-hub:` or `local-dir:`, with which timm reads what somebody else wrote."""


@dataclass(frozen=True, kw_only=True)
class Arch:
    """A network by the name of its function in torchvision.models or fastai's xresnet.

    `weights_file` is the one that fastai's `vision_learner` loads, which for efficientnet_b1 is
    not torchvision's newest.
    """

    name: str
    about: str
    weights_file: str | None  # in torchvision's cache; None: none, or timm's to fetch
    has_batch_norm: bool  # for one of timm unknown, and taken to be so
    n_groups: int = 3  # parameter groups, as fastai splits it; the last one is the head
    library: Literal["torchvision", "xresnet", "timm"] = "torchvision"

    @property
    def is_pretrained(self) -> bool:
        """Say whether pretrained weights exist; of timm's networks some have none."""
        return self.weights_file is not None or self.library == "timm"


def _torchvision(name: str, weights_file: str, about: str) -> Arch:
    return Arch(name=name, about=about, weights_file=weights_file, has_batch_norm=True)


def _squeezenet(name: str, weights_file: str, about: str) -> Arch:
    return Arch(name=name, about=about, weights_file=weights_file, has_batch_norm=False)


def _efficientnet(name: str, weights_file: str, about: str) -> Arch:
    return Arch(name=name, about=about, weights_file=weights_file, has_batch_norm=True, n_groups=2)


def _convnext(name: str, weights_file: str, about: str) -> Arch:
    return Arch(
        name=name, about=about, weights_file=weights_file, has_batch_norm=False, n_groups=2
    )


def _xresnet(name: str, about: str) -> Arch:
    return Arch(name=name, about=about, weights_file=None, has_batch_norm=True, library="xresnet")


ARCHS: dict[str, Arch] = {
    arch.name: arch
    for arch in (
        _torchvision(
            "resnet18",
            "resnet18-f37072fd.pth",
            "small residual network; a good first choice on a CPU",
        ),
        _torchvision("resnet34", "resnet34-b627a593.pth", "the fastai book's default for photos"),
        _torchvision("resnet50", "resnet50-11ad3fa6.pth", "larger and more accurate; wants a GPU"),
        _torchvision(
            "resnet101",
            "resnet101-cd907fc2.pth",
            "twice as deep as resnet50, for a little more accuracy; wants a GPU",
        ),
        _torchvision(
            "resnet152",
            "resnet152-f82ba261.pth",
            "the deepest residual network here, 230 MB of weights; wants a GPU",
        ),
        _squeezenet(
            "squeezenet1_0",
            "squeezenet1_0-b66bff10.pth",
            "5 MB of weights; quick, less accurate",
        ),
        _squeezenet(
            "squeezenet1_1",
            "squeezenet1_1-b8a52dc0.pth",
            "as accurate as squeezenet1_0 with less than half its arithmetic",
        ),
        _torchvision(
            "densenet121",
            "densenet121-a639ec97.pth",
            "each layer sees all layers before it: few weights, much memory",
        ),
        _torchvision(
            "densenet169",
            "densenet169-b2777c0a.pth",
            "a deeper densenet121; wants a GPU with memory to spare",
        ),
        _efficientnet(
            "efficientnet_b0",
            "efficientnet_b0_rwightman-7f5810bc.pth",
            "20 MB of weights, more accurate than resnet34 on ImageNet, slower to train",
        ),
        _efficientnet(
            "efficientnet_b1",
            "efficientnet_b1_rwightman-bac287d4.pth",
            "efficientnet_b0 one step larger; made for images of 240 px",
        ),
        _efficientnet(
            "efficientnet_b2",
            "efficientnet_b2_rwightman-c35c1473.pth",
            "efficientnet_b0 two steps larger; made for images of 260 px",
        ),
        _efficientnet(
            "efficientnet_b3",
            "efficientnet_b3_rwightman-b3899882.pth",
            "efficientnet_b0 three steps larger; made for images of 300 px",
        ),
        _efficientnet(
            "efficientnet_b4",
            "efficientnet_b4_rwightman-23ab8bcd.pth",
            "efficientnet_b0 four steps larger; made for images of 380 px, wants a GPU",
        ),
        _efficientnet(
            "efficientnet_v2_s",
            "efficientnet_v2_s-dd5fe13b.pth",
            "trains faster than efficientnet_b4 and is more accurate; wants a GPU",
        ),
        _convnext(
            "convnext_tiny",
            "convnext_tiny-983f1562.pth",
            "a modern convolutional network of resnet50's size, more accurate; wants a GPU",
        ),
        _convnext(
            "convnext_small",
            "convnext_small-0c510722.pth",
            "twice as deep as convnext_tiny; wants a GPU",
        ),
        _convnext(
            "convnext_base",
            "convnext_base-6075fbad.pth",
            "wider than convnext_small, 340 MB of weights; wants a GPU with memory to spare",
        ),
        _xresnet("xresnet18", "a ResNet-18 with fastai's tweaks, made to train from scratch"),
        _xresnet("xresnet34", "a ResNet-34 with fastai's tweaks, made to train from scratch"),
        _xresnet("xresnet50", "a ResNet-50 with fastai's tweaks, made to train from scratch"),
        _xresnet("xresnet101", "a ResNet-101 with fastai's tweaks, made to train from scratch"),
    )
}


def find(name: str) -> Arch | None:
    """Find a network by its name; one of timm is called `timm:NAME`, and only timm knows it."""
    if not name.startswith(TIMM):
        return ARCHS.get(name)
    if not TIMM_NAME.fullmatch(name.removeprefix(TIMM)):
        return None
    return Arch(
        name=name,
        about="a network of the timm library",
        weights_file=None,
        has_batch_norm=True,
        n_groups=2,
        library="timm",
    )
