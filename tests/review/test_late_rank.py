"""Suspicion by rank: bins, the smooth curve, and the cut that is suggested."""

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from core.datasets import catalog, edits
from core.review import late_rank
from core.store import database, files, frames, schema
from tests import builders


def table(shares: list[float], *, per_step: int = 50, label: str = "cat") -> pd.DataFrame:
    """Rank images whose share of suspicious ones changes step by step; every fifth is in valid."""
    rng = np.random.default_rng(1)
    share = np.repeat(shares, per_step)
    is_bad = rng.random(len(share)) < share
    return pd.DataFrame(
        {
            "item_id": range(len(share)),
            "label": label,
            "listed_as": label,
            "excluded": False,
            "decision": None,
            "part": np.where(np.arange(len(share)) % 5, "train", "valid"),
            "rank": np.arange(1, len(share) + 1),
            "suspicion": np.where(is_bad, 0.9, 0.1) + rng.uniform(-0.1, 0.1, len(share)),
        }
    )


def test_the_cut_lies_where_suspicion_has_grown_for_good():
    whole, cats = late_rank.curves(table([0.05, 0.05, 0.5, 0.5]))

    assert (cats.label, cats.n, cats.last_rank, cats.n_after) == ("cat", 200, 100, 100)
    assert [one.n for one in cats.bins] == [25] * 8
    assert (whole.label, whole.last_rank) == (None, 100)


def test_there_is_no_cut_where_the_late_ones_are_like_the_first():
    whole, cats = late_rank.curves(table([0.2] * 4))

    assert (whole.last_rank, cats.last_rank) == (None, None)
    assert late_rank.images_a_class(table([0.2] * 4), whole) is None
    assert late_rank.after(table([0.2] * 4), cats).empty


def test_a_bad_stretch_that_ends_again_is_no_cut():
    _, cats = late_rank.curves(table([0.05, 0.6, 0.05, 0.05, 0.05, 0.05]))

    assert cats.last_rank is None


def test_the_smooth_curve_never_falls_and_keeps_the_mean():
    _, cats = late_rank.curves(table([0.1, 0.4, 0.2, 0.5]))

    smooth = [one.smooth for one in cats.bins]
    assert smooth == sorted(smooth)
    assert np.mean(smooth) == pytest.approx(np.mean([one.mean for one in cats.bins]))
    assert all(one.low < one.mean < one.high for one in cats.bins)


def test_a_class_with_few_ranked_images_has_no_curve():
    _, cats = late_rank.curves(table([0.05, 0.9], per_step=30))

    assert (cats.n, cats.bins, cats.last_rank) == (60, (), None)


def test_the_suggested_number_is_what_a_class_has_in_train_up_to_the_cut():
    cats, dogs = (table([0.05, 0.05, 0.6, 0.6], label=name) for name in ("cat", "dog"))
    both = pd.concat([cats, dogs.iloc[:150]])
    whole, *_ = late_rank.curves(both)

    assert whole.last_rank == 103  # the end of a bin; of 103 images of a class 21 are in valid
    assert late_rank.images_a_class(both, whole) == 82


def test_the_images_after_the_cut_come_most_suspicious_first():
    ranked = table([0.05, 0.05, 0.5, 0.5])
    _, cats = late_rank.curves(ranked)

    late = late_rank.after(ranked, cats)

    assert set(late["rank"]) == set(range(101, 201))
    assert late["suspicion"].is_monotonic_decreasing


def ranked(losses: list[float]) -> list[int]:
    """Insert cats with ranks in their order, and what an audit says of each."""
    ids = builders.insert_dataset({"cat": [f"{n:03d}.jpg" for n in range(len(losses))]})
    with database.writing() as connection:
        for rank, item_id in enumerate(ids, start=1):
            mine = sa.update(schema.items).where(schema.items.c.id == item_id)
            connection.execute(mine.values(rank=rank))
    judged = pd.DataFrame(
        {
            "item_id": ids,
            "content_hash": [one.content_hash for one in catalog.get_items(ids).values()],
            "label": "cat",
            "part": "train",
            "oof_loss": losses,
            "pred": "cat",
            "p_label": 0.9,
            "p_pred": 0.9,
            "outlier": 0.0,
        }
    )
    frames.save(files.audit_scores("d-1"), judged)
    return ids


def decide(kind: str, *item_ids: int, label: str | None = None) -> None:
    edits.apply("d-1", operation_id=kind, kind=kind, item_ids=item_ids, label=label)


def test_only_images_with_a_rank_and_a_score_are_counted():
    ids = ranked([0.1, 0.2, np.nan, 0.4])
    mine = sa.update(schema.items).where(schema.items.c.id == ids[0])
    with database.writing() as connection:
        connection.execute(mine.values(rank=None))

    found = late_rank.load("d-1")

    assert late_rank.has_ranks("d-1")
    assert found["item_id"].tolist() == [ids[1], ids[3]]
    assert found["rank"].tolist() == [2, 4]


def test_what_a_person_has_decided_counts_in_the_place_of_a_score():
    ids = ranked([0.1, 0.2, 3.0, 0.4])
    decide("exclude", ids[0])
    decide("relabel", ids[1], label="dog")
    decide("keep", ids[2])

    found = late_rank.load("d-1")
    whole, *_ = late_rank.curves(found)

    assert found["item_id"].tolist() == ids
    assert found["listed_as"].tolist() == ["cat"] * 4
    assert found["suspicion"].tolist() == pytest.approx([1, 1, 0, 1 - np.exp(-0.4)])
    assert (whole.n, whole.n_decided) == (4, 3)


def test_a_review_of_the_late_ones_does_not_take_the_cut_away():
    ids = ranked([0.1 if n < 60 else 2.0 for n in range(120)])
    before, *_ = late_rank.curves(late_rank.load("d-1"))
    decide("exclude", *ids[62:])
    decide("relabel", *ids[:4], label="dog")

    table = late_rank.load("d-1")
    after, *_ = late_rank.curves(table)

    assert (before.last_rank, after.last_rank) == (60, 60)
    assert set(late_rank.after(table, after)["item_id"]) == set(ids[60:62])
    # of the first 60, cats and dogs, three in four are in train: 42 cats and 3 dogs
    assert late_rank.images_a_class(table, after) == 22


def test_without_an_audit_decisions_alone_make_no_curve():
    ids = ranked([0.1, 0.2])
    files.audit_scores("d-1").unlink()
    decide("exclude", ids[0])

    assert late_rank.load("d-1").empty
