"""What a run leaves behind: rows, files, losses by item; and how it stops."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from safetensors.torch import load_file

from core.datasets import catalog
from core.engine import outputs, training, worker
from core.engine.ledger import Ledger
from core.store import database, files, frames, schema
from tests.engine.conftest import FakeJob, Registered, describe, fine_tune, row_of

pytestmark = pytest.mark.engine


def count(table: sa.Table) -> int:
    """Count the rows of a table."""
    with database.reading() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def test_a_finished_run_has_its_description_and_its_metrics_in_its_row(
    registered: Registered,
) -> None:
    registered.queue_run("run-a", fine_tune())

    worker.work_on("run", "run-a")

    row = row_of(schema.runs, "run-a")
    frame = catalog.items_at("data-a", revision=1, split_id="split-a")
    assert (row["status"], row["error"]) == ("finished", None)
    assert (row["n_train"], row["n_valid"]) == (30, 15)
    assert row["fingerprint"] == catalog.fingerprint(frame)
    assert row["environment"]["fastai"] == "2.8.12"
    assert row["environment"]["n_torch_threads"] >= 1
    assert set(row["metrics"]) == {"train_loss", "valid_loss", "accuracy", "error_rate"}
    assert row["metrics"]["accuracy"] == pytest.approx(1 - row["metrics"]["error_rate"])
    assert (row["progress_done"], row["progress_total"]) == (9, 9)


def test_the_steps_of_a_finished_run_move_from_the_database_into_a_file(
    registered: Registered,
) -> None:
    registered.queue_run("run-a", fine_tune())

    worker.work_on("run", "run-a")

    assert count(schema.steps) == 0
    assert frames.load(files.run_steps("run-a"))["step"].tolist() == list(range(9))
    assert len(frames.load(files.run_thin_steps("run-a"))) == 9


def test_stages_and_epochs_have_a_row_each(registered: Registered) -> None:
    registered.queue_run("run-a", fine_tune())

    worker.work_on("run", "run-a")

    with database.reading() as connection:
        stages = connection.execute(sa.select(schema.stages).order_by("stage")).all()
        epochs = connection.execute(sa.select(schema.epochs).order_by("epoch")).all()
    assert [stage.n_batches for stage in stages] == [3, 3]
    assert stages[0].n_params_trained < stages[0].n_params == stages[1].n_params_trained
    assert [(row.epoch, row.stage, row.last_step) for row in epochs] == [
        (0, 0, 2),
        (1, 1, 5),
        (2, 1, 8),
    ]


def test_the_losses_of_the_items_of_a_batch_average_to_its_step_loss(
    frame: pd.DataFrame, photos: Path
) -> None:
    ledger = Ledger("run-a")

    training.train(describe(frame, photos, fine_tune()), ledger, FakeJob())

    seen = frames.load(files.run_train_losses("run-a"))
    by_batch = seen["loss"].to_numpy().reshape(9, 8).mean(axis=1)
    assert by_batch == pytest.approx(ledger.steps()["loss"], rel=1e-5)


def test_every_train_item_is_seen_at_most_once_an_epoch_and_no_valid_item_is(
    frame: pd.DataFrame, photos: Path
) -> None:
    training.train(describe(frame, photos, fine_tune(n_workers=2)), Ledger("run-a"), FakeJob())

    seen = frames.load(files.run_train_losses("run-a"))
    train_ids = set(frame.loc[frame["part"] == "train", "item_id"])
    assert not seen.duplicated(["epoch", "item_id"]).any()
    assert set(seen["item_id"]) <= train_ids
    assert sorted(set(seen["epoch"])) == [0, 1, 2]


def test_the_predictions_on_valid_give_the_reported_accuracy_and_loss(
    frame: pd.DataFrame, photos: Path
) -> None:
    described = describe(frame, photos, fine_tune())

    outcome = training.train(described, Ledger("run-a"), FakeJob())

    seen = frames.load(files.run_predictions("run-a"))
    valid = frame[frame["part"] == "valid"]
    assert seen["item_id"].tolist() == valid["item_id"].tolist()
    assert seen["label"].tolist() == valid["label"].tolist()
    assert (seen["label"] == seen["pred"]).mean() == pytest.approx(outcome.metrics["accuracy"])
    assert seen["loss"].mean() == pytest.approx(outcome.metrics["valid_loss"], rel=1e-5)
    assert seen[["p_0", "p_1", "p_2"]].sum(axis=1).to_numpy() == pytest.approx(1.0)


def test_the_model_file_says_how_to_build_and_feed_the_model(
    frame: pd.DataFrame, photos: Path
) -> None:
    training.train(describe(frame, photos, fine_tune()), Ledger("run-a"), FakeJob())

    facts = json.loads(files.run_model("run-a").read_text())
    weights = load_file(files.run_weights("run-a"))
    assert facts["arch"] == "squeezenet1_0"
    assert facts["classes"] == ["blue", "green", "red"]
    assert (facts["presize_px"], facts["size_px"]) == (40, 32)
    assert facts["mean"] == [0.485, 0.456, 0.406]
    assert all(np.isfinite(each.numpy()).all() for each in weights.values())


def test_top_5_accuracy_is_reported_from_six_classes(
    tmp_path: Path, frame: pd.DataFrame, photos: Path
) -> None:
    split_colours = frame.assign(
        label=[f"{row.label} {index % 2}" for index, row in enumerate(frame.itertuples())]
    )

    outcome = training.train(
        describe(split_colours, photos, fine_tune()), Ledger("run-a"), FakeJob()
    )

    assert outcome.metrics["top_5_accuracy"] >= outcome.metrics["accuracy"]


def test_a_stop_inside_an_epoch_measures_and_keeps_what_was_learnt(
    frame: pd.DataFrame, photos: Path
) -> None:
    ledger = Ledger("run-a")

    outcome = training.train(describe(frame, photos, fine_tune()), ledger, FakeJob(stop_after=5))

    assert outcome.status == "stopped"
    assert ledger.n_steps == 5
    assert {"train_loss", "valid_loss", "accuracy", "error_rate"} == set(outcome.metrics)
    assert len(frames.load(files.run_predictions("run-a"))) == 15
    assert len(frames.load(files.run_train_losses("run-a"))) == 5 * 8
    assert files.run_weights("run-a").exists()


def test_a_stop_at_the_end_of_an_epoch_validates_once(frame: pd.DataFrame, photos: Path) -> None:
    job, ledger = FakeJob(stop_after=3), Ledger("run-a")

    outcome = training.train(describe(frame, photos, fine_tune()), ledger, job)

    assert (outcome.status, ledger.n_steps) == ("stopped", 3)
    assert "accuracy" in outcome.metrics


def test_a_stop_before_the_first_batch_leaves_nothing(frame: pd.DataFrame, photos: Path) -> None:
    outcome = training.train(
        describe(frame, photos, fine_tune()), Ledger("run-a"), FakeJob(stop_after=0)
    )

    assert (outcome.status, outcome.metrics) == ("stopped", {})
    assert not files.run_weights("run-a").exists()


def test_a_watched_run_has_the_losses_of_a_stopped_one_up_to_the_stop(
    frame: pd.DataFrame, photos: Path
) -> None:
    whole, part = Ledger("run-a"), Ledger("run-b")
    stopped = describe(frame, photos, fine_tune(), run_id="run-b")

    training.train(describe(frame, photos, fine_tune()), whole, FakeJob())
    training.train(stopped, part, FakeJob(stop_after=5))

    assert part.steps()["loss"].tolist() == whole.steps()["loss"].tolist()[:5]


def test_progress_is_reported_with_rate_and_time_left(frame: pd.DataFrame, photos: Path) -> None:
    job = FakeJob()

    training.train(describe(frame, photos, fine_tune()), Ledger("run-a"), job)

    batches = [said for said in job.reports if "progress_done" in said]
    assert [said["progress_done"] for said in batches] == list(range(1, 10))
    assert all(said["progress_total"] == 9 for said in batches)
    assert all(said["progress_rate"] > 0 for said in batches)
    assert batches[3]["message"] == "epoch 2 of 3, batch 1 of 3"
    assert batches[-1]["remaining_seconds"] < batches[1]["remaining_seconds"]


def test_thinned_steps_keep_every_spike_and_both_ends() -> None:
    losses = np.ones(50_000)
    losses[[777, 31_313]] = 99.0, 0.01
    steps = pd.DataFrame({"step": range(50_000), "loss": losses})

    thin = outputs.thin(steps)

    assert len(thin) <= 2000
    assert {0, 777, 31_313, 49_999} <= set(thin["step"])
    assert thin["step"].is_monotonic_increasing
