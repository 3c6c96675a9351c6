"""Experiments in the store: started with their runs, found, followed, stopped.

An experiment holds the ids of its runs. A finished run of the same description is taken as it is,
and stays where it was made; the others are queued, and name the experiment and their arm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from core.domain.errors import NotFoundError
from core.domain.jobs import ENDED
from core.domain.plans import Plan
from core.domain.recipes import Recipe
from core.domain.runs import Run
from core.runs import runs
from core.runs.experiments import same
from core.store import clock, database, ids, schema, version

EXPERIMENTS = schema.experiments


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One run that an experiment compares: the plan has its seed."""

    arm: str
    plan: Plan
    revision: int


@dataclass(frozen=True, kw_only=True)
class Member:
    """One run of an experiment, by the condition and the seed it stands for."""

    arm: str
    seed: int
    run_id: str


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Runs made to be compared; `about` says of what, as its kind describes itself."""

    id: str
    dataset_id: str
    kind: str
    name: str
    about: dict[str, Any]
    members: tuple[Member, ...]
    created_at: float


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far the runs of an experiment are."""

    n_total: int
    n_finished: int
    n_failed: int  # ended in any other way: failed, lost, stopped
    remaining_seconds: float | None  # None where nobody can say yet

    @property
    def is_over(self) -> bool:
        """Say whether no run of it waits or works."""
        return self.n_finished + self.n_failed == self.n_total


def start(
    dataset_id: str, *, kind: str, name: str, about: Mapping[str, Any], wanted: Sequence[Wanted]
) -> Experiment:
    """Queue the runs of an experiment, but for those that have finished or are under way.

    An experiment about the same is gone on with: what is missing of it is queued again. The plans
    were checked before (`plans.check`). The row is written after its runs are queued: where the
    process ends in between they are runs like any other.
    """
    old = next((one for one in list_experiments(dataset_id, kind) if one.about == about), None)
    experiment_id = old.id if old is not None else ids.new("experiment")
    held = _under_way(old) if old is not None else {}
    members = tuple(_member(dataset_id, experiment_id, one, held) for one in wanted)
    spec = {"about": dict(about), "members": [asdict(member) for member in members]}
    values = {"name": name, "spec": spec}
    first = {"dataset_id": dataset_id, "kind": kind, "created_at": clock.now()}
    with database.writing() as connection:
        if old is not None:
            mine = sa.update(EXPERIMENTS).where(EXPERIMENTS.c.id == experiment_id)
            connection.execute(mine.values(**values))
        else:
            insert = sa.insert(EXPERIMENTS)
            connection.execute(insert.values(id=experiment_id, **first, **values))
    return get(experiment_id)


def get(experiment_id: str) -> Experiment:
    """Give an experiment, or say that there is none of that id."""
    query = sa.select(EXPERIMENTS).where(EXPERIMENTS.c.id == experiment_id)
    with database.reading() as connection:
        row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFoundError(
            f"There is no experiment {experiment_id!r}.", hint="Choose one of the list."
        )
    return _experiment(row)


def list_experiments(dataset_id: str, kind: str | None = None) -> list[Experiment]:
    """List the experiments of a dataset, of one kind or of all, the newest first."""
    query = sa.select(EXPERIMENTS).where(EXPERIMENTS.c.dataset_id == dataset_id)
    if kind is not None:
        query = query.where(EXPERIMENTS.c.kind == kind)
    with database.reading() as connection:
        found = connection.execute(query.order_by(EXPERIMENTS.c.created_at.desc())).mappings()
        return [_experiment(row) for row in found]


def list_runs(experiment: Experiment) -> list[tuple[Member, Run]]:
    """List the runs of an experiment in its order."""
    found = runs.get_all(member.run_id for member in experiment.members)
    return [(one, found[one.run_id]) for one in experiment.members if one.run_id in found]


def progress(experiment: Experiment) -> Progress:
    """Count how far the runs are, and estimate from those that ended how long the others take."""
    found = {run.id: run for _, run in list_runs(experiment)}  # arms may share a run
    ended = [run for run in found.values() if run.status in ENDED]
    n_finished = sum(run.status == "finished" for run in ended)
    left = [run for run in found.values() if run.status not in ENDED]
    return Progress(
        n_total=len(found),
        n_finished=n_finished,
        n_failed=len(ended) - n_finished,
        remaining_seconds=_remaining(left, ended),
    )


def stop(experiment_id: str) -> None:
    """Stop the runs that were made for an experiment and still wait or work."""
    experiment = get(experiment_id)
    own = [run for _, run in list_runs(experiment) if run.experiment_id == experiment_id]
    waiting = [run for run in own if run.status == "queued"]
    working = [run for run in own if run.status not in (*ENDED, "queued")]
    for run in (*waiting, *working):  # so that no waiting one begins when a working one ends
        runs.stop(run.id)


def seconds_of_one(dataset_id: str, recipe: Recipe) -> float | None:
    """Give how long the newest finished run of a recipe took; None where there is none."""
    found = (run for run in runs.list_runs(dataset_id) if run.recipe == recipe)
    return next((_seconds(run) for run in found if run.status == "finished"), None)


def _experiment(row: sa.RowMapping) -> Experiment:
    plain = {name: row[name] for name in ("id", "dataset_id", "kind", "name", "created_at")}
    members = tuple(Member(**one) for one in row["spec"]["members"])
    return Experiment(**plain, about=row["spec"]["about"], members=members)


def _under_way(experiment: Experiment) -> dict[tuple[str, int], Run]:
    """Give the runs of an experiment that wait or work, by arm and seed."""
    code = version.code_version()
    return {
        (member.arm, member.seed): run
        for member, run in list_runs(experiment)
        if run.status not in ENDED and run.code_version == code
    }


def _member(
    dataset_id: str, experiment_id: str, wanted: Wanted, held: Mapping[tuple[str, int], Run]
) -> Member:
    plan = wanted.plan
    run = held.get((wanted.arm, plan.seed))
    run = run or same.find(dataset_id, plan, revision=wanted.revision)
    if run is None:
        run = runs.start(
            dataset_id,
            plan,
            name=f"{plan.recipe.name} {plan.recipe.arch}, {wanted.arm}, seed {plan.seed}",
            revision=wanted.revision,
            place=runs.Place(experiment_id=experiment_id, arm=wanted.arm),
        )
    return Member(arm=wanted.arm, seed=plan.seed, run_id=run.id)


def _remaining(left: Sequence[Run], ended: Sequence[Run]) -> float | None:
    if not left:
        return 0.0
    worked = [_seconds(run) for run in ended if run.status == "finished"]
    known = [seconds for seconds in worked if seconds is not None]
    usual = (
        sum(known) / len(known) if known else seconds_of_one(left[0].dataset_id, left[0].recipe)
    )
    total = 0.0
    for run in left:
        its_own = run.progress.remaining_seconds if run.status == "running" else None
        seconds = usual if its_own is None else its_own
        if seconds is None:
            return None
        total += seconds
    return total


def _seconds(run: Run) -> float | None:
    if run.started_at is None or run.finished_at is None:
        return None
    return run.seconds_before + run.finished_at - run.started_at
