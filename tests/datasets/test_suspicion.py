"""How suspicious labels are, by the audit and by what runs saw, at the labels of now."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from core.datasets import edits, findings, suspicion
from core.domain.findings import Finding
from core.store import database, files, frames, schema
from tests import builders

DATASET = "d-1"
CLASSES = ("cat", "dog")


@pytest.fixture
def ids() -> list[int]:
    return builders.insert_dataset({"cat": [f"{at}.jpg" for at in range(6)], "dog": ["a", "b"]})


def audited(losses: Mapping[int, float], pred: Mapping[int, str] | None = None) -> None:
    """Write what an audit would have said of some items."""
    preds = pred or {}
    with database.reading() as connection:
        rows = connection.execute(sa.select(schema.items)).mappings().all()
    known = {row["id"]: row for row in rows if row["id"] in losses}
    table = [
        {
            "item_id": item,
            "content_hash": row["content_hash"],
            "label": row["label"],
            "part": "train",
            "oof_loss": losses[item],
            "pred": preds.get(item, row["label"]),
            "p_label": np.exp(-losses[item]),
            "p_pred": 0.9,
            "outlier": 0.0,
        }
        for item, row in known.items()
    ]
    frames.save(files.audit_scores(DATASET), pd.DataFrame(table))


def trained(run_id: str, losses: Mapping[int, Sequence[float]], **preds: Any) -> None:
    """Write what a finished run saw of each item, an epoch a number; `preds` as class numbers."""
    builders.insert_run(run_id, finished_at=float(run_id.rpartition("-")[2]))
    seen = preds.get("preds", {})
    rows = [
        {"epoch": at, "item_id": item, "loss": one, "pred": seen.get(item, 0), "p_pred": 0.5}
        for item, each in losses.items()
        for at, one in enumerate(each)
    ]
    frames.save(files.run_train_losses(run_id), pd.DataFrame(rows))
    with database.reading() as connection:
        items = connection.execute(sa.select(schema.items)).mappings().all()
    described = pd.DataFrame(
        [{"item_id": i["id"], **{n: i[n] for n in ("label", "content_hash")}} for i in items]
    )
    frames.save(files.run_items(run_id), described.assign(part="train", path="x"))
    files.write_json(files.run_model(run_id), {"classes": list(CLASSES)})


def relabel(item: int, label: str) -> None:
    edits.apply(DATASET, operation_id="r", kind="relabel", item_ids=[item], label=label)


def rows() -> dict[int, Any]:
    found = suspicion.scores(DATASET)
    return {row.item_id: row for row in found.itertuples(index=False)}


def told() -> dict[int, Finding]:
    return {entry.item_id: entry.findings[0] for entry in findings.entries(DATASET)}


def test_nothing_is_known_of_a_dataset_that_nobody_has_looked_at(ids: list[int]) -> None:
    assert suspicion.scores(DATASET).empty
    assert list(suspicion.scores(DATASET).columns) == suspicion.COLUMNS
    assert suspicion.refresh(DATASET) == 0


def test_an_out_of_fold_loss_is_told_as_what_is_missing_to_certainty(ids: list[int]) -> None:
    audited({ids[0]: np.log(4.0), ids[1]: float("nan")}, {ids[0]: "dog"})

    found = rows()

    assert list(found) == [ids[0]]
    assert found[ids[0]].suspicion == pytest.approx(0.75)
    assert (found[ids[0]].source, found[ids[0]].pred, found[ids[0]].part) == (
        "oof",
        "dog",
        "train",
    )


def test_a_training_is_read_without_its_first_epoch(ids: list[int]) -> None:
    trained("run-1", {ids[0]: [9.0, 1.0, 3.0]}, preds={ids[0]: 1})

    found = rows()[ids[0]]

    assert found.suspicion == pytest.approx(1 - np.exp(-2.0))
    assert (found.source, found.pred) == ("training", "dog")


def test_the_newest_run_that_saw_two_epochs_counts(ids: list[int]) -> None:
    trained("run-1", {ids[0]: [1.0, 1.0]})
    trained("run-2", {ids[0]: [1.0, 2.0]})
    trained("run-3", {ids[0]: [7.0]})

    assert rows()[ids[0]].suspicion == pytest.approx(1 - np.exp(-2.0))


def test_where_both_know_an_item_the_ranks_are_averaged_and_the_scores_stay(
    ids: list[int],
) -> None:
    out_of_fold = {ids[0]: 3.0, ids[1]: 2.0, ids[2]: 1.0, ids[3]: 0.5}
    audited({**out_of_fold, ids[4]: 2.5})
    trained("run-1", {ids[0]: [0, 0.1], ids[1]: [0, 4], ids[2]: [0, 0.3], ids[3]: [0, 0.2]})

    found = rows()

    # ranks out of fold 4 3 2 1, in training 1 4 3 2: together 5 7 5 3, and of equal ones the
    # higher out-of-fold score comes first
    losses = [-np.log(1 - found[item].suspicion) for item in ids[:5]]
    assert losses == pytest.approx([2.0, 3.0, 1.0, 0.5, 2.5])
    assert [found[item].source for item in ids[:5]] == ["both"] * 4 + ["oof"]


def test_an_item_whose_label_has_changed_is_not_scored_until_it_is_judged_again(
    ids: list[int],
) -> None:
    audited({ids[0]: 3.0, ids[1]: 2.0})
    trained("run-1", {ids[0]: [1.0, 1.0]})

    relabel(ids[0], "dog")

    assert list(rows()) == [ids[1]]


def test_an_item_whose_file_has_changed_or_that_is_excluded_is_not_scored(ids: list[int]) -> None:
    audited({ids[0]: 3.0, ids[1]: 2.0, ids[2]: 1.0})
    changed = sa.update(schema.items).where(schema.items.c.id == ids[0]).values(content_hash="x")

    with database.writing() as connection:
        connection.execute(changed)
    edits.apply(DATASET, operation_id="e", kind="exclude", item_ids=[ids[1]], label=None)

    assert list(rows()) == [ids[2]]


def predicted(
    run_id: str,
    item_ids: list[int],
    p_dog: list[float],
    taught: Sequence[int] = (),
    **columns: object,
) -> None:
    """Write what a run of one fold said of the items it held out, and which it was taught."""
    builders.insert_run(run_id, **columns)
    chances = [[1 - p, p] for p in p_dog]
    builders.save_predictions(run_id, CLASSES, item_ids, [0] * len(item_ids), chances)
    with database.reading() as connection:
        items = connection.execute(sa.select(schema.items)).mappings().all()
    known = {row["id"]: row["content_hash"] for row in items}
    described = pd.DataFrame(
        [(item, "valid", known[item]) for item in item_ids]
        + [(item, "train", known[item]) for item in taught],
        columns=["item_id", "part", "content_hash"],
    )
    frames.save(files.run_items(run_id), described)


def test_whole_networks_that_were_trained_in_folds_are_believed_before_the_audit(
    ids: list[int],
) -> None:
    audited({ids[0]: 0.1, ids[1]: 0.2, ids[2]: 0.3})
    predicted("run-a", ids[:1], [0.8], ids[1:2], fold=0)
    predicted("run-b", ids[1:2], [0.5], ids[:1], fold=1)

    found = rows()

    assert [found[item].suspicion for item in ids[:2]] == pytest.approx([0.8, 0.5])
    assert found[ids[0]].pred == "dog"
    assert found[ids[2]].suspicion == pytest.approx(1 - np.exp(-0.3))


def test_a_set_of_folds_that_has_a_gap_is_not_believed(ids: list[int]) -> None:
    predicted("run-a", ids[:1], [0.8], fold=0)
    predicted("run-c", ids[1:2], [0.5], fold=2)

    assert rows() == {}


def test_the_first_folds_of_a_set_whose_others_are_missing_are_not_believed(
    ids: list[int],
) -> None:
    predicted("run-a", ids[:1], [0.8], ids[1:5], fold=0)
    predicted("run-b", ids[1:2], [0.5], [ids[0], *ids[2:5]], fold=1)

    assert rows() == {}


def test_what_folds_said_of_a_file_that_has_changed_since_is_not_believed(ids: list[int]) -> None:
    predicted("run-a", ids[:1], [0.8], ids[1:2], fold=0)
    predicted("run-b", ids[1:2], [0.5], ids[:1], fold=1)
    changed = sa.update(schema.items).where(schema.items.c.id == ids[0]).values(content_hash="x")

    with database.writing() as connection:
        connection.execute(changed)

    assert list(rows()) == [ids[1]]


def test_several_sets_of_folds_are_averaged(ids: list[int]) -> None:
    for seed, chance in ((1, 0.8), (2, 0.4)):
        predicted(f"run-{seed}0", ids[:1], [chance], fold=0, seed=seed, created_at=float(seed))
        predicted(f"run-{seed}1", ids[1:2], [0.1], fold=1, seed=seed, created_at=float(seed))

    loss = -np.log(1 - rows()[ids[0]].suspicion)

    assert loss == pytest.approx(np.mean([-np.log(0.2), -np.log(0.6)]))


def test_a_finding_suggests_the_class_that_others_saw_and_says_why(ids: list[int]) -> None:
    audited({ids[0]: 3.0, ids[1]: 2.0}, {ids[0]: "dog"})
    trained("run-1", {ids[0]: [1, 1, 1, 1], ids[1]: [1, 1, 1, 1]}, preds={ids[0]: 1})

    n_found = suspicion.refresh(DATASET)

    assert (n_found, list(told())) == (1, [ids[0]])
    found = told()[ids[0]]
    assert (found.kind, found.suggestion, found.label) == ("mislabelled", "relabel", "dog")
    assert found.reason == (
        "Models that were not taught with it say dog (90%) rather than cat (5%); "
        "a training took it for cat in 0 of 3 epochs after the first."
    )


def test_a_run_that_ends_brings_its_own_findings(ids: list[int]) -> None:
    trained("run-1", {ids[0]: [1.0, 2.0]}, preds={ids[0]: 1})

    suspicion.after_run("run-1")

    assert list(told()) == [ids[0]]


def test_of_several_labels_training_tells_how_suspicious_but_suggests_nothing(
    ids: list[int],
) -> None:
    builders.let_have_several_labels()
    trained("run-1", {ids[0]: [1.0, 2.0]}, preds={ids[0]: 1})

    assert rows()[ids[0]].suspicion == pytest.approx(1 - np.exp(-2.0))
    assert suspicion.refresh(DATASET) == 0
