"""How several processes share the batches of one fit, so that it is the fit of one process.

Every process goes through the same batches in the same order, reads its share of each, and has its
gradients averaged with the others' (DistributedDataParallel, through accelerate). Predictions and
targets are put together again, in the order of the batch, before any other callback sees them: so
losses, metrics, losses by item and gradient accumulation are those of whole batches.

fastai's own `distrib_ctx` needs CUDA, makes the batches larger instead of sharing them, and gives
each process another stretch of an epoch.
"""

import hashlib
import math
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from fastai.callback.core import Callback
from fastai.data.core import TfmdDL
from fastai.learner import Learner
from fastcore.basics import chunked
from torch import distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm

from core.domain.advice.machine import SMALLEST_SHARE
from core.domain.errors import RecipeError


@dataclass(frozen=True, kw_only=True)
class Group:
    """The processes that share a fit, as one of them sees it."""

    rank: int  # 0 leads
    n: int
    accelerator: Any


def join(rank: int, n: int, port: int) -> Group:
    """Meet the other processes of this machine at a port; returns when all are there.

    The variables that torch reads are taken back at once: fastai looks at them too, and would
    gather whatever is measured outside of a shared fit.
    """
    from accelerate import Accelerator

    with _environment(_variables(rank, n, port)):
        accelerator = Accelerator(cpu=not torch.cuda.is_available())
    return Group(rank=rank, n=n, accelerator=accelerator)


def leave() -> None:
    """Part from the other processes; another group can be joined afterwards."""
    from accelerate.state import AcceleratorState, GradientState

    if distributed.is_initialized():
        distributed.destroy_process_group()
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()


def check(batch_size: int, n: int) -> None:
    """Raise RecipeError where batches cannot be shared evenly."""
    if batch_size % n or batch_size < SMALLEST_SHARE * n:
        lower = max(batch_size // n, SMALLEST_SHARE) * n
        raise RecipeError(
            f"A batch of {batch_size} images cannot be shared by {n} devices: each needs as many "
            f"as the others, and {SMALLEST_SHARE} at least.",
            hint=f"Choose a multiple of {n} as batch size, such as {lower}.",
        )


@contextmanager
def shared(learn: Learner, group: Group) -> Iterator[None]:
    """Have the fits inside share their batches; all processes of the group come here together.

    What requires gradients must be settled before: parts of the model that are frozen inside are
    still averaged. On CUDA, batch norm sees whole batches, as with fastai's `sync_bn`; on a CPU,
    where torch cannot do that, each process's share, and the first one's running statistics count.
    """
    check(learn.dls.train.bs, group.n)
    plain = learn.model
    with _synced_batch_norm(plain), _reading_shares(learn.dls.loaders, group):
        learn.model = group.accelerator.prepare_model(plain)
        try:
            with learn.added_cbs([Gather(group)]):
                yield
        finally:
            learn.model = plain
            group.accelerator.free_memory()


class Gather(Callback):
    """Put the shares of a batch together, before any other callback looks at it."""

    order = -8  # before FiniteGuard, and before gradient accumulation counts images

    def __init__(self, group: Group) -> None:
        super().__init__()
        self._group = group

    def after_pred(self) -> None:
        """In validation, have the loss computed of the whole batch."""
        if not self.learn.training:
            self._put_together()

    def after_loss(self) -> None:
        """In training, show all others the whole batch; the gradient is that of the share."""
        if self.learn.training:
            self._put_together()
            loss = self.learn.loss.detach().clone()
            distributed.all_reduce(loss)
            self.learn.loss = loss / self._group.n

    def _put_together(self) -> None:
        loader = self.learn.dl
        order = loader._DataLoader__idxs  # fastai keeps the order of the pass here
        n_items = min(loader.bs, len(order) - self.learn.iter * loader.bs)
        self.learn.pred = self._gathered(self.learn.pred, n_items)
        self.learn.yb = tuple(self._gathered(each, n_items) for each in self.learn.yb)

    def _gathered(self, share: torch.Tensor, n_items: int) -> torch.Tensor:
        mine = share.detach().as_subclass(torch.Tensor).contiguous()
        parts = [torch.empty_like(mine) for _ in range(self._group.n)]
        distributed.all_gather(parts, mine)
        return torch.cat(parts)[:n_items].as_subclass(type(share))


def share_of(batch: Sequence[Any], group_rank: int, n: int) -> list[Any]:
    """Give a process's share of a batch; all shares are of one length, so some items may be twice.

    Those are at the end of the last shares, and are cut off where shares are put together.
    """
    length = math.ceil(len(batch) / n)
    return [batch[at % len(batch)] for at in range(group_rank * length, (group_rank + 1) * length)]


def digest(model: nn.Module) -> str:
    """Give a short hash of the weights, equal where all their bits are.

    Without running statistics: those of other processes are replaced with the next batch.
    """
    found = hashlib.sha256()
    for name, each in model.named_parameters():
        found.update(name.encode())
        found.update(each.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return found.hexdigest()[:16]


@contextmanager
def _reading_shares(loaders: Sequence[TfmdDL], group: Group) -> Iterator[None]:
    """Have loaders read this process's share of each batch; lengths and orders stay."""
    for loader in loaders:
        loader.create_batches = partial(_create_shares, loader, group)
    try:
        yield
    finally:
        for loader in loaders:
            del loader.create_batches


def _create_shares(loader: TfmdDL, group: Group, items: Iterable[int]) -> Iterator[Any]:
    for batch in chunked(items, loader.bs, loader.drop_last):
        share = share_of(batch, group.rank, group.n)
        yield loader.do_batch([loader.do_item(each) for each in share])


@contextmanager
def _synced_batch_norm(model: nn.Module) -> Iterator[None]:
    """On CUDA, put synchronised layers in the place of batch norm, and the plain ones back."""
    if next(model.parameters()).device.type != "cuda":
        yield
        return
    plain = [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent.named_children()
        if isinstance(child, _BatchNorm)
    ]
    nn.SyncBatchNorm.convert_sync_batchnorm(model)
    try:
        yield
    finally:
        for parent, name, child in plain:  # they share weights and statistics with the others
            setattr(parent, name, child)


def _variables(rank: int, n: int, port: int) -> dict[str, str]:
    found = {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(n),
        "LOCAL_WORLD_SIZE": str(n),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": str(torch.get_num_threads()),  # or accelerate would set another number
    }
    if sys.platform == "linux":
        found["GLOO_SOCKET_IFNAME"] = "lo"  # else gloo asks for the host's name
    return found


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
