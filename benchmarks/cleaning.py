"""What reviewing the audit's findings is worth: before and after, on the same validation images.

    python -m benchmarks.cleaning FOLDER [--arch squeezenet1_0] [--recipe "Features only"]
                                  [--seeds 10] [--size 128] [--fraction 0.2] [--planting 1]

FOLDER has one sub-folder a class. A share of the train labels is made wrong, alike to all classes;
valid is left as it is. The audit judges the folder, and a person who is never wrong about a
planted label goes through the first 2k entries of the review queue (k were planted): a wrong
label is put right, all else is kept. Then `experiments.before_after` trains the recipe before the
review, after it, and with as many train images removed at random, once a seed each.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import finding, planting
from core.datasets import edits, findings, splits
from core.domain.plans import Plan
from core.domain.recipes import Recipe
from core.review import before_after
from core.review.before_after import Comparison, Difference
from core.review.statistics import Interval
from core.runs import experiments, recipes, runs


def review(dataset_id: str, truth: dict[int, str]) -> tuple[int, int]:
    """Decide about the first 2k entries about train; gives how many were wrong, and how many."""
    split = splits.get_master(dataset_id)
    assert split is not None
    queue = findings.entries(
        dataset_id, filters=findings.QueueFilter(parts=("train",)), split_id=split.id
    )
    seen = [one.item_id for one in queue[: 2 * len(truth)]]
    wrong = [item_id for item_id in seen if item_id in truth]
    by_label: dict[str, list[int]] = {}
    for item_id in wrong:
        by_label.setdefault(truth[item_id], []).append(item_id)
    decisions = [
        edits.Decision(kind="relabel", item_ids=tuple(ids), label=label)
        for label, ids in sorted(by_label.items())
    ]
    kept = tuple(item_id for item_id in seen if item_id not in truth)
    decisions.append(edits.Decision(kind="keep", item_ids=kept))
    edits.apply_all(dataset_id, operation_id="review", decisions=decisions)
    return len(wrong), len(seen)


def measure(folder: Path, given: argparse.Namespace) -> Comparison:
    """Plant, audit, review, train; gives the comparison."""
    dataset_id = finding.scan(folder)
    before = finding.items(dataset_id)
    mine = before[before["part"] == "train"]
    rows = list(mine[["item_id", "path", "label"]].itertuples(index=False, name=None))
    wrong = planting.wrong_labels(rows, seed=given.planting, fraction=given.fraction)
    truth = {item_id: label for item_id, _path, label in rows if item_id in wrong}
    for item_id, path, _label in rows:
        if item_id in wrong:
            planting.move(folder, path, wrong[item_id])
    finding.scan(folder)
    finding.audit(dataset_id, given.arch)
    n_wrong, n_seen = review(dataset_id, truth)
    _tell(f"{len(rows)} train images, {len(wrong)} wrong labels; reviewed {n_seen}: {n_wrong}")
    split = splits.get_master(dataset_id)
    assert split is not None
    plan = Plan(split_id=split.id, recipe=_recipe(given), seed=1)
    experiment = experiments.before_after(dataset_id, plan, n_seeds=given.seeds)
    for member in experiment.members:
        finding.train(member.run_id)
        ended = runs.get(member.run_id)
        score = ended.metrics.get("accuracy")
        _tell(f"  {member.arm}, seed {member.seed}: {ended.status}, accuracy {score}")
    found = before_after.compare(experiment)
    assert found is not None
    return found


def _recipe(given: argparse.Namespace) -> Recipe:
    made = recipes.offer(given.recipe).make(arch=given.arch)
    sizes = {"size_px": given.size, "presize_px": given.size * 3 // 2, "batch_size": 64}
    return Recipe.model_validate({**made.model_dump(), **sizes})


def _print(found: Comparison) -> None:
    _tell(before_after.sentence(found))
    for row in found.rows:
        _tell(f"  {row.metric}: {row.before:.4f} before, {row.after:.4f} after")
        _tell(f"    cleaning: {_in_words(row.cleaning)}")
        if row.random is not None:
            _tell(f"    as many removed at random: {_in_words(row.random)}")
    _tell(f"  turned right {found.n_to_right:.1f}, wrong {found.n_to_wrong:.1f}, a seed")


def _in_words(one: Difference) -> str:
    named = {"seeds": one.seeds, "images": one.images, "both": one.both}
    intervals = ", ".join(f"{name} {_range(each)}" for name, each in named.items())
    return f"{one.mean:+.4f} ({intervals})"


def _range(one: Interval | None) -> str:
    return "unknown" if one is None else f"{one.low:+.4f} to {one.high:+.4f}"


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> None:
    """Run the script from the command line."""
    parser = argparse.ArgumentParser(description="Measure what reviewing findings is worth.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--arch", default="squeezenet1_0")
    parser.add_argument("--recipe", default="Features only")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--fraction", type=float, default=0.2)
    parser.add_argument("--planting", type=int, default=1, help="the seed of the wrong labels")
    given = parser.parse_args(arguments)
    with (
        TemporaryDirectory(prefix="winnow-features-") as features,
        finding.workplace(given.folder, features=Path(features)) as folder,
    ):
        _print(measure(folder, given))


if __name__ == "__main__":
    main(sys.argv[1:])
