"""The same description gives the same bits, and the bits of a plain fastai script."""

from pathlib import Path

import pandas as pd
import pytest

from benchmarks import plain_fastai
from core.domain import schedules
from core.domain.recipes import NO_AUGMENTATION, Recipe
from core.engine import checkpoints, training
from core.engine.ledger import Ledger
from tests import faults
from tests.engine.conftest import FakeJob, describe, fine_tune

pytestmark = pytest.mark.engine


def steps_of(frame: pd.DataFrame, root: Path, recipe: Recipe) -> pd.DataFrame:
    """Train from the start and give the steps."""
    ledger = Ledger("run-a")
    training.train(describe(frame, root, recipe), ledger, FakeJob())
    checkpoints.remove("run-a")
    return ledger.steps()


@pytest.mark.parametrize(("arch", "workers"), [("squeezenet1_0", 0), ("xresnet18", 2)])
def test_a_run_has_the_step_losses_of_a_plain_fine_tune(
    frame: pd.DataFrame, photos: Path, arch: str, workers: int
) -> None:
    recipe = fine_tune(arch=arch, n_workers=workers)
    setting = plain_fastai.Setting(
        arch=arch, pretrained=False, presize=40, size=32, batch_size=8, workers=workers
    )

    plain = plain_fastai.fine_tune(frame, photos, setting)
    ours = steps_of(frame, photos, recipe)

    assert len(plain.losses) == 9
    assert ours["loss"].tolist() == plain.losses


@pytest.mark.parametrize("workers", [pytest.param(0, marks=faults.only_there), 2])
def test_the_same_description_twice_is_bit_identical(
    frame: pd.DataFrame, photos: Path, workers: int
) -> None:
    recipe = fine_tune(n_workers=workers)

    first = steps_of(frame, photos, recipe)
    second = steps_of(frame, photos, recipe)

    assert first["loss"].tolist() == second["loss"].tolist()


def test_another_seed_gives_other_losses(frame: pd.DataFrame, photos: Path) -> None:
    ledger = Ledger("run-a")

    first = steps_of(frame, photos, fine_tune())
    training.train(describe(frame, photos, fine_tune(), seed=43), ledger, FakeJob())

    assert first["loss"].tolist() != ledger.steps()["loss"].tolist()


def test_the_recorded_rates_and_momenta_are_the_drawn_schedule(
    frame: pd.DataFrame, photos: Path
) -> None:
    recipe = fine_tune(augmentation=NO_AUGMENTATION)

    steps = steps_of(frame, photos, recipe)

    curve = schedules.curve(recipe, n_train=30)
    assert steps["lr"].tolist() == pytest.approx(curve.lr, rel=1e-4)
    assert steps["momentum"].tolist() == pytest.approx(curve.momentum, rel=1e-6)
    assert steps["stage"].tolist() == [0] * 3 + [1] * 6
