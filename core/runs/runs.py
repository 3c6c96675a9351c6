"""Runs: start, stop, find, list, and what was measured of each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from core.datasets import applying, catalog
from core.domain.errors import ConflictError, NotFoundError
from core.domain.jobs import ACTIVE, WAITING
from core.domain.plans import Plan
from core.domain.recipes import Recipe, Stage
from core.domain.runs import Epoch, Run, StageInfo
from core.runs import beginnings, plans, rows
from core.store import clock, database, files, ids, jobs, schema, version

RUNS = schema.runs


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a run belongs in an experiment."""

    experiment_id: str
    arm: str  # which of the compared conditions it is


def start(
    dataset_id: str,
    plan: Plan,
    *,
    name: str | None = None,
    retrain_of: str | None = None,
    revision: int | None = None,
    place: Place | None = None,
) -> Run:
    """Put a run of the plan into the queue, on the dataset at a revision; None: as it is now.

    Where the same description waits already, as after a double click, that run is given. Raises
    RecipeError for what cannot be trained, and NotFoundError for a revision that there is not (an
    experiment checks that itself, once for all its seeds), ConflictError while files are moved.
    """
    if place is None:
        plans.check(dataset_id, plan, revision=revision)
    if plan.begins_from is not None:
        _check_beginning(get(plan.begins_from), plan)
    described = {
        "dataset_id": dataset_id,
        "revision": catalog.get(dataset_id).revision if revision is None else revision,
        "split_id": plan.split_id,
        "subset": plan.subset.model_dump(mode="json"),
        "recipe": plan.recipe.model_dump(mode="json"),
        "begins_from": plan.begins_from,
        "seed": plan.seed,
    }
    values = {
        "id": ids.new("run"),
        "name": name or _free_name(dataset_id, plan),
        "code_version": version.code_version(),
        "retrain_of": retrain_of,
        "experiment_id": place.experiment_id if place is not None else None,
        "arm": place.arm if place is not None else None,
        "status": "queued",
        "created_at": clock.now(),
        **described,
    }
    waiting = sa.select(RUNS).where(RUNS.c.dataset_id == dataset_id, RUNS.c.status == "queued")
    sharers = applying.sharers(dataset_id)
    with database.writing() as connection:
        _check_still(connection, sharers)
        for row in connection.execute(waiting).mappings():
            if {field: row[field] for field in described} == described:
                return rows.run(row)
        connection.execute(sa.insert(RUNS).values(**values))
    return get(str(values["id"]))


def retrain(run_id: str) -> Run:
    """Start the same recipe, split, subset and seed again on the dataset as it is now."""
    old = get(run_id)
    return start(old.dataset_id, plan_of(old), retrain_of=run_id)


def plan_of(run: Run) -> Plan:
    """Give the plan that a run was launched from."""
    return Plan(
        split_id=run.split_id,
        subset=run.subset,
        recipe=run.recipe,
        begins_from=run.begins_from,
        seed=run.seed,
    )


def get(run_id: str) -> Run:
    """Give a run, or say that there is none of that id."""
    query = sa.select(RUNS).where(RUNS.c.id == run_id)
    with database.reading() as connection:
        row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFoundError(f"There is no run {run_id!r}.", hint="Choose one on the Runs page.")
    return rows.run(row)


def get_all(run_ids: Iterable[str]) -> dict[str, Run]:
    """Give some runs by their ids; those that there are not are left out."""
    query = sa.select(RUNS).where(RUNS.c.id.in_(list(run_ids)))
    with database.reading() as connection:
        return {row["id"]: rows.run(row) for row in connection.execute(query).mappings()}


def list_runs(dataset_id: str | None = None, *, limit: int = 200) -> list[Run]:
    """List the newest runs, of one dataset or of all that were not removed."""
    query = sa.select(RUNS).order_by(RUNS.c.created_at.desc()).limit(limit)
    if dataset_id is not None:
        query = query.where(RUNS.c.dataset_id == dataset_id)
    else:
        datasets = schema.datasets
        shown = sa.select(datasets.c.id).where(datasets.c.removed_at.is_(None))
        query = query.where(RUNS.c.dataset_id.in_(shown))
    with database.reading() as connection:
        return [rows.run(row) for row in connection.execute(query).mappings()]


def rename(run_id: str, name: str) -> None:
    """Give a run another name; its description stays."""
    with database.writing() as connection:
        connection.execute(sa.update(RUNS).where(RUNS.c.id == run_id).values(name=name.strip()))


def stop(run_id: str) -> None:
    """Ask a run to end and to keep what was learnt."""
    jobs.request_stop(RUNS, run_id)


def pause(run_id: str) -> None:
    """Have a run wait after the batch it is at; its process keeps the device and the memory."""
    jobs.express_wish(RUNS, run_id, "pause")


def stop_after_epoch(run_id: str) -> None:
    """Have a run end once the epoch it is in was measured."""
    jobs.express_wish(RUNS, run_id, "stop_after_epoch")


def take_wish_back(run_id: str) -> None:
    """Have a run go on as if nothing had been asked for, also one that is paused."""
    jobs.express_wish(RUNS, run_id, None)


def can_continue(run: Run) -> bool:
    """Say whether a run ended before its recipe was done, so that it may go on."""
    has_begun = run.started_at is not None or run.n_continued > 0
    return run.status in ("stopped", "lost", "failed") and has_begun


