"""What a person takes along of a run's model: asked for, found, and downloaded.

The files are made by the engine's task `export`. What a run is described by is gathered here, so
that a file says where it comes from; the plain script, which is text alone, is written here, too.
"""

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import pandas as pd
import sqlalchemy as sa

from core.datasets import catalog
from core.domain.errors import ConflictError, NotFoundError, RecipeError
from core.domain.jobs import ENDED
from core.domain.recipes import ClassWeighted, Recipe
from core.domain.runs import Epoch, Run, StageInfo, Task
from core.runs import predictions, rows, runs, script, tasks
from core.runs.extras import is_installed
from core.store import database, files, frames, schema, version

TASKS = schema.tasks
KEY = "export:"
Format = Literal["fastai", "safetensors", "onnx", "script"]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A format, in the words of the page."""

    format: Format
    name: str
    about: str
    needs: tuple[str, ...] = ()  # packages, by the names that pip knows


KINDS: tuple[Kind, ...] = (
    Kind(
        format="fastai",
        name="fastai",
        about="A learner for `load_learner(…).predict(…)`: one .pkl file that works where Winnow "
        "is not installed. Load such a file only if you trust where it comes from.",
    ),
    Kind(
        format="safetensors",
        name="Weights and JSON",
        about="The bare weights, which run no code when they are loaded, with a JSON that says "
        "all about them, and a README with the lines that load them.",
    ),
    Kind(
        format="onnx",
        name="ONNX",
        about="For other languages and for devices: one file with the normalisation inside, "
        "compared with the model's own answers before it is offered.",
        needs=("onnx", "onnxruntime", "onnxscript"),
    ),
    Kind(
        format="script",
        name="Plain fastai script",
        about="The training itself as readable Python that knows nothing of Winnow, with the list "
        "of images: executed on this machine it gives the same loss in each step.",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A file that is there to be downloaded."""

    path: Path
    n_bytes: int
    facts: dict[str, Any]  # what the engine says of it, such as `notes`

    def open(self) -> BinaryIO:
        """Open it for a download."""
        return self.path.open("rb")


def missing(kind: Kind) -> tuple[str, ...]:
    """Name the packages that a format needs and that are not installed."""
    return tuple(package for package in kind.needs if not is_installed(package))


def request(run_id: str, format: Format) -> Task:  # noqa: A002  # the word of the page
    """Start making a file, or join the task that makes it.

    Raises NotFoundError where the run has no model, and RecipeError or ConflictError where its
    training cannot be written as a plain script.
    """
    run = runs.get(run_id)
    if not predictions.has_model(run_id):
        raise NotFoundError(
            f"The run {run.name} has left no model.",
            hint="Choose a run that finished, or was stopped after its first batch.",
        )
    params: dict[str, Any] = {"run_id": run_id, "format": format, "about": _about(run)}
    if format == "script":
        facts = script_facts(run)
        params |= {"script": script.write(facts), "readme": script.readme(facts)}
        params |= {"columns": list(facts.columns), "begins_from": run.begins_from}
    ours = {"dataset_id": run.dataset_id, "run_id": run_id}
    task = tasks.start("export", params=params, key=_key(run_id, format), **ours)
    _tidy(run_id, format, but=task.id)
    return task


def find(run_id: str, format: Format) -> Task | None:  # noqa: A002
    """Find the newest task that makes, or made, a file of the model as it is now."""
    return tasks.find_by_key(_key(run_id, format))


def file_of(task: Task) -> Exported | None:
    """Give the file that a task made, as long as it is there."""
    name = task.result.get("file")
    path = files.export_file(task.id, name) if name else None
    if task.status != "finished" or path is None or not path.is_file():
        return None
    return Exported(path=path, n_bytes=path.stat().st_size, facts=task.result)


def script_facts(run: Run) -> script.ScriptFacts:
    """Gather what a plain script is written from.

    Raises RecipeError where the run computed in a way that no plain script repeats, and
    ConflictError where it has not ended well.
    """
    stages = runs.list_stages(run.id)
    items = frames.load(files.run_items(run.id), ["label", "part"])
    steps = frames.load(files.run_steps(run.id), ["stage"])
    _check(run, stages, items)
    model = files.load_json(files.run_model(run.id))
    dataset = catalog.get(run.dataset_id)
    classes = tuple(model["classes"])
    found = {stage.stage: stage.lr_find["chosen"] for stage in stages if stage.lr_find}
    return script.ScriptFacts(
        run_name=run.name,
        dataset_name=dataset.name,
        revision=run.revision,
        fingerprint=run.fingerprint or "unknown",
        recipe=run.recipe,
        seed=run.seed,
        classes=classes,
        is_multi=dataset.is_multi_label,
        statistics=(tuple(model["mean"]), tuple(model["std"])) if model.get("mean") else None,
        class_weights=_class_weights(run.recipe, items, classes),
        found_rates={
            at: script.FoundRate(name=one["name"], lr=one["lr"]) for at, one in found.items()
        },
        n_stages=len(stages),
        n_steps=None if run.status == "finished" else len(steps),
        begins_from=run.begins_from,
        modes=_modes(run.dataset_id),
        is_on_cuda=run.environment.get("device", "CPU") != "CPU",
        n_threads=run.environment.get("n_torch_threads"),
        versions=_versions(run),
    )


