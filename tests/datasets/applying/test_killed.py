"""Whoever is killed, stopped or out of room: no file is lost, doubled or written over."""

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.datasets import applying, catalog
from core.datasets.applying import moving, placing, running
from core.domain.errors import ConflictError, StoreError
from tests import faults
from tests.datasets import shelves
from tests.datasets.applying.disk import apply, in_store, on_disk, standing, take_back
from tests.datasets.shelves import Lease

Step = Callable[[str], None]


def applying_of(dataset_id: str) -> Callable[[Step], object]:
    """Give what applies the edits of now, and tells its steps."""
    revision = catalog.get(dataset_id).revision
    return lambda step: running.apply(dataset_id, Lease(), revision=revision, step=step)


def taking_back_of(dataset_id: str) -> Callable[[Step], object]:
    """Give what takes the last application back, and tells its steps."""
    application_id = standing(dataset_id)
    return lambda step: running.take_back(application_id, Lease(), step=step)


def killed(do: Callable[[Step], object], at: int) -> bool:
    """Let a process of its own do something and be killed at one step; false: it got through."""
    pid = os.fork()
    if pid == 0:
        seen = iter(range(at + 1))

        def step(_name: str) -> None:
            if next(seen) == at:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            do(step)
        finally:
            os._exit(0)
    _, status = os.waitpid(pid, 0)
    return os.WIFSIGNALED(status)


def test_a_stop_between_two_files_can_be_finished_later(edited: tuple[str, Path]) -> None:
    dataset_id, root = edited
    before = on_disk(root)

    stopped = apply(dataset_id, Lease(stop_after=2))

    assert stopped["is_stopped"]
    assert stopped["n_trashed"] + stopped["n_relabelled"] == 2
    application = applying.find_open(dataset_id)
    assert application is not None
    with pytest.raises(ConflictError, match="earlier application"):
        apply(dataset_id)
    finished = running.finish(application.id, Lease())
    assert finished["n_trashed"] + finished["n_relabelled"] == 2
    assert applying.get(application.id).status == "applied"
    assert sorted(on_disk(root).values()) == sorted(before.values())


def test_another_file_system_is_copied_to_and_killed_there_without_loss(
    much_edited: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset_id, root = much_edited
    before = on_disk(root)
    plain = os.link

    def link(source: Path, target: Path, **rest: Any) -> None:
        if not Path(source).name.endswith(".winnow-part"):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        plain(source, target, **rest)

    monkeypatch.setattr(os, "link", link)
    monkeypatch.setattr(placing, "lie_apart", lambda _here, _there: True)
    for at in range(2, 6):  # copied, linked, placed, moved
        killed(applying_of(dataset_id), at)
        take_back(dataset_id)
        assert on_disk(root) == before

    result = apply(dataset_id)

    assert result["n_left"] == 0
    assert sorted(on_disk(root).values()) == sorted(before.values())


def test_a_file_system_without_second_names_renames(
    edited: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset_id, root = edited
    before = on_disk(root)

    def link(*_: Any, **__: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)

    apply(dataset_id)
    assert (root / "dog" / "same-2.jpg").is_file()
    take_back(dataset_id)

    assert on_disk(root) == before


def test_a_full_disk_ends_it_with_a_sentence_and_it_can_be_taken_back(
    edited: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset_id, root = edited
    before = on_disk(root)
    plain, calls = os.link, []

    def link(*given: Any, **rest: Any) -> None:
        calls.append(given)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        plain(*given, **rest)

    monkeypatch.setattr(os, "link", link)

    with pytest.raises(StoreError, match="No space left on device"):
        apply(dataset_id)
    take_back(dataset_id)

    assert on_disk(root) == before


def test_killed_at_every_step_there_or_back_it_can_be_finished_or_taken_back(
    much_edited: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset_id, root = much_edited
    monkeypatch.setattr(moving, "BATCH", 2)
    before = on_disk(root), in_store(dataset_id)
    apply(dataset_id)
    after = on_disk(root), in_store(dataset_id)
    take_back(dataset_id)
    at = n_back = 0

    while killed(applying_of(dataset_id), at):
        take_back(dataset_id)
        assert (on_disk(root), in_store(dataset_id)) == before, f"taken back at step {at}"
        killed(applying_of(dataset_id), at)
        running.finish(standing(dataset_id), Lease())
        assert (on_disk(root), in_store(dataset_id)) == after, f"finished at step {at}"
        if killed(taking_back_of(dataset_id), at):
            running.finish(standing(dataset_id), Lease())
            n_back += 1
        assert (on_disk(root), in_store(dataset_id)) == before, f"killed on the way back at {at}"
        at += 1

    assert (
        at == n_back + 1 >= 16 + 4 * faults.N_MORE
    )  # the way there has a manifest to write as well
    assert (on_disk(root), in_store(dataset_id)) == after


def test_a_scan_after_a_kill_does_not_take_one_equal_file_for_the_other(
    edited: tuple[str, Path],
) -> None:
    dataset_id, root = edited
    ids = shelves.by_path(dataset_id)
    step_of_last_move = 2 + 2 * 4 - 1
    killed(applying_of(dataset_id), step_of_last_move)

    n_noted = running.note_killed(dataset_id)
    shelves.scanned(root)

    assert n_noted == 4
    rows = in_store(dataset_id)
    assert rows[ids["cat/same.jpg"]][:2] == ("dog/same-2.jpg", "ok")
    assert rows[ids["dog/same.jpg"]][:2] == ("dog/same.jpg", "gone")
