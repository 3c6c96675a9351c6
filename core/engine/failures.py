"""Translate what torch, fastai and the operating system raise into sentences for a person."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from core.domain.errors import EngineError, OutOfMemoryError, UnreadableImageError
from core.engine.data import IMAGE_HINT

NO_MEMORY = re.compile(
    r"can't allocate memory|cannot allocate memory|not enough memory|out of memory", re.IGNORECASE
)
KILLED = re.compile(r"DataLoader worker .*(killed by signal|exited unexpectedly)", re.DOTALL)


@contextmanager
def explained(*, batch_size: int) -> Iterator[None]:
    """Raise WinnowErrors in place of the errors that mean something to a person."""
    try:
        yield
    except UnreadableImageError as error:
        raise _out_of_the_loader(error) from error
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _out_of_memory(batch_size) from error
    except (RuntimeError, OSError) as error:
        if NO_MEMORY.search(str(error)) or getattr(error, "errno", None) == errno.ENOMEM:
            raise _out_of_memory(batch_size) from error
        if KILLED.search(str(error)):
            raise _loader_killed(str(error)) from error
        raise


def _out_of_the_loader(error: UnreadableImageError) -> UnreadableImageError:
    """Take the sentence out of what a loader process sent: its traceback, as one text."""
    if not error.sentence.startswith("Caught "):
        return error
    last = [line for line in error.sentence.splitlines() if "UnreadableImageError: " in line][-1]
    return UnreadableImageError(last.partition("UnreadableImageError: ")[2], hint=IMAGE_HINT)


def _out_of_memory(batch_size: int) -> OutOfMemoryError:
    half = max(2, batch_size // 4 * 2)
    return OutOfMemoryError(
        f"The memory did not suffice for a batch of {batch_size} images.",
        hint=f"Try a batch size of {half}, or a smaller train size.",
    )


def _loader_killed(what: str) -> EngineError:
    return EngineError(
        f"A loader process ended early: {what.splitlines()[0]}",
        hint="Most often the machine's memory ran out: use fewer loader processes.",
    )
