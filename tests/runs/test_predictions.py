"""Predictions of a run's model: started, found, tidied, ranked, scored and taken away."""

import csv
import dataclasses
import io
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from core.datasets import catalog
from core.domain.errors import FolderError, InputError, NotFoundError
from core.domain.recipes import Tta
from core.domain.runs import Task
from core.review import unsure
from core.runs import devices, dispatcher, executor, hosts, predictions, tasks
from core.store import clock, database, files, frames, schema
from tests import builders

CLASSES = ["cat", "dog", "owl"]


@pytest.fixture
def run_id() -> str:
    builders.insert_dataset({"cat": ["a.jpg", "b.jpg"], "dog": ["c.jpg"]})
    builders.insert_run("run-1")
    leave_model("run-1")
    return "run-1"


def leave_model(run_id: str) -> None:
    files.write_json(files.run_model(run_id), {"classes": CLASSES})
    files.write_bytes(files.run_weights(run_id), b"weights")


def end(task: Task, status: str = "finished") -> None:
    """End a task as its worker would."""
    mine = sa.update(schema.tasks).where(schema.tasks.c.id == task.id)
    with database.writing() as connection:
        connection.execute(mine.values(status=status, finished_at=clock.now()))


def leave_table(task_id: str, rows: list[tuple[object, ...]], **about: object) -> None:
    """Leave predictions as the engine does: path, label, reason and three probabilities a row."""
    plain = {
        "run_id": "run-1",
        "classes": CLASSES,
        "is_multi": False,
        "threshold": None,
        "folder": "/photos",
        "tta": None,
        "ignored": {},
    }
    files.write_json(files.prediction_about(task_id), {**plain, **about})
    frame = pd.DataFrame(rows, columns=["path", "label", "reason", "p_0", "p_1", "p_2"])
    values = frame[["p_0", "p_1", "p_2"]].to_numpy(dtype=float)
    read = frame["reason"].isna()
    best = np.nan_to_num(values).argmax(axis=1)
    frame["pred"] = [CLASSES[at] if fine else None for at, fine in zip(best, read, strict=True)]
    frame["p_pred"] = values.max(axis=1)
    own = [CLASSES.index(row[1]) if row[1] else 0 for row in rows]
    ranks = (values > values[np.arange(len(own)), own][:, None]).sum(axis=1)
    frame["label_rank"] = pd.array(ranks, dtype="Int32")
    frame["content_hash"] = "ab" * 16
    for name in ("path", "label", "reason", "pred", "content_hash"):
        frame[name] = frame[name].astype("string")
    number = len(files.prediction_parts(task_id))
    frames.save(files.prediction_part(task_id, number), frame)


def test_only_runs_that_left_weights_can_predict(run_id):
    builders.insert_run("run-2", status="failed")

    models = predictions.list_models("d-1")

    assert [run.id for run in models] == ["run-1"]
    with pytest.raises(NotFoundError, match="run-2 has left no model"):
        predictions.of_folder("run-2", str(Path.cwd()))


def test_a_second_click_joins_the_first_and_other_views_are_another_prediction(run_id, tmp_path):
    first = predictions.of_folder(run_id, str(tmp_path))
    again = predictions.of_folder(run_id, str(tmp_path))
    varied = predictions.of_folder(run_id, str(tmp_path), views=Tta(n=2, beta=0.5))

    assert again.id == first.id
    assert varied.id != first.id
    assert varied.params["tta"] == {"n": 2, "beta": 0.5}
    assert [task.id for task in predictions.list_kept("d-1")] == [varied.id, first.id]


def test_a_folder_that_is_not_there_is_refused_before_a_task_is_made(run_id):
    with pytest.raises(FolderError, match="does not exist"):
        predictions.of_folder(run_id, "/no/such/folder")

    assert predictions.list_kept("d-1") == []


def test_predictions_start_beside_a_run_two_at_a_time(run_id, tmp_path, monkeypatch):
    started: list[str] = []
    monkeypatch.setattr(executor, "start", lambda kind, job_id, **_more: started.append(job_id))
    monkeypatch.setattr(hosts, "is_ready", lambda: True)
    monkeypatch.setattr(devices, "list_devices", lambda: ("cpu",))
    builders.insert_run("run-busy", status="running", device="cpu")
    wanted = [predictions.of_folder(run_id, str(tmp_path), views=Tta(n=n)) for n in (1, 2, 3)]
    export = tasks.start("export", dataset_id="d-1", key="export:run-1")

    dispatcher.step()

    assert sorted(started) == sorted([wanted[0].id, wanted[1].id, export.id])


def test_uploads_are_kept_under_harmless_names_of_their_own(run_id):
    given = [("../../a.jpg", io.BytesIO(b"one")), ("A.jpg", io.BytesIO(b"two"))]

    task = predictions.of_uploads(run_id, given)

    folder = Path(task.params["folder"])
    kept = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert folder.parent == files.uploads_folder()
    assert kept == {"a.jpg": b"one", "A (2).jpg": b"two"}
    assert predictions.source(task) == "uploaded images"


