"""The networks on offer, and the file that holds each one's pretrained weights."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Arch:
    """A network by the name of its function in torchvision.models or fastai's xresnet."""

    name: str
    about: str
    weights_file: str | None  # in torchvision's cache; None: none, or timm's to fetch
    has_batch_norm: bool
    n_groups: int = 3  # parameter groups, as fastai splits it; the last one is the head
    library: Literal["torchvision", "xresnet", "timm"] = "torchvision"

    @property
    def is_pretrained(self) -> bool:
        """Say whether pretrained weights exist."""
        return self.weights_file is not None or self.library == "timm"


TIMM = "timm:"
"""Before the name of a network of the timm library."""


ARCHS: dict[str, Arch] = {
    arch.name: arch
    for arch in (
        Arch(
            name="resnet18",
            about="small residual network; a good first choice on a CPU",
            weights_file="resnet18-f37072fd.pth",
            has_batch_norm=True,
        ),
        Arch(
            name="resnet34",
            about="the fastai book's default for photos",
            weights_file="resnet34-b627a593.pth",
            has_batch_norm=True,
        ),
        Arch(
            name="resnet50",
            about="larger and more accurate; wants a GPU",
            weights_file="resnet50-11ad3fa6.pth",
            has_batch_norm=True,
        ),
        Arch(
            name="squeezenet1_0",
            about="5 MB of weights; quick, less accurate",
            weights_file="squeezenet1_0-b66bff10.pth",
            has_batch_norm=False,
        ),
        Arch(
            name="xresnet18",
            about="a ResNet-18 with fastai's tweaks, made to train from scratch",
            weights_file=None,
            has_batch_norm=True,
            library="xresnet",
        ),
        Arch(
            name="xresnet50",
            about="a ResNet-50 with fastai's tweaks, made to train from scratch",
            weights_file=None,
            has_batch_norm=True,
            library="xresnet",
        ),
    )
}


def find(name: str) -> Arch | None:
    """Find a network by its name; one of timm is called `timm:NAME`, and only timm knows it."""
    if name.startswith(TIMM) and len(name) > len(TIMM):
        about = "a network of the timm library"
        return Arch(
            name=name,
            about=about,
            weights_file=None,
            has_batch_norm=True,
            n_groups=2,
            library="timm",
        )
    return ARCHS.get(name)
