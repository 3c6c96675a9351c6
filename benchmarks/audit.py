"""What the audit finds of faults that were planted into a folder of photos.

    python -m benchmarks.audit FOLDER [--arch squeezenet1_0] [--seeds 1 2 3] [--train fine-tune]

FOLDER has one sub-folder a class. For each seed there are three copies of it: one with copies,
drawings and blurred pictures, one with 10 % of the train labels made wrong alike, one with 10 %
made wrong by the confusions of an audit of the clean folder. Printed are, a finder each, AUPRC,
precision at k (k were planted) and recall at 2k of the ranking of all items, and the seconds of
the first audit and of a repeat after 50 edits. Items that were odd before count as wrong finds.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import finding, planting
from core.datasets import edits, findings, splits, suspicion
from core.domain.findings import OF_COPIES, FindingKind
from core.domain.plans import Plan
from core.runs import recipes, runs
from core.store import files, frames

N_FAULTS = 30
FRACTION = 0.1
N_EDITS = 50
Row = dict[str, float]


def faults(photos: Path, features: Path, arch: str, seed: int) -> dict[str, Row]:
    """Plant copies, drawings and blurred pictures, audit, and measure each finder."""
    with finding.workplace(photos, features=features) as folder:
        planted = planting.faults(folder, seed=seed, n=N_FAULTS)
        dataset_id = finding.scan(folder)
        first = finding.audit(dataset_id, arch)
        items = finding.items(dataset_id)
        ids = dict(zip(items["path"], items["item_id"], strict=True))
        copies = {ids[one]: ids[other] for one, other in planted.exact.items()}
        near = {ids[one]: ids[other] for one, other in planted.near.items()}
        return {
            "exact copies": _copies(items, copies, copies | near, ("copy", "conflict")),
            "near copies": _copies(items, near, copies | near, ("near_copy", "leak")),
            "drawings": _kind(items, "drawing", [ids[one] for one in planted.drawings]),
            "blurred": _kind(items, "blurry", [ids[one] for one in planted.blurred]),
            "drawings, as outliers": _outliers(dataset_id, [ids[one] for one in planted.drawings]),
            "seconds": {"wall": first["wall"], "cpu": first["cpu"]},
        }


def labels(  # the whole of an experiment
    photos: Path,
    features: Path,
    arch: str,
    seed: int,
    *,
    confusion: dict[str, dict[str, float]] | None,
    train: str | None,
) -> dict[str, Row]:
    """Make labels of train wrong, audit, fit where that is wanted, and measure the rankings."""
    with finding.workplace(photos, features=features) as folder:
        dataset_id = finding.scan(folder)
        before = finding.items(dataset_id)
        mine = before[before["part"] == "train"]
        rows = list(mine[["item_id", "path", "label"]].itertuples(index=False, name=None))
        wrong = planting.wrong_labels(rows, seed=seed, fraction=FRACTION, confusion=confusion)
        for item_id, path, _label in rows:
            if item_id in wrong:
                planting.move(folder, path, wrong[item_id])
        finding.scan(folder)
        _check_moved(dataset_id, mine, wrong)
        finding.audit(dataset_id, arch)
        found = {"before training": _labels(dataset_id, wrong)}
        if train is not None:
            found |= _trained(dataset_id, arch, train, seed, wrong)
        repeat = _repeat(dataset_id, arch)
        return found | {"seconds of a repeat": {"wall": repeat["wall"], "cpu": repeat["cpu"]}}


def confusions(photos: Path, features: Path, arch: str) -> dict[str, dict[str, float]]:
    """Audit the folder as it is, and give which class is taken for which, and how often."""
    with finding.workplace(photos, features=features) as folder:
        dataset_id = finding.scan(folder)
        first = finding.audit(dataset_id, arch)
        _tell(f"{first['n_items']} photos, clean: {first['wall']:.1f} s, {first['cpu']:.1f} CPU-s")
        _tell(f"  by step: {first['seconds']}; found: {first['n_found']}")
        scores = frames.load(files.audit_scores(dataset_id))
    taken = scores[scores["pred"].notna() & (scores["pred"] != scores["label"])]
    table: dict[str, dict[str, float]] = {label: {} for label in scores["label"].unique()}
    for (label, pred), number in taken.groupby(["label", "pred"]).size().items():
        table[label][pred] = float(number)
    return table


def _check_moved(dataset_id: str, before: pd.DataFrame, wrong: dict[int, str]) -> None:
    """See to it that the moved files are the same items, in train, with the wrong labels."""
    after = finding.items(dataset_id).set_index("item_id")
    for item_id in before["item_id"]:
        row = after.loc[item_id]
        assert row["part"] == "train"
        assert item_id not in wrong or row["label"] == wrong[item_id]


def _labels(dataset_id: str, wrong: dict[int, str]) -> Row:
    scores = suspicion.scores(dataset_id)
    train = scores[(scores["part"] == "train") & scores["suspicion"].notna()]
    is_planted = train["item_id"].isin(wrong).to_numpy()
    assert is_planted.sum() == len(wrong)
    measured = finding.ranking(train["suspicion"].to_numpy(), is_planted)
    return {**measured, "n": float(len(train)), "k": float(len(wrong))}


def _trained(
    dataset_id: str, arch: str, name: str, seed: int, wrong: dict[int, str]
) -> dict[str, Row]:
    """Fit for 8 epochs at 128 px; measure with the audit, and the losses of the fit alone."""
    split = splits.get_master(dataset_id)
    assert split is not None
    made = recipes.offer(name).make(arch=arch)
    stages = tuple(
        stage.model_copy(update={"epochs": 7}) if at else stage
        for at, stage in enumerate(made.stages)
    )
    sizes = {"size_px": 128, "presize_px": 192, "batch_size": 64, "stages": stages}
    recipe = made.model_copy(update=sizes)
    run = runs.start(dataset_id, Plan(split_id=split.id, recipe=recipe, seed=seed))
    finding.train(run.id)
    both = _labels(dataset_id, wrong)
    scores = files.audit_scores(dataset_id)
    aside = scores.with_suffix(".aside")
    scores.rename(aside)
    alone = _labels(dataset_id, wrong)
    aside.rename(scores)
    return {"training losses alone": alone, "after training": both}


def _copies(
    items: pd.DataFrame,
    wanted: dict[int, int],
    all_planted: dict[int, int],
    kinds: tuple[FindingKind, ...],
) -> Row:
    """Measure findings of copies: right where an item and the one that is kept are of one origin.

    Precision at k and recall at 2k of these findings by their score; copies of the other kind
    that are planted count neither way.
    """
    found = [
        one
        for some in findings.of_items(items["item_id"].tolist()).values()
        for one in some
        if one.kind in kinds
    ]
    assert all(one.kind in OF_COPIES for one in found)
    other = {one: source for one, source in all_planted.items() if one not in wanted}

    def origin(item_id: int) -> int:
        return all_planted.get(item_id, item_id)

    hits, seen = [], set()
    for one in sorted(found, key=lambda one: -one.score):
        if one.item_id in other or any(origin(one.item_id) == origin(source) for source in other):
            continue
        is_right = origin(one.item_id) == origin(one.members[0])
        hits.append(is_right)
        if is_right:
            seen.add(origin(one.item_id))
    k = len(wanted)
    return {
        "precision": float(np.mean(hits)) if hits else 0.0,
        "recall": len(seen & set(wanted.values())) / k,
        "p_at_k": float(np.sum(hits[:k]) / k),
        "n_found": float(len(hits)),
    }


def _kind(items: pd.DataFrame, kind: FindingKind, planted: Sequence[int]) -> Row:
    """Measure the findings of one kind: items without one are ranked last."""
    found = findings.of_items(items["item_id"].tolist())
    score = np.array(
        [
            max((one.score for one in found.get(item, ()) if one.kind == kind), default=0.0)
            for item in items["item_id"]
        ]
    )
    is_planted = items["item_id"].isin(planted).to_numpy()
    n_found = int((score > 0).sum())
    precision = float(is_planted[score > 0].mean()) if n_found else 0.0
    recall = float((score[is_planted] > 0).mean())
    measured = finding.ranking(score, is_planted)
    return {**measured, "precision": precision, "recall": recall, "n_found": float(n_found)}


def _outliers(dataset_id: str, planted: Sequence[int]) -> Row:
    scores = frames.load(files.audit_scores(dataset_id))
    known = scores[scores["outlier"].notna()]
    is_planted = known["item_id"].isin(planted).to_numpy()
    return finding.ranking(known["outlier"].to_numpy(), is_planted)


def _repeat(dataset_id: str, arch: str) -> dict[str, Any]:
    """Decide about the 50 most suspicious items, and audit again."""
    queue = findings.entries(dataset_id)[:N_EDITS]
    edits.apply(
        dataset_id,
        operation_id="benchmark",
        kind="exclude",
        item_ids=[one.item_id for one in queue],
    )
    return finding.audit(dataset_id, arch)


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> None:
    """Run the script from the command line."""
    parser = argparse.ArgumentParser(description="Measure the audit on planted faults.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--arch", default="squeezenet1_0")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--train", default="Fine-tune", help="a recipe's name; none: do not train")
    parser.add_argument("--only", choices=["faults", "uniform", "confusable"], nargs="+")
    given = parser.parse_args(arguments)
    parts = given.only or ["faults", "uniform", "confusable"]
    train = None if given.train == "none" else given.train
    with TemporaryDirectory(prefix="winnow-features-") as kept:
        features = Path(kept)
        began = time.perf_counter()
        by_class = confusions(given.folder, features, given.arch)
        if "faults" in parts:
            _print(
                "Faults",
                [faults(given.folder, features, given.arch, seed) for seed in given.seeds],
            )
        for name, confusion in (("uniform", None), ("confusable", by_class)):
            if name in parts:
                made = [
                    labels(
                        given.folder, features, given.arch, seed, confusion=confusion, train=train
                    )
                    for seed in given.seeds
                ]
                _print(f"Wrong labels, {name}", made)
        _tell(f"{time.perf_counter() - began:.0f} s in all")


def _print(title: str, found: list[dict[str, Row]]) -> None:
    _tell(f"\n{title} ({len(found)} seeds, mean ± sd)")
    for name in found[0]:
        _tell(f"  {', '.join(found[0][name])}")
        _tell(finding.in_a_row(name, [one[name] for one in found]))


if __name__ == "__main__":
    main(sys.argv[1:])
