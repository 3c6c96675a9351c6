import pytest
import sqlalchemy as sa

from core.runs import lr_finds, tasks
from core.store import database, schema
from tests import builders


@pytest.fixture
def task_id() -> str:
    builders.insert_dataset({"cat": ["1.jpg"], "dog": ["2.jpg"]})
    return tasks.start("lr_find", dataset_id="d-1", key="lr-1").id


def update(task_id: str, **columns: object) -> None:
    mine = sa.update(schema.tasks).where(schema.tasks.c.id == task_id)
    with database.writing() as connection:
        connection.execute(mine.values(**columns))


def test_a_range_test_under_way_says_how_long_it_still_takes(task_id):
    update(task_id, status="running", progress_done=40, progress_total=100, remaining_seconds=42.0)

    said = lr_finds.points(task_id, since=0)

    assert ["Batch", "40 of 100"] in said["facts"]
    assert ["Left, at most", "42 s"] in said["facts"]
    assert not said["done"]


def test_one_that_has_ended_promises_nothing_more(task_id):
    update(task_id, status="finished", progress_done=92, remaining_seconds=6.0)

    said = lr_finds.points(task_id, since=0)

    assert said["facts"] == [["Status", "finished"], ["Batch", "92 of 100"]]
    assert said["done"]
