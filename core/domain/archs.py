"""The networks on offer, and the file that holds each one's pretrained weights."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Arch:
    """A network by the name of its function in torchvision.models or fastai's xresnet."""

    name: str
    about: str
    weights_file: str | None  # in torchvision's cache; None: there are no pretrained weights
    has_batch_norm: bool


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
        ),
        Arch(
            name="xresnet50",
            about="a ResNet-50 with fastai's tweaks, made to train from scratch",
            weights_file=None,
            has_batch_norm=True,
        ),
    )
}
