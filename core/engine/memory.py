"""What a fit that failed leaves to its process, taken back before another one begins."""

import gc

import torch

DEVICE_TYPES = ("cuda", "cpu")


def let_go() -> None:
    """Leave autocast, and give back the memory of what nothing refers to any more.

    For outside of the exception's handler: there, the traceback still holds the batch's tensors.

    Mixed precision enters autocast before a batch and leaves it after the loss. A forward pass
    that runs out of memory in between leaves it on, with the low-precision copies of weights that
    it keeps until its end. Measured: the next fit in the process then computed all its batches
    with the weights of its first one, and its loss stood still.
    """
    torch.autocast_increment_nesting()
    while torch.autocast_decrement_nesting() > 0:
        pass
    torch.clear_autocast_cache()
    for device_type in DEVICE_TYPES:
        torch.set_autocast_enabled(device_type, False)
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
