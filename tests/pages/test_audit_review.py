"""The review tab, rendered without a browser: what it asks, and what it does with an answer."""

import json

import pandas as pd
import pytest
import sqlalchemy as sa

from core.datasets import catalog, edits, findings
from core.domain.findings import KINDS, Finding
from core.runs import audits
from core.store import database, files, frames, schema
from pages.parts.audit.review import ending, words
from tests import builders
from tests.pages.test_data_pages import button, opened, sound, trigger

DATASET = "d-1"
KEY = f"review-{DATASET}"


@pytest.fixture
def ids() -> list[int]:
    """Insert four cats and four dogs: a mislabelled one, an odd one, and three near copies."""
    names = [f"{n}.jpg" for n in range(4)]
    ids = builders.insert_dataset({"cat": names, "dog": names})
    findings.replace(
        DATASET, "labels", [found(ids[3], "mislabelled", 0.9, "relabel", label="dog")]
    )
    findings.replace(DATASET, "outliers", [found(ids[5], "outlier", 0.2, "look")])
    copies = [found(one, "near_copy", 0.5, "exclude", members=(*ids[:3],)) for one in ids[1:3]]
    findings.replace(DATASET, "near", copies)
    return ids


def found(item_id: int, kind: str, score: float, suggestion: str, **rest: object) -> Finding:
    reason = "It is <b>odd</b>."
    return Finding(
        item_id=item_id, kind=kind, score=score, reason=reason, suggestion=suggestion, **rest
    )


def component(at) -> dict:
    (proto,) = [one.proto for one in at.get("bidi_component") if one.key == KEY]
    return json.loads(proto.mixed.json or proto.json)


def asked(at) -> list[int]:
    return [card["id"] for card in component(at)["cards"]]


def operation(name: str, kind: str, *item_ids: int, label=None, copies=()) -> dict:
    decision = {"kind": kind, "item_ids": item_ids, "label": label, "copies": copies}
    return {"id": name, "kind": "edit", "decisions": [decision]}


def send(at, *operations: dict, at_id: int | None = None):
    where = {"id": at_id, "index": 0, "filters": component(at)["filters"]}
    return trigger(at, KEY, "operations", {"operations": list(operations), "where": where})


def progress(at) -> str:
    return " ".join(one.proto.text for one in at.get("progress"))


def test_the_queue_is_asked_from_its_top_with_all_that_is_known(ids):
    at = opened("audit", dataset=DATASET)

    data = component(at)
    first = data["cards"][0]
    assert sound(at)
    assert asked(at) == [ids[3], ids[1], ids[2], ids[5]]
    assert (first["findings"][0]["words"], first["findings"][0]["label"]) == (
        "Perhaps mislabelled",
        "dog",
    )
    assert data["pictures"][str(ids[3])]["part"] == "valid"
    assert [name for name, _ids in first["examples"]] == ["dog", "cat"]
    assert progress(at).startswith("**4 left** · 0 reviewed")


def test_a_decision_is_counted_once_however_often_it_arrives(ids):
    at = opened("audit", dataset=DATASET)

    send(at, operation("op-1", "keep", ids[3]), at_id=ids[1])
    send(at, operation("op-1", "keep", ids[3]), at_id=ids[1])

    assert sound(at)
    assert asked(at) == [ids[1], ids[2], ids[5]]
    assert component(at)["acked"] == ["op-1"]
    assert [entry.kind for entry in edits.list_log(DATASET)] == ["edit", "scan"]
    assert "1 reviewed · 0 excluded · 0 relabelled · 1 kept" in progress(at)


def test_a_group_is_one_revision_and_undo_comes_back_to_it(ids):
    at = opened("audit", dataset=DATASET)
    send(at, operation("op-1", "exclude", *ids[1:3], copies=ids[:3]), at_id=ids[5])
    after = asked(at)

    send(at, {"id": "op-2", "kind": "undo", "decisions": []}, at_id=ids[5])

    assert after == [ids[3], ids[5]]
    assert asked(at) == [ids[3], ids[1], ids[2], ids[5]]
    assert component(at)["jump"] == {"id": ids[1], "nonce": 3}


def test_the_last_copy_is_refused_in_words_and_the_others_go_on(ids):
    edits.apply(DATASET, operation_id="elsewhere", kind="exclude", item_ids=ids[:1])
    at = opened("audit", dataset=DATASET)

    wrong = operation("op-1", "exclude", *ids[1:3], copies=ids[:3])
    send(at, wrong, operation("op-2", "keep", ids[5]), at_id=ids[3])

    assert "No copy would be left" in at.error[0].value
    assert catalog.get_item(ids[1]).excluded is False
    assert catalog.get_item(ids[5]).decision == "keep"


def test_kinds_are_chosen_by_pills_that_count_and_the_choice_outlasts_a_decision(ids):
    at = opened("audit", dataset=DATASET)
    (pills,) = [one for one in at.get("button_group") if one.label == "Kind"]
    options = [one.content for one in pills.proto.options]

    pills.set_value(["near_copy"]).run()
    send(at, operation("op-1", "keep", ids[1]), at_id=ids[2])
    left = asked(at)
    send(at, operation("op-2", "keep", ids[2]))

    assert options == ["Near copies 2", "Perhaps mislabelled 1", "Odd ones 1"]
    assert left == [ids[2]]
    assert asked(at) == []  # other kinds are not asked about unasked


def test_filters_that_leave_nothing_can_be_cleared(ids):
    at = opened("audit", dataset=DATASET)
    at.selectbox(key=f"review-{DATASET}-part").set_value("test").run()
    nothing = asked(at)

    button(at, "Clear the filters").click().run()

    assert (nothing, len(asked(at))) == ([], 4)


def test_when_all_is_decided_the_next_steps_are_named_and_undo_is_there(ids):
    at = opened("audit", dataset=DATASET)

    send(at, operation("op-1", "keep", *ids[1:4], ids[5]))
    at.run()

    assert sound(at)
    assert any("All done" in one.value for one in at.markdown)
    assert set(ending.NEXT) < {tab.label for tab in at.tabs}
    assert (component(at)["cards"], component(at)["can_undo"]) == ([], True)


def test_where_nothing_was_audited_the_page_says_what_to_do():
    builders.insert_dataset({"cat": ["0.jpg"]})

    at = opened("audit", dataset=DATASET)

    assert audits.find_result(DATASET) is None
    assert any("Nothing was audited yet" in one.value for one in at.info)


def test_the_curve_by_rank_says_how_many_images_count_as_a_person_has_decided(ids):
    with database.writing() as connection:
        connection.execute(sa.update(schema.items).values(rank=schema.items.c.id))
    judged = pd.DataFrame({"item_id": ids, "label": ["cat"] * 4 + ["dog"] * 4, "pred": "cat"})
    hashes = [one.content_hash for one in catalog.get_items(ids).values()]
    judged = judged.assign(content_hash=hashes, oof_loss=0.1, p_label=0.9, p_pred=0.9)
    frames.save(files.audit_scores(DATASET), judged)
    edits.apply(DATASET, operation_id="op", kind="exclude", item_ids=ids[:3])

    at = opened("audit", dataset=DATASET, **{"audit-tab": "By rank"})

    assert sound(at)
    assert any("8 ranked images (3 of them decided about" in one.value for one in at.markdown)


def test_every_kind_has_words():
    assert set(words.ONE) == set(words.MANY) == set(KINDS)
