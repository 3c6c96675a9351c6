"""The audit page around the review queue: the audit itself, the map, the ranks, the network."""

import json

import pandas as pd
import pytest
import sqlalchemy as sa

from core.datasets import catalog, edits
from core.domain.items import Dataset
from core.domain.plans import Subset
from core.domain.runs import Task
from core.runs import audits, plans, tasks, weights
from core.store import clock, database, files, frames, ids, schema
from tests import builders
from tests.pages.test_data_pages import button, decide, edit, opened, sound, tiles, trigger
from tests.runs.test_predictions import leave_model

RESULT = {
    "revision": 1,
    "arch": "squeezenet1_0",
    "n_items": 9,
    "seconds": {"features": 2.5, "labels": 1.0, "own step": 0.5},
    "n_found": {"labels": 3, "files": 0},
    "n_label_issues": 4,
    "notes": ["The class *dog* could not be judged."],
}


@pytest.fixture
def pets() -> Dataset:
    """Give a dataset of five cats and four dogs without their files."""
    builders.insert_dataset({"cat": [f"{n}.jpg" for n in range(5)], "dog": list("abcd")})
    return catalog.get("d-1")


def item_ids(dataset_id: str) -> list[int]:
    return [one.id for one in catalog.list_items(dataset_id).items]


def leave_audit(dataset: Dataset, status: str = "finished", **result: object) -> None:
    """Leave the row of an audit, and what a finished one writes of each image."""
    now = clock.now()
    row = {
        "id": ids.new("task"),
        "kind": "audit",
        "key": f"audit:{dataset.id}",
        "dataset_id": dataset.id,
        "needs_device": True,
        "params": {"dataset_id": dataset.id, "arch": "squeezenet1_0"},
        "status": status,
        "created_at": now,
        "finished_at": now,
        "heartbeat_at": now,
        "result": {**RESULT, **result},
    }
    with database.writing() as connection:
        connection.execute(sa.insert(schema.tasks).values(**row))
    items = catalog.list_items(dataset.id).items
    judged = pd.DataFrame(
        {
            "item_id": [one.id for one in items],
            "content_hash": [one.content_hash for one in items],
            "label": [one.label for one in items],
            "part": "train",
            "oof_loss": [0.1 * (number + 1) for number in range(len(items))],
            "pred": "dog",
            "p_label": 0.4,
            "p_pred": 0.5,
            "outlier": 0.0,
        }
    )
    frames.save(files.audit_scores(dataset.id), judged)
    place = judged[["item_id"]].assign(x=judged["oof_loss"], y=0.0)
    frames.save(files.audit_map(dataset.id), place)


def rank_items(dataset_id: str) -> None:
    """Rank each class's images in the order of their paths."""
    table = schema.items
    numbers: dict[str, int] = {}
    with database.writing() as connection:
        for one in catalog.list_items(dataset_id, limit=1000).items:
            numbers[one.label] = numbers.get(one.label, 0) + 1
            mine = sa.update(table).where(table.c.id == one.id)
            connection.execute(mine.values(rank=numbers[one.label]))


def add_run(run_id: str, **columns: object) -> None:
    builders.insert_run(run_id, **columns)
    leave_model(run_id)


def list_tasks() -> list[Task]:
    with database.reading() as connection:
        found = connection.execute(sa.select(schema.tasks.c.id)).scalars().all()
    return [tasks.get(task_id) for task_id in found]


def look(at, dataset: Dataset, item_id: int) -> None:
    """Open an image in the dialog."""
    trigger(at, f"browse-{dataset.id}", "opened", {"id": item_id, "nonce": 1})


def captions(at) -> str:
    return "\n".join(one.value for one in at.caption).replace("\\", "")


def test_before_the_first_audit_a_card_says_what_it_does_and_starts_it(pets, monkeypatch):
    monkeypatch.setattr(weights, "find", lambda arch: None)
    at = opened("audit", dataset=pets.id)
    said = captions(at)

    button(at, "Audit").click().run()

    assert sound(at)
    assert "squeezenet1_0. Its weights are not on this machine" in said
    assert audits.find_active(pets.id).params["arch"] == "squeezenet1_0"
    assert [one.label for one in at.button if one.key == "audit-stop"] == ["Stop"]


def test_another_network_can_be_chosen(pets):
    at = opened("audit", dataset=pets.id)

    at.selectbox(key=f"audit-arch-{pets.id}").set_value("resnet34").run()
    button(at, "Audit").click().run()

    assert audits.find_active(pets.id).params["arch"] == "resnet34"


def test_the_last_audit_is_told_with_what_it_found_and_its_notes(pets):
    leave_audit(pets)

    at = opened("audit", dataset=pets.id)

    (table,) = [one.value for one in at.dataframe if "looked for" in one.value]
    assert sound(at)
    assert table.fillna(-1).values.tolist() == [
        ["describing the images", "", 2.5],
        ["files that cannot be read", "0", -1],
        ["labels that others speak against", "3", 1.0],
        ["own step", "", 0.5],
    ]
    assert "9 images at revision 1, described by squeezenet1_0. Nothing has changed" in captions(
        at
    )
    assert "The class *dog* could not be judged." in captions(at)
    assert "About 4 labels are wrong" in captions(at)


