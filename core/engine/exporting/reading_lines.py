"""The README of exported weights: what they are, and the plain lines that load and ask them."""

from collections.abc import Sequence

from core.domain import archs
from core.engine import outputs
from core.engine.trained import Trained

README = """\
The weights of a trained image classifier
=========================================

model.safetensors   the weights; loading them runs no code
model.json          the network, its classes, sizes, normalisation, and where it comes from

These lines ask it about an image. They need {needs}; Winnow need not be installed.

{lines}
"""


def readme(model: Trained) -> str:
    """Write the text beside the weights."""
    library = "fastai, timm" if model.recipe.arch.startswith(archs.TIMM) else "fastai"
    lines = "\n".join(f"    {line}" for line in code(model))
    return README.format(needs=f"{library} and safetensors", lines=lines)


def code(model: Trained) -> Sequence[str]:
    """Write the lines; `model.safetensors`, `model.json` and `image.jpg` are in the folder."""
    answer = "sigmoid()" if model.is_sigmoid else "softmax(dim=1)"
    normalised = 'Normalize.from_stats(about["mean"], about["std"], cuda=False)'
    transforms = ["IntToFloatTensor()", f"*{_resized(model)}"]
    transforms += [normalised] if outputs.statistics_of(model.run_id) is not None else []
    return [
        "import json, torch, torchvision",
        "from fastai.vision.all import *",
        "from PIL import ImageOps",
        "from safetensors.torch import load_file",
        "",
        'about = json.loads(Path("model.json").read_text(encoding="utf-8"))',
        f"model = {_network(model)}",
        'model.load_state_dict(load_file("model.safetensors"))',
        "model.eval()",
        'image = ImageOps.exif_transpose(Image.open("image.jpg")).convert("RGB")',
        'cut = Resize(about["presize_px"], method=about["resize"])',
        "pixels = ToTensor()(cut(PILImage(image), split_idx=1))[None]",
        "shown = Pipeline([",
        *(f"    {each}," for each in transforms),
        "], split_idx=1)",
        "with torch.no_grad():",
        f"    found = model(shown(pixels)).{answer}[0]",
        'print(dict(zip(about["classes"], found.tolist())))',
    ]


def _network(model: Trained) -> str:
    """Write the call that makes the network; its dropout does nothing outside training."""
    name, n_out = model.recipe.arch, 'len(about["classes"])'
    if name in archs.ARCHS and archs.ARCHS[name].library == "xresnet":
        return f"{name}(n_out={n_out})"
    pooling = "" if model.recipe.concat_pool else ", concat_pool=False"
    arguments = f"{n_out}, pretrained=False{pooling}"
    if name.startswith(archs.TIMM):
        return f"create_timm_model({name.removeprefix(archs.TIMM)!r}, {arguments})[0]"
    return f"create_vision_model(torchvision.models.{name}, {arguments})"


def _resized(model: Trained) -> str:
    scale = model.recipe.augmentation.min_scale
    cut = "" if scale == 1 else f", min_scale={scale!r}"
    return f'aug_transforms(size=about["size_px"]{cut})'
