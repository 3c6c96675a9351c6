"""The devices that runs can take, asked without torch."""

from collections.abc import Sequence
from functools import cache

import pynvml

CPU = "cpu"


@cache
def list_devices() -> tuple[str, ...]:
    """Name the CUDA devices as torch does, or the CPU where there is none."""
    try:
        pynvml.nvmlInit()
        n_devices = pynvml.nvmlDeviceGetCount()
    except pynvml.NVMLError:
        return (CPU,)
    return tuple(f"cuda:{index}" for index in range(n_devices)) or (CPU,)


def environment(device: str) -> dict[str, str]:
    """Give the variables that show a process just its devices, such as `cuda:0,cuda:2`."""
    return {"CUDA_VISIBLE_DEVICES": device.replace("cuda:", "") if device != CPU else ""}


def take(free: Sequence[str], n: int) -> str | None:
    """Give so many of the free devices as one text; None where too few are free.

    On a machine without a GPU one device will do: several processes share the CPU. Who wants more
    GPUs than there are gets all, and is told so when it starts.
    """
    everything = list_devices()
    wanted = 1 if everything == (CPU,) else min(n, len(everything))
    return ",".join(free[:wanted]) if len(free) >= wanted else None
