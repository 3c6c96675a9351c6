"""Which measurements of a run are drawn, and what a person reads of them."""

import sqlalchemy as sa

from core.domain.recipes import MULTI_LABEL_METRICS, SINGLE_LABEL_METRICS, KeepBest
from core.runs import runs
from core.store import database, schema
from pages.parts import run_metrics
from tests import builders

SIX = {name: ["a.jpg", "b.jpg"] for name in ("ant", "bee", "cat", "dog", "elk", "fox")}


def insert_run(**columns: object):
    builders.insert_run("run-1", status="running", **columns)
    return runs.get("run-1")


def recipe_with(**changes: object):
    return builders.RECIPE.model_copy(update=changes).model_dump(mode="json")


def test_the_usual_curves_of_a_run_have_top_5_where_its_classes_are_six(home):
    builders.insert_dataset(SIX)
    whole = insert_run()

    fewer = builders.insert_run("run-2", subset={"per_class": None, "classes": list(SIX)[:5]})

    assert run_metrics.drawn(whole) == ("accuracy", "top_5_accuracy")
    assert run_metrics.drawn(runs.get(fewer)) == ("accuracy",)


def test_the_curve_of_any_k_is_asked_for_by_the_name_that_is_measured(home):
    builders.insert_dataset(SIX)
    chosen = ("top_k_accuracy", "log_loss")

    run = insert_run(
        recipe=recipe_with(metrics=chosen, top_k=3, keep_best=KeepBest(metric="cohen_kappa"))
    )

    assert run_metrics.drawn(run) == ("top_k_accuracy", "cohen_kappa")


def test_what_a_run_has_measured_is_drawn_whatever_its_dataset_has_become(home):
    builders.insert_dataset({"cat": ["a.jpg"], "dog": ["b.jpg"]})
    run = insert_run()
    measured = {"accuracy": 0.5, "error_rate": 0.5, "top_5_accuracy": 0.9}
    numbers = dict.fromkeys(("train_loss", "valid_loss", "seconds", "images_per_second"), 1.0)
    epoch = {"run_id": "run-1", "epoch": 0, "stage": 0, "last_step": 3, "metrics": measured}
    with database.writing() as connection:
        connection.execute(sa.insert(schema.epochs).values(**epoch, **numbers))

    drawn = run_metrics.drawn(run)

    assert drawn == ("accuracy", "top_5_accuracy")


def test_every_metric_of_a_recipe_has_a_name():
    unnamed = [
        one
        for one in (*SINGLE_LABEL_METRICS, *MULTI_LABEL_METRICS)
        if run_metrics.name(one) == one
    ]

    assert unnamed == []
