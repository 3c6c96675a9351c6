"""Rules about the machine: what its devices can compute, and how they share batches."""

from collections.abc import Iterator

from core.domain.advice.values import Advice, Facts, Rule, refused, warning
from core.domain.recipes import Recipe

SMALLEST_SHARE = 2
"""Images of a batch that each device needs: layers of batch norm cannot train on one."""


def _precision(recipe: Recipe, facts: Facts) -> Iterator[Advice]:
    if facts.n_gpus > 0 or recipe.precision == "fp32":
        return
    if recipe.precision == "fp16":
        yield refused(
            "precision",
            "The precision fp16 needs a GPU, and this machine trains on its CPU.",
            "Take fp32, or bf16 where the CPU knows it.",
        )
        return
    yield warning(
        "precision",
        "On a CPU bf16 is quicker only where it has the instructions for it (AVX512-BF16 or AMX).",
        "Compare the seconds of one epoch with fp32.",
    )


def _devices(recipe: Recipe, facts: Facts) -> Iterator[Advice]:
    """Without a GPU a device is a process of its own, so any number will do."""
    if 0 < facts.n_gpus < recipe.n_devices:
        yield refused(
            "n_devices",
            f"The recipe wants {recipe.n_devices} devices, and this machine has {facts.n_gpus}.",
            f"Set the number of devices to {facts.n_gpus} or less.",
        )


def _shares(recipe: Recipe, facts: Facts) -> Iterator[Advice]:
    """Only batches of images are shared: those of cached features are too quick for it."""
    n = recipe.n_devices
    shared = {recipe.batch_size_of(one) for one in recipe.stages if one.train != "features"}
    for size in sorted(shared) if n > 1 else ():
        if size % n or size < SMALLEST_SHARE * n:
            fitting = max(size // n, SMALLEST_SHARE) * n
            yield refused(
                "n_devices",
                f"A batch of {size} images cannot be shared by {n} devices: each needs as many as "
                f"the others, and {SMALLEST_SHARE} at least.",
                f"Choose a multiple of {n} as batch size, such as {fitting}.",
            )


RULES: tuple[Rule, ...] = (_precision, _devices, _shares)
