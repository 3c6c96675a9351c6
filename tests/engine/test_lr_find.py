"""The range test equals fastai's, streams its points, and explains its suggestions."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from fastai.callback.schedule import minimum, slide, steep, valley
from fastai.data.transforms import Normalize
from fastai.learner import Learner
from safetensors.torch import load_file

from benchmarks import plain_fastai
from core.domain.errors import RecipeError
from core.domain.plans import Plan
from core.domain.recipes import Recipe, Stage
from core.engine import lr_find, outputs, suggestions, training, worker
from core.engine import range_test as curves
from core.engine.ledger import Ledger
from core.store import files, schema
from tests.engine.conftest import FakeJob, Registered, describe, fine_tune, row_of

pytestmark = pytest.mark.engine


def range_test(frame: pd.DataFrame, root: Path, folder: Path, **params: Any) -> lr_find.Test:
    """Make a range test of the small fine-tune."""
    plan = Plan(
        split_id="split-a",
        recipe=params.pop("recipe", fine_tune()),
        begins_from=params.pop("begins_from", None),
        seed=42,
    )
    asked = lr_find.Params(dataset_id="data-a", plan=plan, revision=1, **params)
    return lr_find.Test(params=asked, frame=frame, root=root, folder=folder)


def test_a_range_test_has_the_values_of_plain_lr_find(
    frame: pd.DataFrame, photos: Path, tmp_path: Path
) -> None:
    setting = plain_fastai.Setting(pretrained=False, presize=40, size=32, batch_size=8)
    learn = plain_fastai.learner(frame, photos, setting)
    learn.path = tmp_path
    learn.freeze()
    plain_fastai.seed_again(learn, 42)
    kept = curves.Points()

    plain = learn.lr_find(
        num_it=30, show_plot=False, suggest_funcs=(minimum, steep, valley, slide)
    )
    ours = lr_find.find(range_test(frame, photos, tmp_path, num_it=30), kept, FakeJob())

    assert [lr for lr, _, _ in kept.all()] == learn.recorder.lrs
    assert [smooth for _, _, smooth in kept.all()] == [float(x) for x in learn.recorder.losses]
    assert [each["lr"] for each in ours] == list(plain)
    assert [each["name"] for each in ours] == ["minimum/10", "steepest", "valley", "slide"]


def test_a_suggestion_that_cannot_be_given_says_why() -> None:
    found = suggestions.suggest([10.0**-n for n in range(20, 0, -1)], [1.0] * 20, n_asked=20)

    slid = found[3]
    assert slid["lr"] is None
    assert slid["why_not"] == "It needs 16 points, and the test has 13 usable."
    assert found[0]["lr"] is not None


def test_no_points_give_no_suggestions_and_no_error() -> None:
    found = suggestions.suggest([], [], n_asked=100)

    assert [each["lr"] for each in found] == [None] * 4
    assert all(each["why_not"] for each in found)


def test_losses_after_the_first_nan_are_left_out() -> None:
    lrs = [1e-5 * 1.2**n for n in range(60)]
    falling = [3.0 - 0.04 * n for n in range(60)]
    broken = [*falling[:40], *[float("nan")] * 20]

    whole = suggestions.suggest(lrs[:45], falling[:45], n_asked=0)
    cut = suggestions.suggest(lrs, broken, n_asked=0)

    assert cut == whole


def test_a_range_test_of_a_task_fills_its_row(registered: Registered) -> None:
    plan = registered.plan(fine_tune()).model_dump(mode="json")
    registered.queue_task("task-a", "lr_find", {"plan": plan, "revision": 1, "num_it": 20})

    worker.work_on("task", "task-a")

    task, found = row_of(schema.tasks, "task-a"), row_of(schema.lr_finds, "task-a")
    assert (task["status"], task["error"]) == ("finished", None)
    assert len(found["points"]) == 20
    assert found["points"][0][0] == pytest.approx(1e-7)
    assert [each["name"] for each in found["suggestions"]][2] == "valley"


def test_a_range_test_stops_when_asked(frame: pd.DataFrame, photos: Path, tmp_path: Path) -> None:
    kept = curves.Points()

    lr_find.find(range_test(frame, photos, tmp_path), kept, FakeJob(stop_after=4))

    assert len(kept.all()) == 4


def statistics_seen(learn: Learner) -> list[float]:
    """Give the mean that the valid images of a learner are normalised with."""
    (normalise,) = (each for each in learn.dls.valid.after_batch.fs if isinstance(each, Normalize))
    return normalise.mean.flatten().tolist()


def test_weights_of_a_run_are_tested_at_the_plans_start_or_unfrozen_with_its_statistics(
    frame: pd.DataFrame, photos: Path, tmp_path: Path
) -> None:
    recipe = fine_tune(normalisation="dataset", stages=(Stage(train="head", epochs=1, lr=1e-2),))
    training.train(describe(frame, photos, recipe), Ledger("run-a"), FakeJob())
    facts = outputs.load_facts("run-a")
    files.write_json(files.run_model("run-a"), {**facts, "mean": [0.25, 0.5, 0.75]})
    on = {"frame": frame, "root": photos, "folder": tmp_path, "recipe": recipe}

    begun = lr_find._learner(range_test(**on, begins_from="run-a"), FakeJob())
    whole = lr_find._learner(range_test(**on, run_id="run-a"), FakeJob())

    trained = load_file(files.run_weights("run-a"))
    for learn in (begun, whole):
        held = learn.model.state_dict()
        assert all(torch.equal(trained[name], held[name]) for name in trained)
        assert statistics_seen(learn) == [0.25, 0.5, 0.75]
    assert (begun.opt.frozen_idx, whole.opt.frozen_idx) == (2, 0)


@pytest.mark.parametrize("beginning", [{"run_id": "run-a"}, {"begins_from": "run-a"}])
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"arch": "xresnet18"}, "has weights of squeezenet1_0, and the recipe's network"),
        ({"concat_pool": False}, "has concat pooling, and the recipe's has not"),
        ({"head_dropout": 0.0}, "has layers of dropout, and the recipe's has none"),
    ],
)
def test_weights_of_another_network_or_head_are_refused(
    frame: pd.DataFrame,
    photos: Path,
    tmp_path: Path,
    beginning: dict[str, str],
    changes: dict[str, Any],
    said: str,
) -> None:
    left_behind(fine_tune())
    other = range_test(frame, photos, tmp_path, recipe=fine_tune(**changes), **beginning)

    with pytest.raises(RecipeError, match=said):
        lr_find.find(other, curves.Points(), FakeJob())


def test_a_run_that_begins_with_weights_of_other_classes_is_refused(
    frame: pd.DataFrame, photos: Path
) -> None:
    left_behind(fine_tune(), classes=("blue", "green", "yellow"))
    description = describe(frame, photos, fine_tune(), run_id="run-b", begins_from="run-a")

    with pytest.raises(RecipeError, match="only one of them has red, yellow"):
        training.train(description, Ledger("run-b"), FakeJob())


def left_behind(recipe: Recipe, classes: tuple[str, ...] = ("blue", "green", "red")) -> None:
    """Write what says of which network and classes the weights of a run are."""
    facts = {"classes": list(classes), "recipe": recipe.model_dump(mode="json")}
    files.write_json(files.run_model("run-a"), {**facts, "mean": None, "std": None})


def test_a_point_without_a_finite_loss_is_not_kept() -> None:
    points = curves.Points()

    points.add(0.1, float("nan"), 1.0)
    points.add(0.2, 1.0, float("inf"))
    points.add(0.3, 1.0, 1.0)

    assert points.all() == ((0.3, 1.0, 1.0),)


def test_a_rate_from_a_curve_that_hardly_falls_is_doubted() -> None:
    rates = [1e-4, 1e-3, 1e-2]
    found = {"name": "valley", "suggestions": ()}

    flat = curves.Found(lr=1e-3, points=tuple((lr, 1.0, 1.0) for lr in rates), **found)
    steep = curves.Found(lr=1e-3, points=tuple((lr, 1.0, 1e-3 / lr) for lr in rates), **found)

    assert "hardly fell" in str(flat.doubt)
    assert steep.doubt is None