def test_an_edit_since_the_audit_is_told(pets):
    leave_audit(pets)
    edits.apply(pets.id, operation_id="o", kind="exclude", item_ids=item_ids(pets.id)[:1])

    at = opened("audit", dataset=pets.id)

    assert "The dataset has changed since: audit again" in captions(at)


def test_selected_points_open_in_the_gallery_and_stay_there_when_decided_about(pets):
    leave_audit(pets)
    chosen = item_ids(pets.id)[:2]
    at = opened("audit", dataset=pets.id, **{"audit-tab": "Map"})
    at.session_state[f"audit-map-picked-{pets.id}"] = chosen
    at.run()
    before = tiles(at)

    decide(at, f"audit-map-{pets.id}", edit("o", kind="keep", item_ids=chosen[:1], label=None))
    at.run()

    assert sound(at)
    assert [one["id"] for one in before] == chosen[::-1]
    assert [one["suggestion"] for one in before] == ["dog", "dog"]
    assert {one["id"]: one["kept"] for one in tiles(at)} == {chosen[0]: True, chosen[1]: False}
    assert "Draw anew" in [one.label for one in at.button]


def test_the_map_is_drawn_by_class_by_suspicion_and_by_decision(pets):
    leave_audit(pets)
    edits.apply(pets.id, operation_id="o", kind="exclude", item_ids=item_ids(pets.id)[:1])
    at = opened("audit", dataset=pets.id, **{"audit-tab": "Map"})

    names = {}
    for colour in ("class", "suspicion", "decision"):
        at.segmented_control(key="audit-map-colour").set_value(colour).run()
        (chart,) = at.get("plotly_chart")
        names[colour] = [trace["name"] for trace in json.loads(chart.proto.spec)["data"]]

    assert sound(at)
    assert names == {
        "class": ["cat", "dog"],
        "suspicion": ["not judged", "suspicion"],
        "decision": ["undecided", "excluded"],
    }


def test_without_an_audit_there_is_no_map_and_without_ranks_no_curve(pets):
    at = opened("audit", dataset=pets.id, **{"audit-tab": "Map"})
    ranks = opened("audit", dataset=pets.id, **{"audit-tab": "By rank"})

    assert "There is no map yet" in at.info[0].value
    assert "Lists of addresses give them" in ranks.info[0].value


@pytest.fixture
def ranked() -> Dataset:
    """Give a dataset of a hundred ranked cats whose second half is suspicious."""
    ids = builders.insert_dataset({"cat": [f"{n:03d}.jpg" for n in range(100)]})
    rank_items("d-1")
    losses = [0.1 + 0.001 * n if n < 50 else 2.0 + 0.001 * n for n in range(100)]
    hashes = [one.content_hash for one in catalog.get_items(ids).values()]
    judged = pd.DataFrame({"item_id": ids, "content_hash": hashes, "oof_loss": losses})
    more = {"label": "cat", "part": "train", "pred": "dog", "p_label": 0.4, "p_pred": 0.5}
    frames.save(files.audit_scores("d-1"), judged.assign(**more, outlier=0.0))
    return catalog.get("d-1")


def test_the_cut_becomes_the_subset_by_a_click_and_its_images_are_shown(ranked):
    at = opened("audit", dataset=ranked.id, **{"audit-tab": "By rank"})

    button(at, "Use the first 38 images a class").click().run()
    at.toggle(key=f"audit-ranks-show-{ranked.id}").set_value(True).run()

    assert sound(at)
    assert plans.get(ranked.id).subset == Subset(per_class=38, by_rank=True)  # a fourth is valid
    assert any("after **rank 50** are clearly more" in one.value for one in at.markdown)
    assert len(tiles(at)) == 50


def test_the_dialog_asks_for_a_map_of_the_newest_finished_run(pets):
    first = item_ids(pets.id)[0]
    add_run("run-1", created_at=1.0)
    add_run("run-2", created_at=2.0, status="stopped")
    at = opened("browse", dataset=pets.id)
    at.session_state["looked-at"] = True

    look(at, pets, first)

    (asked,) = [one for one in list_tasks() if one.params.get("what") == "cam"]
    assert sound(at)
    assert (asked.run_id, asked.params["folder"], asked.params["chosen"]) == (
        "run-1",
        pets.root,
        None,
    )
    assert asked.params["path"] == catalog.get_item(first).path


def test_the_dialog_says_why_a_map_came_to_nothing_and_that_no_run_has_left_a_model(pets):
    first = item_ids(pets.id)[0]
    at = opened("browse", dataset=pets.id)
    at.session_state["looked-at"] = True
    look(at, pets, first)
    without = [one.value for one in at.info]
    add_run("run-1")
    look(at, pets, first)
    (asked,) = list_tasks()
    mine = sa.update(schema.tasks).where(schema.tasks.c.id == asked.id)
    with database.writing() as connection:
        connection.execute(mine.values(status="failed", error="The file *moved*.", hint="Scan."))

    look(at, pets, first)

    assert without == ["No run has left a model yet: train one first."]
    assert [one.value for one in at.error] == ["The file \\*moved\\*\\.  \nScan\\."]


def test_home_leads_from_a_scanned_dataset_to_its_audit(pets):
    at = opened("home")

    assert sound(at)
    assert "Audit" in [one.proto.label for one in at.get("page_link")]