def test_no_uploads_and_too_many_are_refused(run_id, monkeypatch):
    monkeypatch.setattr(predictions, "MOST_UPLOADS", 1)
    two = [("a.jpg", io.BytesIO(b"one")), ("b.jpg", io.BytesIO(b"two"))]

    with pytest.raises(InputError, match="No image was chosen"):
        predictions.of_uploads(run_id, [])
    with pytest.raises(InputError, match="2 images are more than the 1"):
        predictions.of_uploads(run_id, two)

    assert not files.uploads_folder().exists()


def test_the_newest_predictions_are_kept_and_older_ones_go_with_their_uploads(run_id, monkeypatch):
    monkeypatch.setattr(predictions, "MOST_KEPT", 1)
    made = []
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        task = predictions.of_uploads(run_id, [(name, io.BytesIO(b"x"))])
        leave_table(task.id, [("a.jpg", None, None, 0.5, 0.3, 0.2)])
        end(task)
        made.append(task)

    predictions.tidy()

    assert [task.id for task in predictions.list_kept("d-1")] == [made[2].id]
    assert [Path(task.params["folder"]).exists() for task in made] == [False, False, True]
    assert unsure.load(made[0].id) is None


def test_what_an_archive_was_unpacked_to_goes_unless_it_is_a_dataset_now(
    run_id, tmp_path, monkeypatch
):
    monkeypatch.setattr(predictions, "MOST_KEPT", 0)
    archive = tmp_path / "new.zip"
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("cat/1.jpg", b"image")
    first = predictions.of_archive(run_id, str(archive))
    end(first)
    second = predictions.of_archive(run_id, str(archive), views=Tta())
    end(second)
    folders = [files.import_folder(task.params["import_id"]) for task in (first, second)]
    for folder in folders:
        (folder / "cat").mkdir(parents=True)
    catalog.open_folder(str(folders[1]))

    predictions.tidy()

    assert [folder.exists() for folder in folders] == [False, True]
    assert archive.exists()


def test_a_map_is_asked_for_once_and_given_when_it_is_there(run_id, tmp_path):
    task = predictions.of_folder(run_id, str(tmp_path))
    leave_table(task.id, [("a.jpg", None, None, 0.5, 0.3, 0.2)])

    first = predictions.request_cam(task, "a.jpg", chosen="owl")
    again = predictions.request_cam(task, "a.jpg", chosen="owl")
    asked = tasks.find_by_key(first.key)
    files.write_json(files.preview_folder(first.key) / "result.json", {"class": "owl"})
    made = predictions.request_cam(task, "a.jpg", chosen="owl")

    assert (first.result, again) == (None, first)
    assert asked.params["path"] == "a.jpg"
    assert made.result == {"class": "owl"}
    assert predictions.find(asked.id) is None
    assert predictions.find(task.id).id == task.id


def test_a_map_of_an_image_of_a_dataset_is_another_when_its_file_or_the_model_is(run_id):
    item = catalog.list_items("d-1").items[0]

    first = predictions.request_cam_of_item(run_id, item, chosen="owl")
    again = predictions.request_cam_of_item(run_id, item, chosen="owl")
    changed = dataclasses.replace(item, content_hash="new")
    other = predictions.request_cam_of_item(run_id, changed, chosen="owl")
    asked = tasks.find_by_key(first.key)

    assert again == first
    assert other.key != first.key
    assert (asked.params["folder"], asked.params["path"]) == ("/nowhere/d-1", "cat/a.jpg")


def test_no_map_is_made_of_a_broken_image_or_without_a_model(run_id):
    item = catalog.list_items("d-1").items[0]
    builders.insert_run("run-2", status="failed")

    with pytest.raises(InputError, match=r"cat/a.jpg is broken"):
        predictions.request_cam_of_item(run_id, dataclasses.replace(item, status="broken"))
    with pytest.raises(NotFoundError, match="run-2 has left no model"):
        predictions.request_cam_of_item("run-2", item)


ROWS = [
    ("cat/1.jpg", "cat", None, 0.9, 0.06, 0.04),
    ("cat/2.jpg", "cat", None, 0.3, 0.45, 0.25),
    ("new.jpg", None, None, 0.2, 0.2, 0.6),
    ("bad.jpg", None, "is empty", np.nan, np.nan, np.nan),
]


