"""What a run's numbers depend on besides its description: versions, device, threads."""

import os
import platform
from pathlib import Path
from typing import Any

import fastai
import numpy
import PIL
import torch
import torchvision
from fastai.torch_core import default_device

from core.domain.errors import InputError

THREADS = "WINNOW_TORCH_THREADS"


def set_threads() -> None:
    """Take torch's number of threads from WINNOW_TORCH_THREADS, or leave torch's own choice."""
    wanted = os.environ.get(THREADS)
    if not wanted:
        return
    if not wanted.isdecimal() or int(wanted) < 1:
        raise InputError(
            f"{THREADS} is {wanted!r}, which is not a number of threads.",
            hint=f"Set {THREADS} to a whole number from 1, or leave it unset.",
        )
    torch.set_num_threads(int(wanted))


def describe() -> dict[str, Any]:
    """Name versions, device and threads: losses are bit-identical where all of them are equal."""
    device = default_device()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "fastai": fastai.__version__,
        "pillow": PIL.__version__,
        "numpy": numpy.__version__,
        "platform": platform.platform(),
        "device": name,
        "cpu": _cpu_model(),
        "n_torch_threads": torch.get_num_threads(),
    }


def _cpu_model() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
