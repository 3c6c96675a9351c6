"""Suspicion by rank: bins, the smooth curve, and the cut that is suggested."""

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from core.datasets import catalog
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


def test_only_images_in_use_with_a_rank_and_a_score_are_counted():
    ids = builders.insert_dataset({"cat": [f"{n}.jpg" for n in range(4)]})
    changes = {ids[1]: {"rank": 1}, ids[2]: {"rank": 2}, ids[3]: {"rank": 3, "excluded": True}}
    with database.writing() as connection:
        for item_id, values in changes.items():
            mine = sa.update(schema.items).where(schema.items.c.id == item_id)
            connection.execute(mine.values(**values))
    judged = pd.DataFrame(
        {
            "item_id": ids,
            "content_hash": [one.content_hash for one in catalog.get_items(ids).values()],
            "label": "cat",
            "part": "train",
            "oof_loss": [0.1, 0.2, np.nan, 0.4],
            "pred": "cat",
            "p_label": 0.9,
            "p_pred": 0.9,
            "outlier": 0.0,
        }
    )
    frames.save(files.audit_scores("d-1"), judged)

    found = late_rank.load("d-1")

    assert late_rank.has_ranks("d-1")
    assert found["item_id"].tolist() == [ids[1]]
    assert found["rank"].tolist() == [1]
