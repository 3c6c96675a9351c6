"""Audits: started, followed, and what the last one of a dataset said."""

from typing import Any

from core.domain import archs
from core.domain.runs import Task
from core.runs import tasks, weights

ARCH = "squeezenet1_0"
"""The smallest pretrained network: 5 MB of weights, and the quickest on a CPU."""


def start(dataset_id: str, *, arch: str | None = None) -> Task:
    """Put an audit of a dataset into the queue, or join the one that is under way.

    Images are described by the pretrained network `arch`; None: by `default_arch()`.
    """
    return tasks.start("audit", dataset_id=dataset_id, params={"arch": arch or default_arch()})


def default_arch() -> str:
    """Name the network to describe images with: one whose weights are here, if there is any."""
    if weights.find(ARCH) is not None:
        return ARCH
    known = (arch for arch in archs.ARCHS if weights.find(arch) is not None)
    return next(known, ARCH)


def find_active(dataset_id: str) -> Task | None:
    """Find the audit of a dataset that waits or works."""
    return tasks.find_active("audit", dataset_id)


def find_latest(dataset_id: str) -> Task | None:
    """Find the newest audit of a dataset, ended or not."""
    return tasks.find_latest("audit", dataset_id)


def find_result(dataset_id: str) -> dict[str, Any] | None:
    """Find what the newest audit said as a whole; None where none has finished.

    revision, arch, n_items, seconds (of each finder), n_found (likewise), n_label_issues
    (cleanlab's estimate), notes (sentences about what could not be judged, and why).
    """
    task = tasks.find_latest("audit", dataset_id, status="finished")
    return task.result if task is not None else None
