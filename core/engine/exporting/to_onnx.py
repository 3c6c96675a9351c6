"""A model as an ONNX graph, compared with the answers of the model itself before it is kept."""

import importlib
import json
from collections.abc import Sequence
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from core.domain.errors import EngineError, InputError
from core.engine import outputs
from core.engine.trained import Trained
from core.store import files

PACKAGES = ("onnx", "onnxruntime", "onnxscript")
MOST_DIFFERENCE = 1e-3
BATCHES = (1, 2, 5)
"""The sizes of the batches that are compared."""

OUTPUTS = ("scores", "probabilities")


class Wrapped(nn.Module):
    """A model with the normalisation before it, and the probabilities behind."""

    def __init__(self, model: Trained) -> None:
        super().__init__()
        self.model = model.learn.model
        self.is_sigmoid = model.is_sigmoid
        mean, std = outputs.statistics_of(model.run_id) or ((0.0,) * 3, (1.0,) * 3)
        self.register_buffer("mean", torch.tensor(mean).reshape(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).reshape(1, -1, 1, 1))

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Give scores and probabilities, each (images, classes), of values from 0 to 1."""
        scores = self.model((image - self.mean) / self.std)
        return scores, scores.sigmoid() if self.is_sigmoid else scores.softmax(dim=1)


def check_installed() -> None:
    """Raise InputError where a package is missing."""
    missing = [name for name in PACKAGES if util.find_spec(name) is None]
    if missing:
        raise InputError(
            f"Exporting to ONNX needs {' and '.join(missing)}, which is not installed.",
            hint=f"Run: pip install {' '.join(PACKAGES)}",
        )


def save(model: Trained, about: dict[str, Any], path: Path) -> dict[str, Any]:
    """Write the graph; the result has its largest difference from torch's outputs.

    The input `image` is float32 of shape (images, 3, size, size) with RGB values from 0 to 1;
    the outputs are `scores` and `probabilities`. Raises EngineError where torch cannot write the
    graph, or its answers differ by more than 1e-3.
    """
    wrapped = Wrapped(model).eval()
    size_px = model.recipe.size_px
    graph = _graph(wrapped, size_px)
    _describe(graph, model, about)
    content = graph.SerializeToString()
    found = difference(wrapped, content, size_px)
    if not found <= MOST_DIFFERENCE:  # also where it is NaN
        raise EngineError(
            f"The ONNX graph's outputs differ from the model's by {found:.2g}, and at most "
            f"{MOST_DIFFERENCE:g} is taken.",
            hint="Take the weights as safetensors along instead.",
        )
    files.write_bytes(path, content)
    return {"notes": _notes(model), "most_difference": found}


def difference(wrapped: nn.Module, content: bytes, size_px: int) -> float:
    """Give the largest difference of any output of three batches of random images."""
    runtime = importlib.import_module("onnxruntime")
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    generator = torch.Generator().manual_seed(0)
    found = 0.0
    for n_images in BATCHES:
        image = torch.rand((n_images, 3, size_px, size_px), generator=generator)
        with torch.no_grad():
            expected = wrapped(image)
        given = session.run(list(OUTPUTS), {"image": image.numpy()})
        found = max(found, *_differences(given, expected))
    return found


def _differences(given: Sequence[np.ndarray], expected: Sequence[torch.Tensor]) -> list[float]:
    pairs = zip(given, expected, strict=True)
    return [float(np.abs(ours - theirs.numpy()).max()) for ours, theirs in pairs]


def _graph(wrapped: nn.Module, size_px: int) -> Any:
    """Have torch write the graph for any number of images."""
    image = torch.rand(2, 3, size_px, size_px)  # a batch of one would be taken for a constant
    errors = importlib.import_module("torch.onnx.errors")
    try:
        program = torch.onnx.export(
            wrapped,
            (image,),
            dynamo=True,
            input_names=["image"],
            output_names=list(OUTPUTS),
            dynamic_shapes={"image": {0: torch.export.Dim("images", min=1)}},
            verbose=False,
        )
    except (errors.OnnxExporterError, RuntimeError) as error:
        said = str(error).strip().splitlines()[0].rstrip(".")
        raise EngineError(
            f"torch cannot write this network as ONNX: {said}.",
            hint="Take the weights as safetensors along instead.",
        ) from error
    return program.model_proto


def _describe(graph: Any, model: Trained, about: dict[str, Any]) -> None:
    facts = {
        "classes": list(model.classes),
        "threshold": model.threshold,
        "presize_px": model.recipe.presize_px,
        "size_px": model.recipe.size_px,
        "resize": model.recipe.resize,
        **about,
    }
    for name, value in facts.items():
        entry = graph.metadata_props.add()
        entry.key, entry.value = name, json.dumps(value, ensure_ascii=False)


def _notes(model: Trained) -> list[str]:
    size_px, presize_px = model.recipe.size_px, model.recipe.presize_px
    return [
        f"The input `image` is float32 of shape (images, 3, {size_px}, {size_px}): RGB values "
        "from 0 to 1, the normalisation is inside. The outputs are `scores` and "
        "`probabilities`, in the order of `classes` in the metadata.",
        f"Reading, turning upright and resizing ({model.recipe.resize} to {presize_px} px, then "
        f"to {size_px} px) are left to whoever runs it.",
    ]
