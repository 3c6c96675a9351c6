"""Nested values with tensors in them, as one safetensors file: no pickle, and every bit kept."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fastcore.foundation import L
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from core.domain.errors import StoreError
from core.store import files

TENSOR = "__tensor__"
VALUES = "values"


def save(path: Path, values: Mapping[str, Any]) -> None:
    """Write dicts, lists, numbers, texts and tensors; the file is read whole or not at all."""
    tensors: dict[str, torch.Tensor] = {}
    plain = json.dumps(_pack(values, tensors))
    files.write_with(path, lambda part: save_file(tensors, part, metadata={VALUES: plain}))


def load(path: Path) -> dict[str, Any]:
    """Read what `save` wrote, tensors on the CPU; raise StoreError where it is damaged."""
    try:
        with safe_open(path, framework="pt", device="cpu") as found:
            names = list(found.keys())  # it is no mapping: it cannot be iterated
            tensors = {name: found.get_tensor(name).clone() for name in names}
            values = json.loads(found.metadata()[VALUES])
        unpacked: dict[str, Any] = _unpack(values, tensors)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{path} cannot be read: {error}.", hint="Start the run again from its beginning."
        ) from error
    return unpacked


def _pack(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(value, torch.Tensor):
        name = f"t{len(tensors)}"
        # a copy, because safetensors refuses tensors that share their memory
        tensors[name] = value.detach().as_subclass(torch.Tensor).cpu().clone().contiguous()
        return {TENSOR: name}
    if isinstance(value, Mapping):
        return {str(key): _pack(inner, tensors) for key, inner in value.items()}
    if isinstance(value, list | tuple | L):
        return [_pack(inner, tensors) for inner in value]
    if isinstance(value, np.generic):
        return value.item()
    return value


def _unpack(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(value, dict):
        if set(value) == {TENSOR}:
            return tensors[value[TENSOR]]
        return {key: _unpack(inner, tensors) for key, inner in value.items()}
    if isinstance(value, list):
        return [_unpack(inner, tensors) for inner in value]
    return value
