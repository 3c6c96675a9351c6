"""The audit as a task: what it leaves in the store, without a network and with one."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
import torch

from core.datasets import edits, suspicion
from core.domain.errors import WeightsMissingError
from core.engine import audit, weights
from core.engine.audit import mapping, material, neighbours, seeing, steps
from core.engine.audit.steps import Steps, Stopped
from core.store import database, files, frames, jobs, schema
from tests.engine.conftest import FakeJob, Registered, fine_tune, row_of

pytestmark = pytest.mark.engine

N_PHOTOS = 45
PARAMS = audit.Params(dataset_id="data-a", arch="squeezenet1_0")


@pytest.fixture
def without_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no network's weights here, and none to be downloaded."""

    def missing(arch: str) -> None:
        raise WeightsMissingError(f"The weights of {arch} are not here.")

    monkeypatch.setattr(weights, "ensure", missing)


@pytest.fixture
def small_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at 32 pixels with a network of random weights, the same ones each time."""

    def small(_arch: str) -> Any:
        torch.manual_seed(0)
        return fine_tune(presize_px=32)

    monkeypatch.setattr(seeing, "recipe", small)


@pytest.fixture
def sized(registered: Registered) -> Registered:
    """Give the photos in the store the sizes that they have."""
    with database.writing() as connection:
        connection.execute(sa.update(schema.items).values(width_px=52, height_px=40))
    return registered


def mislabel(item_id: int, label: str) -> None:
    change = sa.update(schema.items).where(schema.items.c.id == item_id).values(label=label)
    with database.writing() as connection:
        connection.execute(change)


def test_an_audit_without_weights_goes_by_pixels_finds_a_wrong_label_and_says_so(
    sized: Registered, without_weights: None
) -> None:
    wrong = 1000 + 7 * 4  # a blue one, in train
    mislabel(wrong, "red")

    sized.queue_task("task-a", "audit", {"arch": "squeezenet1_0"})
    with jobs.Lease(schema.tasks, "task-a") as lease:
        audit.run(lease)

    row = row_of(schema.tasks, "task-a")
    scores = frames.load(files.audit_scores("data-a")).set_index("item_id")
    assert row["status"] == "finished"
    assert row["result"]["arch"] == "pixels"
    assert row["result"]["n_items"] == N_PHOTOS
    assert row["result"]["notes"] == [
        "The weights of squeezenet1_0 are not here. So images were compared by their colours at "
        "16 px."
    ]
    assert {"labels", "features", "map"} <= set(row["result"]["seconds"])
    assert scores["oof_loss"].idxmax() == wrong
    assert scores["pred"][wrong] == "blue"
    assert suspicion.scores("data-a")["source"].unique().tolist() == ["oof"]
    query = sa.select(schema.findings).where(schema.findings.c.finder == "labels")
    with database.reading() as connection:
        told = {found.item_id: found for found in connection.execute(query)}
    assert (told[wrong].kind, told[wrong].label) == ("mislabelled", "blue")
    assert row["result"]["n_found"]["labels"] == len(told)


def test_an_audit_with_a_network_writes_neighbours_and_a_map_of_all_items(
    sized: Registered, small_network: None
) -> None:
    result = audit.audit(PARAMS, FakeJob())

    near = frames.load(files.audit_neighbours("data-a"))
    shown = frames.load(files.audit_map("data-a"))
    assert result["arch"] == "squeezenet1_0"
    assert near.groupby("item_id").size().tolist() == [neighbours.N_NEAREST] * N_PHOTOS
    assert not (near["item_id"] == near["neighbour_id"]).any()
    falls = near.groupby("item_id")["similarity"].diff().dropna() <= 0
    assert falls.all()
    assert sorted(shown["item_id"]) == sorted(near["item_id"].unique())
    assert np.isfinite(shown[["x", "y"]].to_numpy()).all()


def test_the_next_audit_says_the_same_and_keeps_the_map_where_no_image_is_new(
    sized: Registered, small_network: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    sized.queue_task("task-a", "audit", {"arch": "squeezenet1_0"})
    with jobs.Lease(schema.tasks, "task-a") as lease:
        audit.run(lease)
    before = frames.load(files.audit_scores("data-a"))
    laid: list[int] = []
    monkeypatch.setattr(mapping, "layout", lambda rows: laid.append(len(rows)))

    audit.audit(PARAMS, FakeJob())
    same = frames.load(files.audit_scores("data-a"))
    edits.apply("data-a", operation_id="e", kind="exclude", item_ids=[1007], label=None)
    audit.audit(PARAMS, FakeJob())

    pd.testing.assert_frame_equal(before, same)
    assert laid == []
    assert len(frames.load(files.audit_scores("data-a"))) == N_PHOTOS - 1


class StopsAt(FakeJob):
    """A job that is stopped as soon as a message says a word."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self._word = word

    def should_stop(self) -> bool:
        return any(self._word in said.get("message", "") for said in self.reports)


@pytest.mark.parametrize("word", ["copies", "pixels", "heads", "nearest"])
def test_an_audit_stops_at_any_step(sized: Registered, without_weights: None, word: str) -> None:
    with pytest.raises(Stopped):
        audit.audit(PARAMS, StopsAt(word))

    assert not files.audit_map("data-a").exists()


def test_a_dataset_without_a_split_teaches_with_all_of_it(sized: Registered) -> None:
    with database.writing() as connection:
        connection.execute(sa.delete(schema.assignments))
        connection.execute(sa.delete(schema.splits))

    given = material.load("data-a")

    assert given.split_id is None
    assert given.items["part"].unique().tolist() == ["train"]
    assert given.items["path"].is_monotonic_increasing


def test_what_remains_is_the_step_and_all_later_ones_and_the_bar_never_goes_back() -> None:
    job = FakeJob()
    told = Steps(job, {"one": 4.0, "two": 5.0, "three": 6.0})

    with told.step("one", "first") as step:
        step.report(remaining_seconds=1.0)
        step.report(remaining_seconds=100.0, progress_done=7, progress_total=9)

    assert job.reports[0]["message"] == "first"
    assert job.reports[0]["remaining_seconds"] == pytest.approx(15.0, abs=0.1)
    assert job.reports[1]["remaining_seconds"] == pytest.approx(12.0)
    assert job.reports[2]["progress_total"] == steps.WHOLE
    done = [said["progress_done"] for said in job.reports]
    assert done == sorted(done)
    assert list(told.seconds) == ["one"]


def test_a_map_of_many_items_puts_most_beside_the_nearest_of_those_it_lays_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draw = np.random.default_rng(0)
    centres = draw.normal(size=(2, 8)) * 5
    features = (centres[np.arange(200) % 2] + draw.normal(size=(200, 8))).astype(np.float32)
    monkeypatch.setattr(mapping, "MOST_FITTED", 60)

    points = mapping.layout(features)

    middles = [points[at::2].mean(axis=0) for at in range(2)]
    apart = np.linalg.norm(points[:, None] - np.array(middles), axis=-1).argmin(axis=1)
    assert points.shape == (200, 2)
    assert (apart == np.arange(200) % 2).mean() > 0.95
    assert np.array_equal(points, mapping.layout(features))


@pytest.mark.parametrize("n_items", [0, 1, 2, 3, 9, 12])
def test_a_map_of_few_items_has_a_point_an_item(n_items: int) -> None:
    features = np.random.default_rng(0).normal(size=(n_items, 6)).astype(np.float32)

    points = mapping.layout(features)

    assert points.shape == (n_items, 2)
    assert np.isfinite(points).all()
