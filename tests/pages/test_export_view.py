"""The section of the predict page that takes a model along, rendered without a browser."""

import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from core.runs import exports, tasks
from core.store import clock, database, files, schema
from tests import builders
from tests.pages.test_predict_page import opened, run_id, sound

__all__ = ["run_id"]


def finish(task_id: str, **columns: object) -> None:
    """End a task as its worker would."""
    mine = sa.update(schema.tasks).where(schema.tasks.c.id == task_id)
    values = {"status": "finished", "finished_at": clock.now(), **columns}
    with database.writing() as connection:
        connection.execute(mine.values(**values))


def labels(at: AppTest) -> list[str]:
    return [button.label for button in at.button]


def test_each_format_has_a_sentence_and_a_button(run_id):
    at = opened()

    assert sound(at)
    assert labels(at).count("Export") == len(exports.KINDS) == 4
    said = " ".join(each.value for each in at.markdown)
    assert all(kind.about in said for kind in exports.KINDS)


def test_a_click_starts_one_task_which_is_followed(run_id):
    at = opened()

    at.button(key="export-safetensors-start").click().run()

    assert sound(at)
    task = exports.find(run_id, "safetensors")
    assert task.params["about"]["dataset"] == "Pets"
    assert task.status == "queued"
    assert labels(at).count("Export") == 3
    assert "export-safetensors-task-stop" in [button.key for button in at.button]


def test_a_file_that_was_made_is_offered_with_its_size_and_what_it_cannot_do(run_id):
    task = exports.request(run_id, "onnx")
    files.write_bytes(files.export_file(task.id, "model.onnx"), b"0" * 1500)
    facts = {
        "file": "model.onnx",
        "notes": ["Resizing is left to `you_`."],
        "most_difference": 2e-6,
    }
    finish(task.id, result=facts)

    at = opened()

    assert sound(at)
    (button,) = at.get("download_button")
    assert button.proto.label == "Download · 1.5 kB"
    said = " ".join(each.value for each in at.caption)
    assert "Resizing is left to `you_`\\." in said
    assert "2e" in said
    assert labels(at).count("Export") == 3


def test_a_model_that_was_trained_on_since_is_exported_anew(run_id):
    task = exports.request(run_id, "fastai")
    files.write_bytes(files.export_file(task.id, "learner.pkl"), b"old")
    finish(task.id, result={"file": "learner.pkl", "notes": []})

    files.write_bytes(files.run_weights(run_id), b"other weights")

    assert exports.find(run_id, "fastai") is None
    again = exports.request(run_id, "fastai")
    assert again.id != task.id
    assert not files.export_folder(task.id).exists()


def test_an_export_that_failed_says_why_and_can_be_tried_again(run_id):
    task = exports.request(run_id, "fastai")
    finish(task.id, status="failed", error="The disk is full.", hint="Free space.")

    at = opened()

    assert "The disk is full" in at.error[0].value.replace("\\", "")
    assert at.button(key="export-fastai-start").label == "Export"


def test_a_missing_package_is_named_with_the_line_that_installs_it(run_id, monkeypatch):
    monkeypatch.setattr(exports, "is_installed", lambda package: package != "onnxscript")

    at = opened()

    button = at.button(key="export-onnx-start")
    assert button.disabled
    assert button.help == "Needs onnxscript: pip install onnxscript"


def test_a_run_without_a_model_is_refused(run_id):
    builders.insert_run("run-2", status="failed")

    with pytest.raises(exports.NotFoundError, match="run-2 has left no model"):
        exports.request("run-2", "fastai")

    assert tasks.find_latest("export") is None