def test_the_unsure_come_first_and_only_labelled_images_are_scored(home):
    leave_table("task-1", ROWS[:2])
    leave_table("task-1", ROWS[2:])

    found = unsure.load("task-1")

    order = unsure.rank(found, sure_first=False, threshold=None)
    wrong = unsure.rank(found, sure_first=False, threshold=None, only_wrong=True)
    top = unsure.guesses(found, order.tolist(), None)
    score = unsure.score(found, None)
    assert [one.path for one in top] == ["cat/2.jpg", "new.jpg", "cat/1.jpg"]
    assert [one.is_right for one in top] == [False, None, True]
    assert [name for name, _ in top[0].top] == ["dog", "cat", "owl"]
    assert unsure.rank(found, sure_first=True, threshold=None).tolist() == order[::-1].tolist()
    assert [found.table["path"][at] for at in wrong] == ["cat/2.jpg"]
    assert (score.n, score.accuracy, score.top_5_accuracy) == (2, 0.5, None)
    assert found.broken.values.tolist() == [["bad.jpg", "is empty"]]


def test_with_a_threshold_an_answer_may_be_none_of_these(home):
    leave_table("task-1", ROWS, threshold=0.5)

    found = unsure.load("task-1")

    at_half = [one.pred for one in unsure.guesses(found, [0, 1, 2], 0.5)]
    at_most = [one.pred for one in unsure.guesses(found, [0, 1, 2], 0.95)]
    assert at_half == ["cat", "none of these", "owl"]
    assert at_most == ["none of these"] * 3
    assert unsure.score(found, 0.95).accuracy == 0


def test_with_a_threshold_unsure_is_what_is_close_to_it(home):
    rows = [
        ("none.jpg", None, None, 0.01, 0.02, 0.01),
        ("almost.jpg", None, None, 0.1, 0.49, 0.1),
        ("second.jpg", None, None, 0.98, 0.45, 0.1),
        ("cat.jpg", None, None, 0.95, 0.03, 0.02),
    ]
    leave_table("task-1", rows[:1], threshold=0.5)
    leave_table("task-1", rows[1:], threshold=0.5)
    found = unsure.load("task-1")

    at_half = unsure.rank(found, sure_first=False, threshold=0.5)
    at_little = unsure.rank(found, sure_first=False, threshold=0.02)
    sure = unsure.rank(found, sure_first=True, threshold=0.5)

    names = found.table["path"]
    assert list(names[at_half]) == ["almost.jpg", "second.jpg", "cat.jpg", "none.jpg"]
    assert list(names[at_little]) == ["none.jpg", "cat.jpg", "almost.jpg", "second.jpg"]
    assert sure.tolist() == at_half[::-1].tolist()


def test_a_probability_that_is_just_the_threshold_does_not_count(home):
    row = ("1.jpg", "cat", None, 0.5, 0.1, 0.25)
    leave_table("task-1", [row], threshold=0.5)
    leave_table("task-2", [row], threshold=0.5, is_multi=True)
    single, several = (unsure.load(each) for each in ("task-1", "task-2"))

    said = [unsure.guesses(each, [0], 0.5)[0].pred for each in (single, several)]
    below = [unsure.guesses(each, [0], 0.25)[0].pred for each in (single, several)]

    assert said == ["none of these", "none of these"]
    assert below == ["cat", "cat"]
    assert (unsure.score(single, 0.5).accuracy, unsure.score(single, 0.25).accuracy) == (0, 1)


def test_several_labels_an_image_are_all_that_are_above_the_threshold(home):
    rows = [("1.jpg", None, None, 0.9, 0.1, 0.8), ("2.jpg", None, None, 0.1, 0.1, 0.2)]
    leave_table("task-1", rows, is_multi=True, threshold=0.5)

    found = unsure.load("task-1")

    assert [one.pred for one in unsure.guesses(found, [0, 1], 0.5)] == ["cat|owl", "none of these"]
    assert unsure.score(found, 0.5) is None


def test_a_spreadsheet_finds_nothing_to_work_out_in_the_csv(home):
    evil = ["=1+1", "cat", "@owl"]
    rows = [("+cmd.jpg", None, None, 0.7, 0.2, 0.1), ROWS[3]]
    leave_table("task-1", rows)
    about = files.load_json(files.prediction_about("task-1"))
    files.write_json(files.prediction_about("task-1"), {**about, "classes": evil})

    path = unsure.write_csv(unsure.load("task-1"), None)

    with path.open(encoding="utf-8", newline="") as file:
        head, first, broken = csv.reader(file)
    assert head == ["file", "pred", "probability", "'=1+1", "cat", "'@owl", "problem"]
    assert first == ["'+cmd.jpg", "'=1+1", "0.7", "0.7", "0.2", "0.1", ""]
    assert broken == ["bad.jpg", "", "", "", "", "", "is empty"]


def test_the_csv_has_the_labels_where_they_are_known(home):
    leave_table("task-1", ROWS[:3])

    path = unsure.write_csv(unsure.load("task-1"), None)

    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == ["cat", "cat", ""]
    assert rows[1]["pred"] == "dog"
    assert float(rows[1]["owl"]) == 0.25
