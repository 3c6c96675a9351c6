"""Where pretrained weights lie, asked without torch and without timm."""

import os
from pathlib import Path

from core.domain import archs


def folder() -> Path:
    """Give torch hub's folder of downloaded weights; the rule is torch.hub.get_dir's."""
    torch_home = os.environ.get("TORCH_HOME") or f"{_cache()}/torch"
    return Path(torch_home).expanduser() / "hub" / "checkpoints"


def timm_folder() -> Path:
    """Give the Hugging Face hub's cache, where timm keeps what it downloads.

    The rule is the one of huggingface_hub.constants.
    """
    hub_home = os.environ.get("HF_HOME") or f"{_cache()}/huggingface"
    return Path(os.environ.get("HF_HUB_CACHE") or f"{hub_home}/hub").expanduser()


def find(arch: str) -> Path | None:
    """Find the cached pretrained weights of a network.

    timm names its weights `NETWORK.TAG`, and alone knows which tag a bare name stands for: there,
    weights of any tag count.
    """
    if arch.startswith(archs.TIMM):
        return _find_of_timm(arch)
    known = archs.find(arch)
    path = folder() / known.weights_file if known and known.weights_file else None
    return path if path is not None and path.is_file() else None


def advice(arch: str) -> str:
    """Say which file to put where, for a network whose weights are not here."""
    if arch.startswith(archs.TIMM):
        return (
            f"The pretrained weights of timm's {arch.removeprefix(archs.TIMM)} are not on this "
            "machine. With a network they are fetched from the Hugging Face hub when the run "
            "starts; without one, choose From scratch."
        )
    known = archs.find(arch)
    if known is None or known.weights_file is None:
        return f"{arch} has no pretrained weights."
    return (
        f"The pretrained weights of {arch} are not on this machine. With a network they are "
        f"downloaded when the run starts; without one, put the file {known.weights_file} into "
        f"{folder()}, or choose From scratch."
    )


def _find_of_timm(arch: str) -> Path | None:
    if archs.find(arch) is None:  # a name that could not be timm's is not looked for on disk
        return None
    name = arch.removeprefix(archs.TIMM)
    repositories = f"models--timm--{name}" if "." in name else f"models--timm--{name}.*"
    found = timm_folder().glob(f"{repositories}/snapshots/*/model.safetensors")
    return next(iter(sorted(found)), None)


def _cache() -> str:
    return os.environ.get("XDG_CACHE_HOME") or "~/.cache"
