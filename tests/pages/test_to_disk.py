"""The tab where edits go to disk, rendered without a browser."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from core.datasets import applying, catalog, edits, splits, worker
from core.datasets.applying import running
from core.domain.items import Dataset
from core.runs import disk, processes, tasks
from core.store import database, jobs, schema
from tests import builders
from tests.datasets import shelves
from tests.pages.test_data_pages import sound

SCRIPT = """
import streamlit as st
from core.datasets import catalog
from pages.parts import errors
from pages.parts.audit import to_disk

with errors.boundary():
    to_disk.show(catalog.list_datasets()[0])
"""


@pytest.fixture(autouse=True)
def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "start", lambda *_, **__: None)


def opened() -> AppTest:
    return AppTest.from_string(SCRIPT, default_timeout=30).run()


def work(task_id: str) -> None:
    """Do a task as its process would."""
    task = tasks.get(task_id)
    with jobs.Lease(schema.tasks, task_id) as lease:
        worker.WORK[task.kind](lease, task.params)


def said(at: AppTest) -> str:
    every = (*at.markdown, *at.caption, *at.info, *at.success)
    return " ".join(one.value for one in every).replace("\\", "")


def keys(at: AppTest) -> set[str]:
    return {one.key for one in at.button}


def decide(dataset: Dataset) -> None:
    ids = shelves.by_path(dataset.id)
    ours = {"dataset_id": dataset.id}
    edits.apply(**ours, operation_id="1", kind="exclude", item_ids=[ids["cat/000.png"]])
    edits.apply(
        **ours, operation_id="2", kind="relabel", item_ids=[ids["cat/001.png"]], label="dog"
    )


def test_without_edits_there_is_nothing_to_apply(pets: Dataset) -> None:
    at = opened()

    assert sound(at)
    assert "Nothing to apply" in said(at)
    assert "disk-apply-ask" not in keys(at)


def test_edits_are_shown_confirmed_applied_and_taken_back(pets: Dataset) -> None:
    decide(pets)
    root = Path(pets.root)

    at = opened()
    assert "1 excluded file** can go into the trash; **1 relabelled file" in said(at)
    table = next(one.value for one in at.dataframe if "to" in one.value.columns)
    assert list(table["to"]) == [".winnow-trash/…/cat/000.png", "dog/001-2.png"]
    at.button(key="disk-apply-ask").click().run()
    assert disk.find_apply(pets.id) is None
    at.button(key="disk-apply-yes").click().run()
    task = disk.find_apply(pets.id)
    assert task is not None
    work(task.id)

    at = opened()
    assert sound(at)
    assert "Applied: 1 file moved into the trash, 1 into other class folders" in said(at)
    assert (root / "dog" / "001-2.png").is_file()
    assert "Edits undone from now on do not move files back" in said(at)
    assert "disk-apply-ask" not in keys(at)
    at.button(key="disk-back").click().run()
    work(disk.find_apply(pets.id).id)

    at = opened()
    assert sound(at)
    assert "Taken back: 2 files moved back" in said(at)
    assert (root / "cat" / "000.png").is_file()
    assert "disk-back" not in keys(at)
    assert "disk-apply-ask" in keys(at)


def test_what_was_stopped_or_killed_can_be_finished_or_taken_back(pets: Dataset) -> None:
    decide(pets)
    running.apply(pets.id, shelves.Lease(stop_after=1), revision=catalog.get(pets.id).revision)

    at = opened()

    assert sound(at)
    assert "Applying was not finished" in said(at)
    assert "1 file moved, 1 file not moved yet." in said(at)
    assert {"disk-finish", "disk-back"} <= keys(at)
    at.button(key="disk-finish").click().run()
    work(disk.find_apply(pets.id).id)
    assert applying.find_open(pets.id) is None
    assert applying.plan(pets.id).moves == ()


def test_files_that_cannot_be_taken_back_are_named_tried_again_and_left(pets: Dataset) -> None:
    decide(pets)
    result = running.apply(pets.id, shelves.Lease(), revision=catalog.get(pets.id).revision)
    (thrown,) = Path(pets.root).glob(".winnow-trash/*/cat/000.png")
    thrown.unlink()
    work(disk.take_back(pets.id, result["application_id"]).id)

    at = opened()
    assert sound(at)
    assert "**1 file** not brought back. Each is named above" in said(at)
    table = next(one.value for one in at.dataframe if "why" in one.value.columns)
    assert list(table["why"]) == ["is not there any more"]
    at.button(key="disk-finish").click().run()
    work(disk.find_apply(pets.id).id)

    at = opened()
    assert "Applied" not in said(at)
    assert next(one for one in at.button if one.key == "disk-leave").label == (
        "Leave this file where it is"
    )
    at.button(key="disk-leave").click().run()
    assert sound(at)
    assert applying.find_standing(pets.id) is None
    assert not {"disk-leave", "disk-finish"} & keys(at)


def test_a_run_queued_between_the_check_and_the_move_ends_it_in_a_sentence(pets: Dataset) -> None:
    decide(pets)
    split = splits.make(pets.id)
    task = disk.apply(pets.id, revision=catalog.get(pets.id).revision)
    builders.insert_run("Fast", dataset_id=pets.id, split_id=split.id, status="queued")

    with pytest.raises(disk.ConflictError, match="The run Fast is under way on the dataset pets"):
        work(task.id)

    assert Path(pets.root, "cat", "000.png").is_file()
    assert not Path(pets.root, applying.TRASH).exists()
    assert applying.find_standing(pets.id) is None


def test_a_run_of_a_dataset_inside_keeps_files_where_they_are(pets: Dataset) -> None:
    decide(pets)
    builders.insert_dataset({"cat": ["1.jpg"]})
    with database.writing() as connection:
        inside = sa.update(schema.datasets).where(schema.datasets.c.id == "d-1")
        connection.execute(inside.values(root=f"{pets.root}/cat"))
    builders.insert_run("Fast", status="running")

    with pytest.raises(disk.ConflictError, match="The run Fast is under way on the dataset Pets"):
        disk.apply(pets.id, revision=catalog.get(pets.id).revision)

    assert disk.find_apply(pets.id) is None


def test_while_a_run_reads_the_files_nothing_is_moved(pets: Dataset) -> None:
    decide(pets)
    with database.writing() as connection:
        row = {"id": "task-1", "kind": "audit", "dataset_id": pets.id, "params": {}}
        connection.execute(sa.insert(schema.tasks).values(**row, status="running", created_at=1.0))

    with pytest.raises(
        disk.ConflictError, match=r"A task \(audit\) is under way on the dataset pets"
    ):
        disk.apply(pets.id, revision=catalog.get(pets.id).revision)

    assert disk.find_apply(pets.id) is None


def test_classes_that_are_no_folders_get_a_table_and_files_stay(pets: Dataset) -> None:
    decide(pets)
    pattern = {"kind": "pattern", "pattern": "(.)", "on": "path"}
    with database.writing() as connection:
        connection.execute(sa.update(schema.datasets).values(labeller=pattern))

    at = opened()
    assert "1 relabelled image** can be written into a corrected table" in said(at)
    at.checkbox(key="disk-beside").check().run()
    at.button(key="disk-apply-ask").click().run()
    at.button(key="disk-apply-yes").click().run()
    work(disk.find_apply(pets.id).id)

    at = opened()
    assert sound(at)
    assert "8 rows, 1 with another label than before, 1 left out" in said(at)
    assert len(at.get("download_button")) == 1
    table = Path(pets.root, "labels-corrected.csv").read_text(encoding="utf-8")
    assert "cat/001.png,dog" in table
    assert "cat/000.png" not in table
    assert Path(pets.root, "cat", "000.png").is_file()


def test_a_copy_and_a_table_are_started_followed_and_offered(
    pets: Dataset, tmp_path: Path
) -> None:
    at = opened()
    at.text_input(key="disk-copy-folder").set_value(str(tmp_path / "clean"))
    at.button(key="disk-copy-start").click().run()
    work(disk.find_copy(pets.id).id)
    at.button(key="disk-items-csv-start").click().run()
    work(disk.find_items(pets.id, "csv").id)

    at = opened()

    assert sound(at)
    assert f"Written: 9 files in {tmp_path}/clean" in said(at)
    assert "9 rows" in said(at)
    (button,) = at.get("download_button")
    assert button.proto.label.startswith("Download · ")


def test_a_folder_that_is_refused_is_told_and_starts_nothing(pets: Dataset) -> None:
    at = opened()
    at.text_input(key="disk-copy-folder").set_value("clean")

    at.button(key="disk-copy-start").click().run()

    assert "is not a full path" in at.error[0].value.replace("\\", "")
    assert disk.find_copy(pets.id) is None
