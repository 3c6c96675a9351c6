"""Pretrained weights: in torch hub's folder, downloaded into it, or missing with a sentence."""

import pickle
import socket
from pathlib import Path

import torch
import torchvision
from torch import hub

from core.domain.archs import ARCHS
from core.domain.errors import WeightsMissingError

DOWNLOAD_SECONDS = 20.0
"""How long a silent server is waited for."""


def path_of(arch: str) -> Path:
    """Give the path where torchvision looks for a network's pretrained weights."""
    return Path(hub.get_dir()) / "checkpoints" / str(ARCHS[arch].weights_file)


def ensure(arch: str) -> None:
    """See to it that a network's weights are there, whole and harmless, or raise a sentence.

    They are read once with `weights_only`, which refuses a file that would execute code, because
    torchvision itself reads them without it.
    """
    path = path_of(arch)
    if not path.exists():
        _download(arch, path)
    try:
        torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise WeightsMissingError(
            f"The pretrained weights of {arch} in {path} cannot be read: "
            f"{str(error).splitlines()[0]}.",
            hint="Remove the file so that it is downloaded again, or train from scratch.",
        ) from error


def url_of(arch: str) -> str:
    """Give the address that torchvision downloads the weights from that fastai asks for."""
    offered = [str(each.url) for each in torchvision.models.get_model_weights(arch)]
    return next(url for url in offered if url.endswith(f"/{ARCHS[arch].weights_file}"))


def _download(arch: str, path: Path) -> None:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_SECONDS)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        digits = path.stem.rpartition("-")[2]
        hub.download_url_to_file(url_of(arch), str(path), hash_prefix=digits, progress=False)
    except (OSError, RuntimeError) as error:
        raise WeightsMissingError(
            f"The pretrained weights {path.name} of {arch} are not in {path.parent}, "
            f"and downloading them failed: {error}.",
            hint=f"Put the file {path.name} into {path.parent}, or train from scratch.",
        ) from error
    finally:
        socket.setdefaulttimeout(before)
