"""The devices that runs can take, asked without torch."""

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
    """Give the variables that show a process just its device."""
    return {"CUDA_VISIBLE_DEVICES": device.removeprefix("cuda:") if device != CPU else ""}
