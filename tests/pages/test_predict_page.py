"""The predict page, rendered without a browser."""

from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.domain.jobs import TaskKind
from core.runs import predictions, tasks
from core.store import files
from tests import builders
from tests.runs.test_predictions import CLASSES, ROWS, end, leave_model, leave_table

APP = Path(__file__).resolve().parents[2] / "app.py"


@pytest.fixture
def run_id() -> str:
    builders.insert_dataset({"cat": ["a.jpg"], "dog": ["c.jpg"]})
    builders.insert_run("run-1", metrics={"accuracy": 0.5})
    leave_model("run-1")
    return "run-1"


def opened(**query: str) -> AppTest:
    """Render the page of the dataset `d-1` as a fresh session does."""
    at = AppTest.from_file(str(APP), default_timeout=30)
    for name, value in {"dataset": "d-1", **query}.items():
        at.query_params[name] = value
    at.run()
    return at.switch_page("pages/predict_page.py").run()


def sound(at: AppTest) -> bool:
    """Say whether a page shows neither a traceback nor an error of its own."""
    assert [error.value for error in at.exception] == []
    assert [error.value for error in at.error] == []
    return True


def predicted(run_id: str, folder: Path, **about: object) -> str:
    """Leave a finished prediction with a thumbnail of its images."""
    task = predictions.of_folder(run_id, str(folder))
    leave_table(task.id, ROWS, **about)
    end(task)
    thumbnail = files.thumbnail("ab" * 16, 256)
    thumbnail.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 64), "red").save(thumbnail)
    return task.id


def test_without_a_model_the_page_leads_to_training():
    builders.insert_dataset({"cat": ["a.jpg"], "dog": ["c.jpg"]})

    at = opened()

    assert sound(at)
    assert "No run has left a model yet" in at.info[0].value


def test_a_folder_is_predicted_with_the_views_that_were_chosen(run_id, tmp_path):
    at = opened()
    at.segmented_control(key="predict-way").set_value("folder").run()
    at.text_input(key="predict-folder").set_value(str(tmp_path)).run()
    at.toggle(key="predict-tta").set_value(True).run()
    at.number_input(key="predict-tta-n").set_value(2).run()

    next(one for one in at.button if one.label == "Predict").click().run()

    assert sound(at)
    (task,) = predictions.list_kept("d-1")
    assert task.params["folder"] == str(tmp_path.resolve())
    assert task.params["tta"] == {"n": 2, "beta": 0.25}
    assert at.query_params["prediction"] == task.id


def test_dropped_images_are_kept_and_predicted(run_id):
    at = opened()
    at.file_uploader(key="predict-upload-images-0").set_value(
        [("a.jpg", b"one", "image/jpeg"), ("a.jpg", b"two", "image/jpeg")]
    ).run()

    next(one for one in at.button if one.label == "Predict").click().run()

    assert sound(at)
    (task,) = predictions.list_kept("d-1")
    assert sorted(path.name for path in Path(task.params["folder"]).iterdir()) == [
        "a (2).jpg",
        "a.jpg",
    ]


def test_pressing_predict_without_anything_says_what_to_do(run_id):
    at = opened()

    next(one for one in at.button if one.label == "Predict").click().run()

    assert "No image was chosen" in at.error[0].value


def test_what_was_predicted_is_scored_and_shown_unsure_ones_first(run_id, tmp_path):
    task_id = predicted(run_id, tmp_path)

    at = opened(prediction=task_id)

    assert sound(at)
    shown = {metric.label: metric.value for metric in at.metric}
    table = at.dataframe[0].value
    assert shown == {"Images predicted": "3", "Broken files": "1", "Accuracy": "50.0%"}
    assert table["file"].tolist() == ["cat/2.jpg", "new.jpg", "cat/1.jpg"]
    assert table["1st"].tolist() == ["45.0% dog", "60.0% owl", "90.0% cat"]
    assert table["label"].tolist() == ["✗ cat", "", "✓ cat"]
    assert at.dataframe[2].value["file"].tolist() == ["bad.jpg is empty."]

    at.toggle(key="predict-sure-first").set_value(True).run()

    assert at.dataframe[0].value["file"].tolist() == ["cat/1.jpg", "new.jpg", "cat/2.jpg"]


def test_a_threshold_changes_the_answers_and_the_score(run_id, tmp_path):
    task_id = predicted(run_id, tmp_path, threshold=0.5)
    at = opened(prediction=task_id)

    at.slider(key=f"predict-threshold-{task_id}").set_value(0.95).run()

    assert sound(at)
    assert set(at.dataframe[0].value["pred"]) == {"none of these"}
    assert next(one for one in at.metric if one.label == "Accuracy").value == "0.0%"


def test_looking_closely_asks_for_a_map_of_the_likeliest_class(run_id, tmp_path):
    task_id = predicted(run_id, tmp_path)
    at = opened(prediction=task_id)

    at.toggle(key="guess-looking").set_value(True).run()

    kind: TaskKind = "predict"
    asked = tasks.find_latest(kind, "d-1")
    assert sound(at)
    assert asked.params["what"] == "cam"
    assert (asked.params["path"], asked.params["chosen"]) == ("cat/2.jpg", CLASSES[1])


def test_a_prediction_under_way_shows_what_has_come(run_id, tmp_path):
    task = predictions.of_folder(run_id, str(tmp_path))
    leave_table(task.id, ROWS[:2])

    at = opened(prediction=task.id)

    assert sound(at)
    assert at.dataframe[0].value["file"].tolist() == ["cat/2.jpg", "cat/1.jpg"]
    assert "Stop" in [button.label for button in at.button]


def test_the_model_that_is_shown_stays_when_a_newer_run_ends(run_id):
    builders.insert_run("run-2", status="running")
    at = opened(run="run-2")

    leave_model("run-2")
    at.run()

    assert sound(at)
    assert at.query_params["run"] == run_id
    (model,) = [one for one in at.selectbox if one.label == "Model of the run"]
    assert model.value == run_id
