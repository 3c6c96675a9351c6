"""Labels judged out of fold: who teaches whom, and what is said of planted ones."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest

from core.datasets import findings
from core.domain.findings import Finding
from core.engine.audit import folds, judging, outliers
from core.engine.audit.judging import Judgement
from tests import builders
from tests.engine.conftest import FakeJob

pytestmark = pytest.mark.engine

N_PER_CLASS, CHANNELS = 24, 12
NAMES = ("ant", "bee", "cow")


def clusters(seed: int = 0) -> tuple[np.ndarray, pd.DataFrame]:
    """Draw features that lie around the centre of each class, with every fourth item in valid."""
    draw = np.random.default_rng(seed)
    centres = draw.normal(size=(len(NAMES), CHANNELS)) * 2
    classes = np.repeat(np.arange(len(NAMES)), N_PER_CLASS)
    features = centres[classes] + draw.normal(size=(len(classes), CHANNELS))
    items = pd.DataFrame(
        {
            "item_id": np.arange(len(classes)) + 100,
            "label": np.array(NAMES, dtype=object)[classes],
            "part": ["valid" if at % 4 == 3 else "train" for at in range(len(classes))],
            "group": np.arange(len(classes)),
        }
    )
    return features.astype(np.float32), items


def judge(features: np.ndarray, items: pd.DataFrame, *, multi: bool = False) -> Judgement:
    found = judging.judge(features, items, multi=multi, job=FakeJob())
    assert found is not None
    return found


def test_the_labels_that_were_planted_are_the_most_suspicious_with_their_own_class_as_pred():
    features, items = clusters()
    planted = {0: "bee", 25: "cow", 50: "ant", 3: "cow"}  # 3 is valid
    wrong = items.assign(label=items["label"].where(~items.index.isin(planted), None))
    wrong.loc[list(planted), "label"] = list(planted.values())

    found = judge(features, wrong)

    first = found.table["oof_loss"].sort_values(ascending=False).index[:4]
    assert set(first) == set(planted)
    assert found.table.loc[list(planted), "pred"].tolist() == ["ant", "bee", "cow", "ant"]
    assert found.n_label_issues == 3  # of train
    assert found.notes == ()


def test_the_same_items_get_the_same_losses():
    features, items = clusters()

    first, second = judge(features, items).table, judge(features, items).table

    pd.testing.assert_frame_equal(first, second)


def test_what_valid_items_are_labelled_moves_nothing_in_train():
    features, items = clusters()
    is_valid = items["part"] == "valid"
    other = items.assign(label=items["label"].where(~is_valid, "ant"))

    first, second = judge(features, items).table, judge(features, other).table

    assert first["oof_loss"][~is_valid].tolist() == second["oof_loss"][~is_valid].tolist()
    assert (second["oof_loss"][is_valid] > 1).sum() == 12


def test_a_copy_never_vouches_for_a_copy():
    features, items = clusters()
    twice = np.concatenate([features, features[:1]])
    copied = pd.concat([items, items.iloc[:1]], ignore_index=True)
    copied = copied.assign(item_id=range(len(copied)))
    copied.loc[[0, len(items)], "label"] = "cow"

    apart = judge(twice, copied.assign(group=range(len(copied)))).table["oof_loss"]
    together = judge(twice, copied).table["oof_loss"]

    assert together[0] > apart[0] + 1


def test_folds_hold_groups_out_whole_and_every_item_once_a_repeat():
    classes = np.eye(2, dtype=bool)[np.arange(40) % 2]
    groups = np.arange(40) // 2 * 2

    held = folds.held_out(classes, groups)

    assert held is not None
    assert held.shape == (folds.N_REPEATS * folds.N_FOLDS, 40)
    assert (held.sum(axis=0) == folds.N_REPEATS).all()
    assert (held[:, ::2] == held[:, 1::2]).all()


def test_a_class_of_one_image_is_not_judged_and_is_named():
    features, items = clusters()
    items.loc[0, "label"] = "dodo"

    found = judge(features, items)

    assert np.isnan(found.table["oof_loss"][0])
    assert pd.isna(found.table["pred"][0])
    assert found.table["oof_loss"][1:].notna().all()
    assert found.notes == (
        "The label of 1 image was not judged, because no other train image has the class: dodo.",
    )


def test_a_class_of_two_images_is_judged_by_the_other_one():
    features, items = clusters()
    items.loc[[0, 1], "label"] = "dodo"

    found = judge(features, items)

    assert found.table["oof_loss"].notna().all()


def test_one_class_alone_cannot_be_judged():
    features, items = clusters()

    found = judge(features, items.assign(label="ant"))

    assert found.table["oof_loss"].isna().all()
    assert found.n_label_issues is None
    assert found.notes == ("No label was judged: there is only one class.",)


def test_of_several_labels_the_one_that_is_hardest_to_believe_is_taken_away_or_added():
    features, items = clusters()
    stripes = np.arange(len(items)) // 2 % 2 == 0
    features[:, :4] = np.where(stripes, 3, -3)[:, None]
    labels = [
        f"{label}|striped" if striped else label
        for label, striped in zip(items["label"], stripes, strict=True)
    ]
    missing = labels.index("bee|striped")
    added = labels.index("cow")
    labels[missing], labels[added] = "bee", "cow|striped"

    found = judge(features, items.assign(label=labels), multi=True).table

    assert set(found["oof_loss"].sort_values(ascending=False).index[:2]) == {missing, added}
    assert found["pred"][missing] == "bee|striped"
    assert found["pred"][added] == "cow"


def test_an_image_that_is_unlike_its_class_is_an_outlier_and_the_others_are_not():
    features, items = clusters()
    features[5] = -3 * features[5]

    odd = outliers.scores(features, items["label"].tolist(), multi=False)
    found = outliers.findings(items, odd, multi=False)

    assert odd.argmax() == 5
    assert found[0].item_id == 105
    assert found[0].reason == "It looks unlike the other images of ant."
    assert len(found) < 5


def test_of_a_small_class_nobody_can_say_what_is_odd():
    features, items = clusters()
    labels = ["few" if at < outliers.FEWEST - 1 else "many" for at in range(len(items))]

    odd = outliers.scores(features, labels, multi=False)

    assert np.isnan(odd[: outliers.FEWEST - 1]).all()
    assert np.isfinite(odd[outliers.FEWEST - 1 :]).all()


def test_a_large_class_is_measured_a_block_at_a_time():
    features = np.random.default_rng(0).normal(size=(3000, 4)).astype(np.float32)

    tracemalloc.start()
    odd = outliers.scores(features, ["ant"] * 3000, multi=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert np.isfinite(odd).all()
    assert peak < 20e6  # all cosines at once are 36 MB


def test_blocks_say_the_same_as_the_whole_class_at_once(monkeypatch: pytest.MonkeyPatch):
    features, items = clusters()
    labels = items["label"].tolist()

    whole = outliers.scores(features, labels, multi=False)
    monkeypatch.setattr(outliers, "BLOCK_ITEMS", 7)
    in_blocks = outliers.scores(features, labels, multi=False)

    np.testing.assert_allclose(in_blocks, whole, atol=1e-5)


def tell_near(*groups: tuple[int, ...]) -> None:
    """Store what an earlier audit took for crops and mirrors of the first of each group."""
    found = [
        Finding(
            item_id=group[-1],
            kind="near_copy",
            score=0.9,
            reason="It is a crop.",
            suggestion="look",
            members=group,
        )
        for group in groups
    ]
    findings.replace("d-1", "near", found)


def test_near_copies_of_the_last_audit_are_held_out_together():
    ids = builders.insert_dataset({"cat": [f"{at}.jpg" for at in range(6)]})
    items = pd.DataFrame({"item_id": ids, "group": [ids[0], ids[0], *ids[2:]]})
    tell_near((ids[3], ids[2]), (ids[4], 999, ids[1]))

    found = folds.groups_of(items)

    assert found[0] == found[1] == found[4]
    assert found[2] == found[3]
    assert len(set(found)) == 3


def test_a_crop_with_the_same_wrong_label_does_not_vouch_for_it():
    features, items = clusters()
    ids = builders.insert_dataset({"cat": [f"{at}.jpg" for at in range(len(items))]})
    items = items.assign(item_id=ids, group=ids)
    features[1] = features[0]
    items.loc[[0, 1], "label"] = "bee"

    apart = judge(features, items).table["oof_loss"]
    tell_near((ids[0], ids[1]))
    together = judge(features, items).table["oof_loss"]

    assert together[0] > apart[0] + 1
