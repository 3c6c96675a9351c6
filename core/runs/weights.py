"""Where pretrained weights lie, asked without torch."""

import os
from pathlib import Path

from core.domain.archs import ARCHS


def folder() -> Path:
    """Give torch hub's folder of downloaded weights; the rule is torch.hub.get_dir's."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    torch_home = os.environ.get("TORCH_HOME") or f"{cache}/torch"
    return Path(torch_home).expanduser() / "hub" / "checkpoints"


def find(arch: str) -> Path | None:
    """Find the cached pretrained weights of a network."""
    name = ARCHS[arch].weights_file
    path = folder() / name if name else None
    return path if path is not None and path.is_file() else None


def advice(arch: str) -> str:
    """Say which file to put where, for a network whose weights are not here."""
    name = ARCHS[arch].weights_file
    if name is None:
        return f"{arch} has no pretrained weights."
    return (
        f"The pretrained weights of {arch} are not on this machine. With a network they are "
        f"downloaded when the run starts; without one, put the file {name} into {folder()}, "
        "or choose From scratch."
    )
