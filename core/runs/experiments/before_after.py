"""Before and after: the same recipe on the data as it was before the edits, and as it is now.

Each seed trains once on either, so that seeds can be paired. A third arm is the data before the
edits with as many train images removed at random as the edits changed: what less data alone does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.datasets import catalog, lost, rebuild
from core.domain import edits as rules
from core.domain.errors import InputError
from core.domain.plans import Plan, RandomRemoval
from core.domain.values import Frozen
from core.runs import plans
from core.runs.experiments import changes, registry, same
from core.runs.experiments.changes import Changes
from core.runs.experiments.registry import Experiment, Wanted
from core.store import database

BEFORE_AFTER = "before_after"
N_SEEDS = 5
FEWEST_SEEDS = 2
MOST_SEEDS = 20
SEEDS_BELOW = 2**31


class BeforeAfter(Frozen):
    """What a comparison of before and after is about."""

    plan: Plan  # with the first seed
    before: int  # revision
    after: int  # revision
    seeds: tuple[int, ...]
    n_random: int | None  # train images that the arm "random" does without; None: no such arm


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What a comparison would train, and why."""

    about: BeforeAfter
    changes: Changes  # between the revisions
    wanted: tuple[Wanted, ...]
    n_ready: int  # of the wanted runs: those that finished already
    seconds: float | None  # to train the others, by the last run of the recipe; None: unknown


def before_after(
    dataset_id: str,
    plan: Plan,
    *,
    n_seeds: int = N_SEEDS,
    with_random: bool = True,
    before: int | None = None,
) -> Experiment:
    """Retrain a plan before and after the edits, once a seed; as `propose` says."""
    proposal = propose(dataset_id, plan, n_seeds=n_seeds, with_random=with_random, before=before)
    return _start(dataset_id, proposal.about)


def go_on(experiment_id: str) -> Experiment:
    """Train again what has failed, or was stopped, of a comparison; its revisions stay."""
    experiment = registry.get(experiment_id)
    return _start(experiment.dataset_id, about(experiment))


def propose(
    dataset_id: str,
    plan: Plan,
    *,
    n_seeds: int = N_SEEDS,
    with_random: bool = True,
    before: int | None = None,
) -> Proposal:
    """Say what a comparison would train; nothing is started.

    `before` is a revision; None is the last one before the edits. The seeds count up from the
    plan's. Raises InputError where there are too few or too many seeds, where no train image
    differs between the revisions, so that both would be the same training, or where files were
    replaced or deleted that a run which has not finished would read.
    """
    if not FEWEST_SEEDS <= n_seeds <= MOST_SEEDS:
        raise InputError(
            f"A comparison takes {FEWEST_SEEDS} to {MOST_SEEDS} seeds, and {n_seeds} were chosen.",
            hint=f"Take {N_SEEDS}: with fewer an interval says little, more cost time.",
        )
    after = catalog.get(dataset_id).revision
    since = first_before(dataset_id) if before is None else before
    found = changes.between(
        dataset_id, split_id=plan.split_id, before=since, after=after, subset=plan.subset
    )
    _check_changes(found, since, after)
    said = BeforeAfter(
        plan=plan,
        before=since,
        after=after,
        seeds=tuple((plan.seed + number) % SEEDS_BELOW for number in range(n_seeds)),
        n_random=(len(found.train.edited) or None) if with_random else None,
    )
    wanted = _wanted(said)
    missing = _missing(dataset_id, wanted)
    _check_files(dataset_id, missing)
    n_ready = len(wanted) - len(missing)
    one = registry.seconds_of_one(dataset_id, plan.recipe)
    return Proposal(
        about=said,
        changes=found,
        wanted=wanted,
        n_ready=n_ready,
        seconds=None if one is None else one * len(missing),
    )


def first_before(dataset_id: str) -> int:
    """Give the last revision before the first edit in force that excludes or relabels.

    Raises InputError where there is no such edit.
    """
    with database.reading() as connection:
        history = rules.history(rebuild.log(connection, dataset_id))
        found = rebuild.edits_of(connection, dataset_id, history)
        first = next((edit.revision for edit in found if edit.kind != "keep"), None)
    if first is None:
        raise InputError(
            "No image of this dataset was excluded or relabelled, so there is nothing to compare.",
            hint="Review what the audit has found first.",
        )
    return first - 1


def about(experiment: Experiment) -> BeforeAfter:
    """Read what an experiment of this kind is about."""
    return BeforeAfter.model_validate(experiment.about)


def _start(dataset_id: str, said: BeforeAfter) -> Experiment:
    recipe, wanted = said.plan.recipe, _wanted(said)
    for one in _of_seed(said, said.seeds[0]):  # what the others would use differs in no number
        plans.check(dataset_id, one.plan, revision=one.revision)
    _check_files(dataset_id, _missing(dataset_id, wanted))
    return registry.start(
        dataset_id,
        kind=BEFORE_AFTER,
        name=f"Revision {said.before} → {said.after}, {recipe.name} {recipe.arch}",
        about=said.model_dump(mode="json"),
        wanted=wanted,
    )


def _check_changes(found: Changes, before: int, after: int) -> None:
    if found.train.edited or found.train.added or found.train.gone:
        return
    n_valid = len(found.valid.edited) + len(found.valid.added) + len(found.valid.gone)
    only = f" Only {n_valid} validation images differ." if n_valid else ""
    raise InputError(
        f"No train image differs between the revisions {before} and {after}, so that both would "
        f"be the same training.{only}",
        hint="Review train images first, or choose an earlier revision to compare with.",
    )


def _missing(dataset_id: str, wanted: Sequence[Wanted]) -> list[Wanted]:
    """List the runs that no finished one stands for."""
    return [
        one for one in wanted if same.find(dataset_id, one.plan, revision=one.revision) is None
    ]


def _check_files(dataset_id: str, missing: Sequence[Wanted]) -> None:
    """Raise RecipeError where a run would find other files than its revision had.

    Arms that read the same images are looked at once: without a limit a class, a removal at random
    reads fewer than there are, and none besides.
    """
    seen = set()
    for one in missing:
        subset = one.plan.subset
        if subset.per_class is None:
            subset = subset.model_copy(update={"without": None})
        key = (one.revision, subset.model_dump_json())
        if key in seen:
            continue
        seen.add(key)
        frame = catalog.items_at(
            dataset_id, revision=one.revision, split_id=one.plan.split_id, subset=subset
        )
        lost.check(dataset_id, frame[frame["part"] != "test"], revision=one.revision)


def _wanted(said: BeforeAfter) -> tuple[Wanted, ...]:
    """List the runs, a seed at a time: a comparison that is stopped early has whole pairs."""
    return tuple(one for seed in said.seeds for one in _of_seed(said, seed))


def _of_seed(said: BeforeAfter, seed: int) -> list[Wanted]:
    plan = said.plan.model_copy(update={"seed": seed})
    arms = [
        Wanted(arm="before", plan=plan, revision=said.before),
        Wanted(arm="after", plan=plan, revision=said.after),
    ]
    if said.n_random is not None:
        removal = RandomRemoval(n=said.n_random, seed=seed)
        less = plan.subset.model_copy(update={"without": removal})
        random = plan.model_copy(update={"subset": less})
        arms.append(Wanted(arm="random", plan=random, revision=said.before))
    return arms
