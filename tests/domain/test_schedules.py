import pytest

from core.domain import schedules
from core.domain.recipes import Discriminative, OneCycle, Recipe, Stage

RECIPE = Recipe(
    name="x",
    arch="resnet18",
    stages=(
        Stage(train="head", epochs=1, lr=Discriminative(high=2e-3)),
        Stage(epochs=2, lr=1e-3, schedule=OneCycle(pct_start=0.5, div=10, div_final=100)),
    ),
)


def test_the_curve_has_one_value_a_batch_and_marks_where_stages_begin():
    curve = schedules.curve(RECIPE, n_train=640)

    assert len(curve.lr) == len(curve.momentum) == 30
    assert curve.stage_starts == (0, 10)


def test_the_rate_starts_at_its_div_peaks_at_pct_start_and_the_momentum_mirrors_it():
    curve = schedules.curve(RECIPE, n_train=640)
    second = curve.lr[10:]

    assert second[0] == pytest.approx(1e-4)
    assert second[10] == pytest.approx(1e-3)
    assert max(second) == second[10]
    assert curve.momentum[10] == pytest.approx(0.95)
    assert curve.momentum[20] == pytest.approx(0.85)