def _key(run_id: str, format: Format) -> str:  # noqa: A002
    """Name what is made: a model that was trained on since is another."""
    path = files.run_weights(run_id)
    changed = path.stat().st_mtime_ns if path.exists() else 0
    return f"{KEY}{format}:{run_id}:{changed}:{version.code_version()}"


def _about(run: Run) -> dict[str, Any]:
    """Describe where a model comes from, for the files that go with it."""
    dataset = catalog.get(run.dataset_id)
    return {
        "run": run.name,
        "dataset": dataset.name,
        "revision": run.revision,
        "fingerprint": run.fingerprint,
        "seed": run.seed,
        "is_multi_label": dataset.is_multi_label,
        "metrics": run.metrics,
        "versions": _versions(run),
    }


def _versions(run: Run) -> dict[str, str]:
    names = ("python", "fastai", "torch", "torchvision", "pillow", "numpy", "platform", "device")
    known = {name: str(run.environment[name]) for name in names if name in run.environment}
    return {**known, "winnow": run.code_version}


def _steps_an_epoch(epochs: Sequence[Epoch]) -> dict[int, list[int]]:
    """Count the steps of each epoch, by stage: with halved batches they are more."""
    found: dict[int, list[int]] = {}
    before = -1
    for epoch in epochs:
        found.setdefault(epoch.stage, []).append(epoch.last_step - before)
        before = epoch.last_step
    return found


def _check(run: Run, stages: Sequence[StageInfo], items: pd.DataFrame) -> None:
    if run.status not in ("finished", "stopped"):
        raise ConflictError(
            f"The run {run.name} is {run.status}, and a script repeats one that has ended well.",
            hint="Wait until it has finished, or stop it.",
        )
    if run.recipe.n_devices > 1:
        raise RecipeError(
            f"The run {run.name} was trained by {run.recipe.n_devices} processes that shared "
            "each batch, which a plain script does not do.",
            hint="Train it on one device to take its script along.",
        )
    n_train = int((items["part"] == "train").sum())
    n_steps = _steps_an_epoch(runs.list_epochs(run.id))
    for info in stages:
        stage = run.recipe.stages[info.stage]
        n_batches = n_train // run.recipe.batch_size_of(stage)
        most = max(n_steps.get(info.stage, ()), default=0)  # in one epoch
        if info.n_batches != n_batches or most > n_batches:
            raise RecipeError(
                f"The run {run.name} went out of memory in stage {info.stage + 1} and went on "
                "with smaller batches, which its script would not repeat.",
                hint="Train it again with the smaller batch size to take its script along.",
            )


def _class_weights(
    recipe: Recipe, items: pd.DataFrame, classes: Sequence[str]
) -> tuple[float, ...] | None:
    """Weigh each class as the engine does: n / (classes * n_class), from the train items."""
    if not isinstance(recipe.loss, ClassWeighted):
        return None
    counts = Counter(items.loc[items["part"] == "train", "label"].tolist())
    n_items, n_seen = sum(counts.values()), len(counts)
    return tuple(n_items / (n_seen * counts[name]) if counts[name] else 1.0 for name in classes)


def _modes(dataset_id: str) -> frozenset[str | None]:
    column = schema.items.c.mode
    query = sa.select(column).where(schema.items.c.dataset_id == dataset_id).distinct()
    with database.reading() as connection:
        return frozenset(connection.execute(query).scalars())


def _tidy(run_id: str, format: Format, *, but: str) -> None:  # noqa: A002
    """Remove the files of a format that were made of a run before."""
    query = sa.select(TASKS).where(
        TASKS.c.kind == "export", TASKS.c.run_id == run_id, TASKS.c.id != but
    )
    with database.reading() as connection:
        found = [rows.task(row) for row in connection.execute(query).mappings()]
    for task in found:
        if task.params.get("format") == format and task.status in ENDED:
            shutil.rmtree(files.export_folder(task.id), ignore_errors=True)
