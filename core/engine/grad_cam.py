"""Grad-CAM: where in an image a network finds what speaks for a class (arXiv:1610.02391)."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from fastai.data.core import TfmdDL
from fastai.data.transforms import Normalize
from fastai.torch_core import TensorImage
from PIL import Image
from torch import Tensor, nn

from core.engine.trained import Trained

LEAST_SHOWN_PX = 448
QUALITY = 90
STRENGTH = 0.65
"""How much of the hottest pixel is the colour of the map."""

COLOURS = "YlOrRd"
ADAPTIVE = (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)


def body_of(model: nn.Module) -> nn.Module:
    """Find the last layer whose output still has places: what comes before the pooling head.

    fastai's learners are a body and a head; its xresnets are layers in a row.
    """
    children = list(model.children())
    pools = [at for at, child in enumerate(children) if _pools(child)]
    return children[pools[-1] - 1]


def heat(model: nn.Module, pixels: Tensor, chosen: int) -> tuple[np.ndarray, bool]:
    """Give the map of a class for one normalised image, pixels of shape (1, 3, height, width).

    Each channel of the body's output weighs as much as the class's score grows with it, on the
    average over all places; what speaks against the class is left out. The map is scaled to a
    highest value of 1, and the second value says whether there was anything to scale.
    """
    kept: list[Tensor] = []
    hook = body_of(model).register_forward_hook(lambda _layer, _given, out: kept.append(out))
    try:
        with torch.enable_grad():
            score = model(pixels.detach().clone().requires_grad_())[0, chosen]
            (gradients,) = torch.autograd.grad(score, kept[0])
    finally:
        hook.remove()
    weights = gradients.mean(dim=(2, 3), keepdim=True)
    found = (weights * kept[0]).sum(dim=1)[0].clamp(min=0).detach()
    highest = float(found.max())
    return (found / highest if highest else found).cpu().numpy(), highest == 0


def draw(model: Trained, path: Path, *, chosen: str | None, folder: Path) -> dict[str, object]:
    """Write what the network sees of an image, and the map over it; None: of the likeliest class.

    Both JPEGs show the square that the network is given, enlarged where it is small.
    """
    loader = model.loader([model.read(path)])
    (pixels,) = loader.one_batch()
    pixels = torch.Tensor(pixels)
    with torch.no_grad():
        scores = model.learn.model(pixels)
    probabilities = (scores.sigmoid() if model.is_sigmoid else scores.softmax(dim=1))[0]
    index = int(probabilities.argmax()) if chosen is None else model.classes.index(chosen)
    values, is_empty = heat(model.learn.model, pixels, index)
    picture = _picture(_plain(loader, pixels))
    _save(picture, folder / "plain.jpg")
    _save(overlay(picture, values), folder / "cam.jpg")
    return {
        "plain": "plain.jpg",
        "cam": "cam.jpg",
        "class": model.classes[index],
        "probability": float(probabilities[index]),
        "is_empty": is_empty,
    }


def overlay(picture: Image.Image, values: np.ndarray) -> Image.Image:
    """Lay a map over a picture: what is cold stays as it is, what is hot is red."""
    small = Image.fromarray(np.float32(values))
    wide = np.asarray(small.resize(picture.size, Image.Resampling.BICUBIC)).clip(0, 1)
    colours = mpl.colormaps[COLOURS](wide)[..., :3] * 255
    share = STRENGTH * wide[..., None]
    mixed = np.asarray(picture) * (1 - share) + colours * share
    return Image.fromarray(mixed.round().astype(np.uint8))


def _pools(layer: nn.Module) -> bool:
    return any(isinstance(each, ADAPTIVE) for each in layer.modules())


def _plain(loader: TfmdDL, pixels: Tensor) -> Tensor:
    """Undo the normalisation, if there is one: values from 0 to 1."""
    normalised = [each for each in loader.after_batch.fs if isinstance(each, Normalize)]
    return normalised[0].decode(TensorImage(pixels)) if normalised else pixels


def _picture(plain: Tensor) -> Image.Image:
    values = (plain[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    picture = Image.fromarray(np.asarray(values))
    side = max(LEAST_SHOWN_PX, *picture.size)
    return picture.resize((side, side), Image.Resampling.BICUBIC)


def _save(picture: Image.Image, path: Path) -> None:
    picture.save(path, quality=QUALITY)
