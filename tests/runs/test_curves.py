import pandas as pd
import pytest
import sqlalchemy as sa

from core.domain.errors import NotFoundError
from core.runs import curves
from core.store import database, files, frames, schema
from tests import builders


@pytest.fixture
def run() -> str:
    builders.insert_dataset({"cat": ["1.jpg"], "dog": ["2.jpg"]})
    return builders.insert_run(status="running", started_at=0.0)


def insert_steps(run_id: str, losses: list[float]) -> None:
    rows = [
        {
            "run_id": run_id,
            "step": step,
            "stage": 0,
            "loss": loss,
            "smooth_loss": loss,
            "lr": 1e-3,
            "momentum": 0.9,
            "seconds": float(step),
        }
        for step, loss in enumerate(losses)
    ]
    with database.writing() as connection:
        connection.execute(sa.insert(schema.steps), rows)


def test_the_chart_gets_only_the_steps_it_does_not_have(run):
    insert_steps(run, [3.0, 2.0, 1.0])

    first = curves.get(run, since=0)
    later = curves.get(run, since=2)
    none = curves.get(run, since=3)

    assert (first["n"], first["rows"]["loss"]) == (3, [3.0, 2.0, 1.0])
    assert (later["n"], later["rows"]["step"]) == (3, [2])
    assert (none["n"], none["rows"]["step"]) == (3, [])


def test_an_ended_run_is_read_from_its_file(run):
    table = pd.DataFrame(
        {"step": [0, 1], "loss": [2.0, 1.0], "smooth_loss": [2.0, 1.5], "lr": 1.0, "momentum": 0.9}
    )
    frames.save(files.run_thin_steps(run), table)

    assert curves.get(run, since=0)["rows"]["loss"] == [2.0, 1.0]


def test_thinning_keeps_spikes_and_the_end():
    losses = [1.0] * 10_000
    losses[4321] = 50.0
    steps = pd.DataFrame({"step": range(10_000), "loss": losses})

    thin = curves.thin(steps, 500)

    assert len(thin) <= 501
    assert 50.0 in thin["loss"].tolist()
    assert thin["step"].iloc[-1] == 9_999


def test_an_unknown_run_is_told_in_a_sentence():
    with pytest.raises(NotFoundError, match="run-none"):
        curves.get("run-none", since=0)


def test_a_run_that_failed_says_so_first_and_then_what_it_did(run):
    with database.writing() as connection:
        ended = {"status": "failed", "message": "reading the first images"}
        connection.execute(sa.update(schema.runs).values(**ended))

    facts = curves.get(run, since=0)["facts"]

    assert facts[:2] == [["Status", "failed"], ["Was at", "reading the first images"]]