def resume(run_id: str) -> Run:
    """Go on with a run: at once where it is paused, else from its last whole epoch, in the queue.

    It ends as it would have without the break. One that works or waits already is left as it is,
    as after a double click. Raises ConflictError for a run that is finished, and while its files
    are moved.
    """
    run = get(run_id)
    if run.status in ACTIVE and run.status != "stopping":
        take_wish_back(run_id)
    if run.status in ACTIVE or run.status == "queued":
        return get(run_id)
    if not can_continue(run):
        raise ConflictError(
            f"The run {run.name} is {run.status}, so there is nothing to continue.",
            hint="Train more begins a new run from its weights.",
        )
    begun = run.finished_at if run.started_at is None else run.started_at
    worked = (run.finished_at or 0.0) - (begun or 0.0)
    values = {
        **dict.fromkeys(("pid", "process_started_at", "device", "error", "hint")),
        **dict.fromkeys(("started_at", "finished_at", "wish")),
        "status": "queued",
        "heartbeat_at": clock.now(),  # it waits since now
        "stop_requested": False,
        "message": "",
        "n_continued": run.n_continued + 1,
        "seconds_before": run.seconds_before + max(0.0, worked),
    }
    mine = sa.update(RUNS).where(RUNS.c.id == run_id, RUNS.c.status == run.status)
    sharers = applying.sharers(run.dataset_id)
    with database.writing() as connection:
        _check_still(connection, sharers)
        connection.execute(mine.values(**values))
    return get(run_id)


def plan_more(run_id: str) -> Plan:
    """Plan a new run that begins from a run's weights: its last stage, once more.

    Raises RecipeError where the run left no weights.
    """
    run = get(run_id)
    recipe = run.recipe.model_copy(
        update={"stages": _more_stages(run.recipe), "name": f"{run.recipe.name[:74]}, more"}
    )
    plan = plan_of(run).model_copy(update={"recipe": recipe, "begins_from": run_id})
    _check_beginning(run, plan)
    return plan


def log(run_id: str) -> str:
    """Read what a run's process printed."""
    path = files.run_log(run_id)
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def list_stages(run_id: str) -> list[StageInfo]:
    """List what each stage trains, once the worker has built the model."""
    table = schema.stages
    query = sa.select(table).where(table.c.run_id == run_id).order_by(table.c.stage)
    with database.reading() as connection:
        found = connection.execute(query).mappings().all()
    return [StageInfo(**{k: v for k, v in row.items() if k != "run_id"}) for row in found]


def list_epochs(run_id: str) -> list[Epoch]:
    """List the epochs that ended, oldest first."""
    table = schema.epochs
    query = sa.select(table).where(table.c.run_id == run_id).order_by(table.c.epoch)
    with database.reading() as connection:
        found = connection.execute(query).mappings().all()
    return [Epoch(**{k: v for k, v in row.items() if k != "run_id"}) for row in found]


def queue_position(run: Run) -> int:
    """Count the jobs that take the device before a queued run, working ones among them."""
    ahead = 0
    with database.reading() as connection:
        mine = sa.select(jobs.waiting_since(RUNS)).where(RUNS.c.id == run.id)
        since = connection.execute(mine).scalar_one()
        for table in (RUNS, schema.tasks):
            before = jobs.waiting_since(table) < since
            earlier = sa.and_(table.c.status == "queued", before)
            waiting = sa.or_(table.c.status.in_(ACTIVE), earlier)
            query = sa.select(sa.func.count()).select_from(table).where(waiting)
            if table is schema.tasks:
                query = query.where(table.c.needs_device)
            ahead += connection.execute(query).scalar_one()
    return ahead


def _check_still(connection: sa.Connection, dataset_ids: Sequence[str]) -> None:
    """Raise ConflictError while files are moved; in the transaction that queues a run.

    An application looks for runs once its task is there, so one of the two sees the other.
    """
    datasets, table = schema.datasets, schema.tasks
    query = sa.select(datasets.c.name).join(table, table.c.dataset_id == datasets.c.id)
    moving = query.where(datasets.c.id.in_(dataset_ids), table.c.kind == "apply")
    name = connection.execute(
        moving.where(table.c.status.in_((*ACTIVE, *WAITING))).limit(1)
    ).scalar()
    if name is not None:
        raise ConflictError(
            f"The files of this dataset are being moved: edits of {name} are applied to disk.",
            hint="Wait for that to end.",
        )


def _more_stages(recipe: Recipe) -> tuple[Stage, ...]:
    last = recipe.stages[-1]
    return (last.model_copy(update={"train": "head"}) if last.train == "features" else last,)


def _check_beginning(first: Run, plan: Plan) -> None:
    """Raise RecipeError where a run's weights cannot be those that a plan begins with."""
    beginnings.check(first, plan.recipe)  # `plans.check` compares the classes, too


def _free_name(dataset_id: str, plan: Plan) -> str:
    query = sa.select(sa.func.count()).select_from(RUNS).where(RUNS.c.dataset_id == dataset_id)
    with database.reading() as connection:
        n_before = connection.execute(query).scalar_one()
    return f"{n_before + 1} · {plan.recipe.name} {plan.recipe.arch}"
