"""How far an audit is: its steps, what each is expected to take, and the job that each sees."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from core.domain.jobs import Wish
from core.engine.job import Job

Found = TypeVar("Found")
WHOLE = 100
"""Progress is told in hundredths of the seconds that the whole audit is expected to take."""
PACE_BOUNDS = (0.25, 8.0)
"""A step that took no time, or met a busy machine, says only so much about the steps to come."""


class Stopped(Exception):  # noqa: N818  # nothing went wrong
    """Somebody asked to stop in the middle."""


def unless_stopped(found: Found | None) -> Found:
    """Give what a step has found; raises Stopped where that is None."""
    if found is None:
        raise Stopped
    return found


class Steps:
    """The steps of one audit in their order, timed, and told to a person as one progress."""

    def __init__(self, job: Job, expected: Mapping[str, float]) -> None:
        """Take the seconds that each step is expected to take, in the order of the steps."""
        self.seconds: dict[str, float] = {}
        self._job = job
        self._expected = dict(expected)
        self._told = 0

    @contextmanager
    def step(self, name: str, message: str) -> Iterator["StepJob"]:
        """Time a step, and give the job that the work within it reports to; may raise Stopped."""
        if self._job.should_stop():
            raise Stopped
        step = StepJob(self, name)
        step.report(message=message)
        try:
            yield step
        finally:
            took = round(self.seconds.get(name, 0.0) + step.elapsed, 3)
            self.seconds[name] = took

    def tell(self, name: str, columns: dict[str, Any], *, elapsed: float) -> None:
        """Report a step's own progress as a part of the whole."""
        left = columns.pop("remaining_seconds", None)
        for own in ("progress_done", "progress_total", "progress_rate"):
            columns.pop(own, None)
        if left is None:
            left = max(self._expected.get(name, 0.0) * self._pace() - elapsed, 0.0)
        remaining = left + self._later(name)
        done = sum(self.seconds.values()) + elapsed
        share = done / max(done + remaining, 1e-9)
        self._told = max(self._told, int(WHOLE * share))  # a bar that goes back says nothing
        self._job.report(
            progress_done=self._told,
            progress_total=WHOLE,
            remaining_seconds=remaining,
            **columns,
        )

    def should_stop(self) -> bool:
        """Say whether to end early."""
        return self._job.should_stop()

    def wish(self) -> Wish | None:
        """Give what else a person asks for."""
        return self._job.wish()

    def save_now(self) -> None:
        """Bring what was collected into the database before the work goes on."""
        self._job.save_now()

    def _later(self, name: str) -> float:
        """Expect the seconds of the steps that have not begun, at the pace of those that ended."""
        waiting = [each for each in self._expected if each not in self.seconds and each != name]
        return self._pace() * sum(self._expected[each] for each in waiting)

    def _pace(self) -> float:
        expected = sum(self._expected.get(each, 0.0) for each in self.seconds)
        if expected == 0:
            return 1.0
        least, most = PACE_BOUNDS
        return min(max(sum(self.seconds.values()) / expected, least), most)


class StepJob:
    """The job of one step: what it reports about itself is told as a part of the whole audit."""

    def __init__(self, steps: Steps, name: str) -> None:
        self._steps, self._name = steps, name
        self._began = time.perf_counter()

    @property
    def elapsed(self) -> float:
        """Give the seconds since the step began."""
        return time.perf_counter() - self._began

    def report(self, **columns: Any) -> None:
        """Set progress columns; seconds that remain are those of this step alone."""
        self._steps.tell(self._name, columns, elapsed=self.elapsed)

    def should_stop(self) -> bool:
        """Say whether to end early."""
        return self._steps.should_stop()

    def wish(self) -> Wish | None:
        """Give what else a person asks for."""
        return self._steps.wish()

    def save_now(self) -> None:
        """Bring what was collected into the database before the work goes on."""
        self._steps.save_now()
