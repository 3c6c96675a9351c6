"""The plain fastai script whose step losses a run of Winnow equals, bit for bit.

    python -m benchmarks.plain_fastai FOLDER --arch squeezenet1_0 --size 128 --presize 256
    python -m benchmarks.plain_fastai FOLDER --items items.parquet …    # the split of a run

FOLDER has one sub-folder a class. Without `--items` every fifth image by path is valid. It knows
nothing of Winnow; what is printed is one loss a step, and seconds an epoch.
"""

import argparse
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from fastai.callback import schedule as _fine_tune_is_patched_in  # noqa: F401
from fastai.callback.core import Callback
from fastai.callback.progress import ProgressCallback
from fastai.data.block import CategoryBlock, DataBlock
from fastai.data.core import DataLoaders
from fastai.data.transforms import ColReader, Normalize, get_image_files
from fastai.learner import Learner
from fastai.metrics import accuracy, error_rate
from fastai.torch_core import params, set_seed
from fastai.vision import models
from fastai.vision.augment import Resize, aug_transforms
from fastai.vision.core import imagenet_stats
from fastai.vision.data import ImageBlock
from fastai.vision.learner import vision_learner
from fastcore.foundation import L
from torch import nn


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a person writes at the top of a notebook."""

    arch: str = "squeezenet1_0"
    pretrained: bool = True
    presize: int = 256
    size: int = 128
    batch_size: int = 64
    epochs: int = 2
    lr: float = 2e-3
    seed: int = 42
    workers: int = 0


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What the fit gave: the loss of each step, the metrics and seconds of each epoch."""

    losses: list[float]
    epochs: list[list[float]]
    seconds: list[float]


class Watch(Callback):
    """Keep the loss of each train batch and the time of each epoch."""

    order = 70
    run_valid = False

    def __init__(self) -> None:
        super().__init__()
        self.step_losses: list[float] = []
        self.epochs: list[list[float]] = []
        self.seconds: list[float] = []
        self._began = 0.0

    def before_epoch(self) -> None:
        """Start the clock."""
        self._began = time.perf_counter()

    def after_batch(self) -> None:
        """Keep the loss."""
        self.step_losses.append(self.learn.loss.item())

    def after_epoch(self) -> None:
        """Keep the epoch's values and its time."""
        self.epochs.append([float(value) for value in self.learn.recorder.values[-1]])
        self.seconds.append(time.perf_counter() - self._began)


def split_by_path(folder: Path) -> pd.DataFrame:
    """Make a table of path, label and part from a folder: every fifth image is valid."""
    paths = sorted(path.relative_to(folder).as_posix() for path in get_image_files(folder))
    table = pd.DataFrame({"path": paths})
    table["label"] = [path.split("/")[0] for path in paths]
    table["part"] = ["valid" if index % 5 == 0 else "train" for index in range(len(paths))]
    return table


def learner(table: pd.DataFrame, folder: Path, setting: Setting) -> Learner:
    """Make the learner of a plain transfer-learning script, seeded as one should."""
    set_seed(setting.seed, reproducible=True)
    dls = loaders(table, folder, setting)
    metrics = [accuracy, error_rate]
    if setting.arch.startswith("x"):  # as in chapter 7 of the fastai book
        network = getattr(models.xresnet, setting.arch)(n_out=dls.c)
        learn = Learner(dls, network, splitter=_stem_blocks_head, metrics=metrics)
    else:
        network = getattr(models, setting.arch)
        learn = vision_learner(dls, network, pretrained=setting.pretrained, metrics=metrics)
    learn.remove_cb(ProgressCallback)
    return learn


def loaders(table: pd.DataFrame, folder: Path, setting: Setting) -> DataLoaders:
    """Make the loaders of a plain script."""
    block = DataBlock(
        blocks=(ImageBlock, CategoryBlock(vocab=sorted(table["label"].unique()))),
        get_x=ColReader("path", pref=folder),
        get_y=ColReader("label"),
        splitter=_stored_split,
        item_tfms=Resize(setting.presize),
        batch_tfms=aug_transforms(size=setting.size),
    )
    if not setting.pretrained:  # vision_learner adds it only for pretrained bodies
        block.batch_tfms += [Normalize.from_stats(*imagenet_stats)]
    return block.dataloaders(table, bs=setting.batch_size, num_workers=setting.workers)


def seed_again(learn: Learner, seed: int) -> None:
    """Seed right before the fit, the loaders' own generators too."""
    set_seed(seed, reproducible=True)
    for index, loader in enumerate(learn.dls.loaders):
        loader.rng = random.Random(seed + index)


def fine_tune(table: pd.DataFrame, folder: Path, setting: Setting) -> Measured:
    """Fine-tune: one epoch of the head, then `epochs` of all layers."""
    learn = learner(table, folder, setting)
    seed_again(learn, setting.seed)
    watch = Watch()
    learn.add_cb(watch)
    with learn.no_logging():
        learn.fine_tune(setting.epochs, base_lr=setting.lr)
    return Measured(losses=watch.step_losses, epochs=watch.epochs, seconds=watch.seconds)


def main(arguments: Sequence[str]) -> None:
    """Run the script from the command line."""
    parser = argparse.ArgumentParser(description="Fine-tune with plain fastai.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--items", type=Path, help="a run's items.parquet: path, label, part")
    parser.add_argument("--arch", default=Setting.arch)
    parser.add_argument("--from-scratch", action="store_true")
    for name in ("presize", "size", "batch_size", "epochs", "seed", "workers"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Setting, name))
    parser.add_argument("--lr", type=float, default=Setting.lr)
    given = vars(parser.parse_args(arguments))
    folder, items = given.pop("folder"), given.pop("items")
    setting = Setting(pretrained=not given.pop("from_scratch"), **given)
    table = pd.read_parquet(items) if items else split_by_path(folder)
    _print(fine_tune(table, folder, setting))


def _print(measured: Measured) -> None:
    lines = [f"{step}\t{loss!r}" for step, loss in enumerate(measured.losses)]
    for values, seconds in zip(measured.epochs, measured.seconds, strict=True):
        numbers = " ".join(f"{value:.4f}" for value in values)
        lines.append(f"# {seconds:.2f} s; train loss, valid loss, accuracy, error: {numbers}")
    sys.stdout.write("\n".join(lines) + "\n")


def _stored_split(table: pd.DataFrame) -> tuple[list[int], list[int]]:
    positions = range(len(table))
    parts = table["part"].tolist()
    return (
        [position for position in positions if parts[position] == "train"],
        [position for position in positions if parts[position] == "valid"],
    )


def _stem_blocks_head(model: nn.Module) -> L:
    layers = list(model.children())
    return L(nn.ModuleList(part) for part in (layers[:3], layers[3:-1], layers[-1:])).map(params)


if __name__ == "__main__":
    main(sys.argv[1:])
