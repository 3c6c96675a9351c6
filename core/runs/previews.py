"""What the network would see, and how large it is: made by an engine process, kept by content."""

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.datasets import catalog
from core.domain.jobs import ENDED, TaskKind
from core.domain.plans import Plan
from core.runs import tasks
from core.store import files, version

NAME = re.compile(r"[a-z0-9-]+\.jpg")
KEY = re.compile(r"[0-9a-f]{24}")
MOST_KEPT = 60


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A preview that is there (`result`), on its way (neither), or failed (`error`, `hint`)."""

    key: str
    result: dict[str, Any] | None = None
    error: str | None = None
    hint: str | None = None


def request_batch(dataset_id: str, plan: Plan, *, item_id: int | None = None) -> Preview:
    """Ask for `show_batch` of train and valid, one image in nine augmentations, and the facts."""
    params = {
        "what": "batch",
        "plan": plan.model_dump(mode="json"),
        "revision": catalog.get(dataset_id).revision,
        "item_id": item_id,
    }
    return _request(dataset_id, params)


def request_summary(dataset_id: str, plan: Plan) -> Preview:
    """Ask for what fastai's `DataBlock.summary` prints: `text`, and `error`, `hint`, `file`."""
    params = {
        "what": "summary",
        "plan": plan.model_dump(mode="json"),
        "revision": catalog.get(dataset_id).revision,
    }
    return _request(dataset_id, params)


def request_parameters(dataset_id: str, plan: Plan, *, n_classes: int) -> Preview:
    """Ask how many parameters each stage of the recipe trains."""
    plain = plan.model_dump(mode="json")
    params = {"what": "parameters", "plan": plain, "n_classes": n_classes}
    recipe = plain["recipe"]
    return _request(dataset_id, params, key_of=_counted(recipe, n_classes))


def _counted(recipe: dict[str, Any], n_classes: int) -> list[Any]:
    """Give all that the numbers of parameters depend on."""
    stages = [stage["train"] for stage in recipe["stages"]]
    return [recipe["arch"], recipe["concat_pool"], recipe["train_bn"], stages, n_classes]


def retry(key: str) -> None:
    """Forget that a preview failed, so that the next request tries again."""
    task = tasks.find_by_key(key)
    if task is not None and task.status in ENDED:
        tasks.forget_key(task.id)


def find_image(key: str, name: str) -> Path | None:
    """Find an image of a preview by its names in the result."""
    if not (KEY.fullmatch(key) and NAME.fullmatch(name)):
        return None
    path = files.preview_folder(key) / name
    return path if path.is_file() else None


def tidy() -> None:
    """Remove the oldest previews beyond the last sixty."""
    root = files.preview_folder("x").parent
    kept = sorted(root.glob("*/result.json"), key=lambda path: -path.stat().st_mtime)
    for path in kept[MOST_KEPT:]:
        path.unlink(missing_ok=True)  # first: without it the preview counts as not made
        shutil.rmtree(path.parent, ignore_errors=True)


def request(
    kind: TaskKind,
    dataset_id: str,
    params: dict[str, Any],
    *,
    key_of: Any,
    run_id: str | None = None,
) -> Preview:
    """Ask for pictures by what they are made of (`key_of`), or give them where they are there.

    A preview that nobody has begun yet is dropped for a newer one of the same dataset.
    """
    content = json.dumps([params["what"], version.code_version(), key_of])
    key = hashlib.blake2b(content.encode(), digest_size=12).hexdigest()
    result = files.preview_folder(key) / "result.json"
    if result.exists():
        return Preview(key=key, result=files.load_json(result))
    task = tasks.find_by_key(key)
    if task is not None and task.status in ("failed", "lost"):
        return Preview(key=key, error=task.error, hint=task.hint)
    if task is None or task.status in ENDED:
        tidy()
        if kind == "preview":
            tasks.drop_waiting_previews(dataset_id, but=key)
    tasks.start(kind, dataset_id=dataset_id, run_id=run_id, params=params, key=key)
    return Preview(key=key)


def _request(dataset_id: str, params: dict[str, Any], key_of: Any = None) -> Preview:
    return request("preview", dataset_id, params, key_of=key_of or [dataset_id, params])
