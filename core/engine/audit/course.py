"""The steps of an audit in their order, and what each leaves in the store."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import sqlalchemy as sa

from core.datasets import findings, suspicion
from core.datasets.finders import copies, drawings, looks, near
from core.datasets.finders import files as file_finder
from core.domain.findings import Finder, Finding
from core.engine.audit import heads, judging, mapping, material, neighbours, outliers, seeing
from core.engine.audit.judging import Judgement
from core.engine.audit.material import TRAIN, Material
from core.engine.audit.seeing import Seen
from core.engine.audit.steps import WHOLE, Steps, unless_stopped
from core.engine.job import Job
from core.store import database, files, frames, schema

__all__ = ["WHOLE", "go"]

SECONDS_AN_IMAGE = {
    "looks": 0.004,
    "drawings": 0.004,
    "features": 0.018,
    "labels": 0.003,
    "outliers": 0.0002,
    "near": 0.01,
    "neighbours": 0.0002,
    "map": 0.005,
}
"""What is expected before a step has begun: measured on 2 cores of an AMD EPYC."""
OF_NEW_IMAGES = frozenset({"looks", "drawings", "features", "near"})
"""These keep what they know of an image: only new ones take their time."""


class Course:
    """One audit under way."""

    def __init__(self, given: Material, job: Job) -> None:
        self.given = given
        self.is_known = material.seen_before(given)
        self.steps = Steps(job, _expected(len(given.items), int((~self.is_known).sum())))
        self.notes: list[str] = []
        self._n_found: dict[str, int] = {}

    @property
    def n_found(self) -> dict[str, int]:
        """Count what each finder has found, what it left to a person's decision included."""
        return dict(self._n_found)

    def keep(self, finder: Finder, found: Sequence[Finding]) -> None:
        """Store what a finder found, in the place of what it had found before."""
        findings.replace(self.given.dataset.id, finder, found)
        self._n_found[finder] = len(found)

    def look_at_files(self) -> None:
        """Find what needs no network: broken files, copies, blurred and other odd pictures."""
        dataset_id = self.given.dataset.id
        with self.steps.step("files", "looking for broken files"):
            self.keep("files", file_finder.find(dataset_id))
        with self.steps.step("copies", "looking for copies"):
            self.keep("copies", copies.find(dataset_id, split_id=self.given.split_id))
        with self.steps.step("looks", "measuring how pictures look") as job:
            self.keep("looks", unless_stopped(looks.find(dataset_id, job)))
        with self.steps.step("drawings", "looking for drawings and screenshots") as job:
            self.keep("drawings", unless_stopped(drawings.find(dataset_id, job)))

    def judge(self, seen: Seen) -> Judgement:
        """Judge labels and find the odd ones of each class, and tell of both."""
        given, items = self.given, self.given.items
        with self.steps.step("labels", "training heads that judge the labels") as job:
            judged = judging.judge(seen.rows, items, multi=given.multi, job=job)
            judgement = unless_stopped(judged)
        with self.steps.step("outliers", "looking for the odd ones of each class"):
            odd = outliers.scores(seen.rows, items["label"].tolist(), multi=given.multi)
            scores = items[["item_id", "content_hash", "label", "part"]].copy()
            scores = pd.concat([scores, judgement.table], axis=1).assign(outlier=odd)
            frames.save(files.audit_scores(given.dataset.id), scores)
            self._n_found["labels"] = suspicion.refresh(given.dataset.id)
            self.keep("outliers", outliers.findings(items, odd, multi=given.multi))
        self.notes += [*seen.notes, *judgement.notes]
        return judgement

    def compare(self, seen: Seen) -> None:
        """Find copies, equal and near ones, with the doubt in their labels."""
        given, items = self.given, self.given.items
        known = suspicion.scores(given.dataset.id)
        doubt = dict(zip(known["item_id"].tolist(), known["suspicion"].tolist(), strict=True))
        with self.steps.step("copies", "looking for copies"):
            found = copies.find(given.dataset.id, split_id=given.split_id, doubt=doubt)
            self.keep("copies", found)
        with self.steps.step("near", "looking for nearly equal images") as job:
            near_found = near.find(items, seen.rows, job, doubt=doubt)
            self.keep("near", unless_stopped(near_found))

    def lay_out(self, seen: Seen, *, keeps_map: bool) -> None:
        """Write the neighbours, and the map unless the one that is there still shows all."""
        dataset_id, item_ids = self.given.dataset.id, self.given.items["item_id"].to_numpy()
        teaching = (self.given.items["part"] == TRAIN).to_numpy()
        prepared = heads.prepare(seen.rows, teaching if teaching.any() else ~teaching)
        with self.steps.step("neighbours", "looking for the nearest of each image") as job:
            table = unless_stopped(neighbours.table(item_ids, prepared, job))
            frames.save(files.audit_neighbours(dataset_id), table)
        with self.steps.step("map", "laying out the map"):
            if not (keeps_map and self._is_on_the_map()):
                frames.save(files.audit_map(dataset_id), mapping.table(item_ids, prepared))

    def _is_on_the_map(self) -> bool:
        path = files.audit_map(self.given.dataset.id)
        if not path.exists():
            return False
        shown = frozenset(frames.load(path, ["item_id"])["item_id"].tolist())
        return shown.issuperset(self.given.items["item_id"].tolist())


def go(given: Material, arch: str, job: Job) -> dict[str, Any]:
    """Take all steps; give the result of the task. Raises Stopped."""
    course = Course(given, job)
    course.look_at_files()
    result: dict[str, Any] = {"revision": given.dataset.revision, "arch": arch}
    if len(given.items) < 2:
        note = "Too few images are in use to compare any."
        return _result(course, result, n_label_issues=None, notes=[note])
    was_seen_with = _arch_before(given.dataset.id)
    with course.steps.step("features", "loading the network") as step:
        seen = unless_stopped(seeing.look(given, arch, step))
    judgement = course.judge(seen)
    course.compare(seen)
    keeps_map = bool(course.is_known.all()) and was_seen_with == seen.arch
    course.lay_out(seen, keeps_map=keeps_map)
    result["arch"] = seen.arch
    return _result(course, result, n_label_issues=judgement.n_label_issues, notes=course.notes)


def _result(
    course: Course, about: dict[str, Any], *, n_label_issues: int | None, notes: list[str]
) -> dict[str, Any]:
    return {
        **about,
        "n_items": len(course.given.items),
        "seconds": course.steps.seconds,
        "n_found": course.n_found,
        "n_label_issues": n_label_issues,
        "notes": notes,
    }


def _expected(n_items: int, n_new: int) -> dict[str, float]:
    return {
        name: seconds * (n_new if name in OF_NEW_IMAGES else n_items)
        for name, seconds in SECONDS_AN_IMAGE.items()
    }


def _arch_before(dataset_id: str) -> str | None:
    """Name the network of the audit before this one; None where none has finished."""
    table = schema.tasks
    mine = (table.c.kind == "audit", table.c.dataset_id == dataset_id)
    query = sa.select(table.c.result).where(*mine, table.c.status == "finished")
    with database.reading() as connection:
        found = connection.execute(query.order_by(table.c.finished_at.desc()).limit(1)).scalar()
    return found["arch"] if found else None
