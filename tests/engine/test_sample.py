"""The sample keeps its promise: it trains well in a minute, and its mistakes come out on top."""

from pathlib import Path

import pytest

from core.datasets import catalog, sample, scan, splits
from core.domain.plans import Plan
from core.engine import worker
from core.review import top_losses
from core.runs import recipes, runs
from core.store import files

pytestmark = pytest.mark.engine


class Silent:
    """A lease that nobody watches."""

    def report(self, **columns: object) -> None:
        """Forget it."""

    def should_stop(self) -> bool:
        """Never."""
        return False


def test_the_sample_trains_to_over_90_percent_and_ranks_its_planted_mistakes_first(home: Path):
    sample.write()
    dataset = sample.register()
    scan.run(dataset.id, Silent())
    plan = Plan(
        split_id=splits.get_master(dataset.id).id, recipe=recipes.for_the_sample(), seed=42
    )
    run = runs.start(dataset.id, plan)

    worker.work_on("run", run.id)

    planted = {one["path"] for one in files.load_json(files.sample_manifest())["wrong"]}
    ranked = top_losses.of_train(run.id)
    items = catalog.get_items([one.item_id for one in ranked], split_id=None)
    paths = [items[one.item_id].path for one in ranked]
    k = sum(path in planted for path in paths)
    found = sum(path in planted for path in paths[: 2 * k])
    assert runs.get(run.id).status == "finished", runs.get(run.id).error
    assert runs.get(run.id).metrics["accuracy"] > 0.9
    assert k > 10
    assert found >= 0.8 * k
