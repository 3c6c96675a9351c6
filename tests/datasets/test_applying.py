"""Edits go to disk and come back: no file is lost, doubled or written over, whoever is killed."""

import errno
import hashlib
import json
import os
import shutil
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core.datasets import applying, catalog, edits, reading, splits
from core.datasets.applying import moving, placing, running
from core.domain.errors import ConflictError, FolderError, InputError, StoreError
from core.domain.labellers import GrandparentLabeller, PatternLabeller, TableLabeller
from core.store import database, files, schema
from tests import builders, faults
from tests.datasets import corpus, shelves
from tests.datasets.shelves import Lease

Disk = dict[str, str]
Rows = dict[int, tuple[Any, ...]]


def on_disk(root: Path) -> Disk:
    """Give every file below a root with the hash of its content; ids are taken out of paths."""
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.name != "manifest.json":
            parts = path.relative_to(root).as_posix().split("/")
            if parts[0] == applying.TRASH:
                parts[1] = "ID"
            found["/".join(parts)] = hashlib.md5(path.read_bytes()).hexdigest()
    return found


def in_store(dataset_id: str) -> Rows:
    """Give what the catalog says of each item."""
    table = schema.items
    names = ("path", "status", "label", "recorded_label", "excluded", "decision", "content_hash")
    query = sa.select(table.c.id, *(table.c[name] for name in names))
    with database.reading() as connection:
        rows = connection.execute(query.where(table.c.dataset_id == dataset_id)).all()
    return {row[0]: tuple(row[1:]) for row in rows}


def exclude(dataset_id: str, *paths: str) -> None:
    decide(dataset_id, "exclude", paths)


def relabel(dataset_id: str, label: str, *paths: str) -> None:
    decide(dataset_id, "relabel", paths, label)


def decide(dataset_id: str, kind: str, paths: Sequence[str], label: str | None = None) -> None:
    ids = shelves.by_path(dataset_id)
    operation = f"{kind}-{label}-{paths}"
    item_ids = [ids[path] for path in paths]
    edits.apply(dataset_id, operation_id=operation, kind=kind, item_ids=item_ids, label=label)


def apply(dataset_id: str, lease: Lease | None = None) -> dict[str, Any]:
    return running.apply(dataset_id, lease or Lease(), revision=catalog.get(dataset_id).revision)


def standing(dataset_id: str) -> str:
    application = applying.find_standing(dataset_id)
    assert application is not None
    return application.id


def take_back(dataset_id: str) -> dict[str, Any]:
    return running.take_back(standing(dataset_id), Lease())


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for no disk: what a killed process has written is there without it."""
    monkeypatch.setattr(os, "fsync", lambda _handle: None)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a home and a dataset once, with two exclusions, one of a broken file, and two relabels.

    Two equal files lie under one name in two classes: one of them is excluded, and the other is
    relabelled to where it lies.
    """
    folder = tmp_path_factory.mktemp("template")
    root = corpus.folder(folder / "root", per_class=3 + 2 * faults.N_MORE)
    for place in ("cat/same.jpg", "dog/same.jpg"):
        corpus.put(root / place, corpus.jpeg(7))
    corpus.put(root / "cat" / "deep" / "page.jpg", corpus.damaged()["page.jpg"][0])
    more = [f"cat/cat-{3 + at}.jpg" for at in range(2 * faults.N_MORE)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WINNOW_HOME", str(folder / "home"))
        dataset_id, _ = shelves.scanned(root)
        exclude(dataset_id, "cat/deep/page.jpg", "dog/same.jpg", *more[::2])
        relabel(dataset_id, "dog", "cat/same.jpg", *more[1::2])
        relabel(dataset_id, "bird", "dog/dog-0.jpg")
        database.forget()
    return folder


@pytest.fixture
def edited(template: Path, home: Path, tmp_path: Path) -> tuple[str, Path]:
    """Give a dataset like the template's, of its own."""
    root = tmp_path / "root"
    shutil.copytree(template / "root", root)
    shutil.copytree(template / "home", home, dirs_exist_ok=True)
    with database.writing() as connection:
        connection.execute(sa.update(schema.datasets).values(root=str(root)))
    return catalog.list_datasets()[0].id, root


def test_the_plan_names_every_move_and_touches_nothing(edited: tuple[str, Path]) -> None:
    dataset_id, root = edited
    before = on_disk(root)

    plan = applying.plan(dataset_id)

    assert [(move.kind, move.source, move.target) for move in plan.moves] == [
        ("trash", "cat/deep/page.jpg", ".winnow-trash/…/cat/deep/page.jpg"),
        ("relabel", "cat/same.jpg", "dog/same-2.jpg"),
        ("relabel", "dog/dog-0.jpg", "bird/dog-0.jpg"),
        ("trash", "dog/same.jpg", ".winnow-trash/…/dog/same.jpg"),
    ]
    assert (plan.n_trashed, plan.n_relabelled, plan.n_in_table) == (2, 2, 0)
    assert plan.n_bytes == sum(move.size_bytes for move in plan.moves) > 0
    assert on_disk(root) == before


def test_applying_moves_files_and_tells_the_right_one_of_two_equal_items(
    edited: tuple[str, Path],
) -> None:
    dataset_id, root = edited
    ids, before = shelves.by_path(dataset_id), on_disk(root)

    result = apply(dataset_id)

    after = on_disk(root)
    assert (result["n_trashed"], result["n_relabelled"], result["n_left"]) == (2, 2, 0)
    assert after[".winnow-trash/ID/cat/deep/page.jpg"] == before["cat/deep/page.jpg"]
    assert after["dog/same-2.jpg"] == before["cat/same.jpg"]
    assert sorted(after.values()) == sorted(before.values())
    rows = in_store(dataset_id)
    relabelled, thrown = rows[ids["cat/same.jpg"]], rows[ids["dog/same.jpg"]]
    assert relabelled[:6] == ("dog/same-2.jpg", "ok", "dog", "dog", False, "relabel")
    assert thrown[:6] == ("dog/same.jpg", "gone", "dog", "dog", True, "exclude")
    assert rows[ids["dog/dog-0.jpg"]][:4] == ("bird/dog-0.jpg", "ok", "bird", "bird")
    assert (result["scan"]["n_moved"], result["scan"]["n_gone"], result["scan"]["n_new"]) == (
        2,
        2,
        0,
    )
    assert applying.plan(dataset_id).moves == ()


def test_the_manifest_says_where_everything_came_from(edited: tuple[str, Path]) -> None:
    dataset_id, root = edited

    apply(dataset_id)

    (path,) = root.glob(".winnow-trash/*/manifest.json")
    moves = json.loads(path.read_text(encoding="utf-8"))["moves"]
    assert [(one["from"], one["what"], one["status"]) for one in moves] == [
        ("cat/deep/page.jpg", "trash", "done"),
        ("cat/same.jpg", "relabel", "done"),
        ("dog/dog-0.jpg", "relabel", "done"),
        ("dog/same.jpg", "trash", "done"),
    ]
    assert all((root / one["to"]).is_file() for one in moves)


def test_taking_back_puts_files_items_and_edits_back_as_they_were(
    edited: tuple[str, Path],
) -> None:
    dataset_id, root = edited
    disk, rows = on_disk(root), in_store(dataset_id)
    apply(dataset_id)

    result = take_back(dataset_id)

    assert (on_disk(root), in_store(dataset_id)) == (disk, rows)
    assert (result["n_trashed"], result["n_relabelled"], result["n_left"]) == (2, 2, 0)
    assert not (root / ".winnow-trash").exists()
    assert applying.find_standing(dataset_id) is None
    with pytest.raises(ConflictError):
        running.take_back(result["application_id"], Lease())


def test_revisions_before_an_application_rebuild_as_they_were(edited: tuple[str, Path]) -> None:
    dataset_id, _ = edited
    master = splits.get_master(dataset_id)
    assert master is not None
    newest = catalog.get(dataset_id).revision

    def rebuilt() -> list[tuple[str, str]]:
        frames = [
            catalog.items_at(dataset_id, revision=at, split_id=master.id)
            for at in range(1, newest + 1)
        ]
        return [(catalog.fingerprint(frame), frame.to_csv()) for frame in frames]

    before = rebuilt()
    apply(dataset_id)
    applied = rebuilt()
    take_back(dataset_id)

    assert applied == before
    assert rebuilt() == before


def test_items_in_use_have_one_fingerprint_before_and_after_they_moved(
    edited: tuple[str, Path],
) -> None:
    dataset_id, _ = edited
    master = splits.get_master(dataset_id)
    assert master is not None

    def now() -> str:
        revision = catalog.get(dataset_id).revision
        frame = catalog.items_at(dataset_id, revision=revision, split_id=master.id)
        return catalog.fingerprint(frame)

    before = now()
    apply(dataset_id)

    assert now() == before


def test_files_are_found_wherever_they_were_moved(edited: tuple[str, Path]) -> None:
    dataset_id, root = edited
    before = shelves.by_path(dataset_id)
    contents = {item_id: (root / path).read_bytes() for path, item_id in before.items()}

    apply(dataset_id)

    places = applying.current(dataset_id, list(contents))
    assert {item_id: (root / path).read_bytes() for item_id, path in places.items()} == contents
    (thrown,) = applying.list_in_trash(reading.hash_of(contents[before["cat/deep/page.jpg"]]))
    assert thrown.read_bytes() == contents[before["cat/deep/page.jpg"]]


def test_an_edit_undone_after_it_was_applied_leaves_the_file_where_it_is(
    edited: tuple[str, Path],
) -> None:
    dataset_id, root = edited
    item_id = shelves.by_path(dataset_id)["dog/dog-0.jpg"]
    apply(dataset_id)

    edits.undo(dataset_id, operation_id="u")

    assert in_store(dataset_id)[item_id][:4] == ("bird/dog-0.jpg", "ok", "bird", "bird")
    take_back(dataset_id)
    assert in_store(dataset_id)[item_id][:6] == ("dog/dog-0.jpg", "ok", "dog", "dog", False, None)
    assert (root / "dog" / "dog-0.jpg").is_file()


def test_what_cannot_be_moved_stays_and_is_told_with_its_reason(edited: tuple[str, Path]) -> None:
    dataset_id, root = edited
    (root / "cat" / "deep" / "page.jpg").write_bytes(b"other")
    (root / "dog" / "same.jpg").unlink()
    outside = root.parent / "outside"
    outside.mkdir()
    (root / "bird").symlink_to(outside)
    before = on_disk(root)

    result = apply(dataset_id)

    reasons = dict(result["left"])
    assert reasons["cat/deep/page.jpg"].startswith("has changed since it was scanned")
    assert reasons["dog/same.jpg"] == "is not there any more"
    assert reasons["dog/dog-0.jpg"] == f"is left alone: {root}/bird is a link to another place"
    assert (result["n_left"], result["n_relabelled"]) == (3, 1)
    assert sorted(on_disk(root).values()) == sorted(before.values())
    assert list(outside.iterdir()) == []


def test_a_trash_folder_that_is_a_link_is_refused(edited: tuple[str, Path]) -> None:
    dataset_id, root = edited
    (root.parent / "elsewhere").mkdir()
    (root / applying.TRASH).symlink_to(root.parent / "elsewhere")

    with pytest.raises(FolderError, match="is a link to another place"):
        apply(dataset_id)

    assert applying.find_standing(dataset_id) is None


def test_a_file_that_appears_at_the_target_meanwhile_is_not_written_over(
    edited: tuple[str, Path],
) -> None:
    dataset_id, root = edited

    def appear(step: str) -> None:
        if step == "planned":
            corpus.put(root / "bird" / "dog-0.jpg", b"somebody's")

    running.apply(dataset_id, Lease(), revision=catalog.get(dataset_id).revision, step=appear)

    assert (root / "bird" / "dog-0.jpg").read_bytes() == b"somebody's"
    assert (root / "bird" / "dog-0-2.jpg").is_file()


def test_taking_back_is_never_over_another_file(edited: tuple[str, Path]) -> None:
    dataset_id, root = edited
    item_id = shelves.by_path(dataset_id)["dog/dog-0.jpg"]
    before = on_disk(root)
    apply(dataset_id)
    corpus.put(root / "dog" / "dog-0.jpg", corpus.jpeg(99))
    shelves.scanned(root)

    result = take_back(dataset_id)

    assert result["renamed"] == [("dog/dog-0.jpg", "dog/dog-0-2.jpg")]
    assert (root / "dog" / "dog-0.jpg").read_bytes() == corpus.jpeg(99)
    assert on_disk(root)["dog/dog-0-2.jpg"] == before["dog/dog-0.jpg"]
    assert in_store(dataset_id)[item_id][0] == "dog/dog-0-2.jpg"


def test_what_cannot_be_brought_back_keeps_the_way_back_open(edited: tuple[str, Path]) -> None:
    dataset_id, root = edited
    before = on_disk(root), in_store(dataset_id)
    apply(dataset_id)
    (root / applying.TRASH).rename(root.parent / "unmounted")

    barred = take_back(dataset_id)

    application = applying.find_open(dataset_id)
    assert application is not None
    assert (application.status, barred["n_left"], barred["n_relabelled"]) == ("undoing", 2, 2)
    assert {reason for _, reason in barred["left"]} == {"is not there any more"}
    (root.parent / "unmounted").rename(root / applying.TRASH)
    again = running.finish(application.id, Lease())
    assert (again["n_trashed"], again["n_left"], again["is_back"]) == (2, 0, True)
    assert (on_disk(root), in_store(dataset_id)) == before
    assert applying.find_standing(dataset_id) is None


def test_files_that_are_gone_for_good_can_be_left_and_the_way_back_ends(
    edited: tuple[str, Path],
) -> None:
    dataset_id, root = edited
    apply(dataset_id)
    application_id = standing(dataset_id)
    with pytest.raises(ConflictError, match="Only a taking back"):
        applying.leave(application_id)
    (thrown,) = root.glob(".winnow-trash/*/dog/same.jpg")
    thrown.unlink()
    take_back(dataset_id)

    n_left = applying.leave(application_id)

    assert n_left == 1
    assert applying.get(application_id).status == "undone"
    assert not (root / applying.TRASH).exists()
    assert apply(dataset_id)["n_left"] == 0


def sibling_of(root: Path) -> str:
    """Open and scan the class folders of `cat` as a dataset of their own."""
    dataset = catalog.open_folder(str(root / "cat"), labeller=PatternLabeller(pattern="(.)"))
    running.scan.run(dataset.id, Lease())
    return dataset.id


def test_files_that_a_dataset_around_threw_away_are_found_by_those_inside(
    edited: tuple[str, Path],
) -> None:
    dataset_id, root = edited
    exclude(dataset_id, "cat/cat-0.jpg")
    content = (root / "cat" / "cat-0.jpg").read_bytes()
    inner = sibling_of(root)
    item_id = shelves.by_path(inner)["cat-0.jpg"]
    apply(dataset_id)
    running.scan.run(inner, Lease())

    place = applying.current(inner, [item_id])[item_id]

    assert set(applying.sharers(inner)) == {dataset_id, inner}
    assert (root / "cat" / place).read_bytes() == content


@pytest.mark.parametrize("is_own", [True, False])
def test_a_run_that_was_queued_meanwhile_keeps_files_where_they_are(
    edited: tuple[str, Path], is_own: bool
) -> None:
    dataset_id, root = edited
    before = on_disk(root)
    reader = dataset_id if is_own else sibling_of(root)
    split = splits.get_master(reader)
    assert split is not None
    builders.insert_run("Fast", dataset_id=reader, split_id=split.id, status="queued")

    with pytest.raises(ConflictError, match="The run Fast is under way on the dataset"):
        apply(dataset_id)

    assert on_disk(root) == before
    assert not (root / applying.TRASH).exists()
    assert applying.find_standing(dataset_id) is None


def test_a_run_that_was_queued_meanwhile_keeps_files_from_being_taken_back(
    edited: tuple[str, Path],
) -> None:
    dataset_id, root = edited
    apply(dataset_id)
    applied = on_disk(root)
    split = splits.get_master(dataset_id)
    assert split is not None
    builders.insert_run("Fast", dataset_id=dataset_id, split_id=split.id, status="running")

    with pytest.raises(ConflictError, match="The run Fast is under way"):
        take_back(dataset_id)

    assert on_disk(root) == applied
    assert applying.get(standing(dataset_id)).status == "applied"


def test_an_open_application_of_a_dataset_on_the_same_files_comes_first(
    edited: tuple[str, Path],
) -> None:
    dataset_id, root = edited
    inner = sibling_of(root)
    exclude(inner, "cat-0.jpg")
    apply(dataset_id, Lease(stop_after=0))

    with pytest.raises(ConflictError, match="earlier application of the dataset root"):
        apply(inner)

    assert (root / "cat" / "cat-0.jpg").is_file()


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


def test_an_application_of_an_older_preview_is_refused(edited: tuple[str, Path]) -> None:
    dataset_id, root = edited
    old = catalog.get(dataset_id).revision
    exclude(dataset_id, "dog/dog-1.jpg")

    with pytest.raises(ConflictError, match="changed since the preview"):
        running.apply(dataset_id, Lease(), revision=old)

    assert (root / "dog" / "dog-1.jpg").is_file()
    assert applying.find_open(dataset_id) is None
    assert not (root / applying.TRASH).exists()


def test_nothing_to_apply_is_said(edited: tuple[str, Path]) -> None:
    dataset_id, _ = edited
    apply(dataset_id)

    with pytest.raises(InputError, match="lies elsewhere than its edits say"):
        apply(dataset_id)


def test_a_relabel_keeps_the_part_folder(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for place in ("train/cat/a.jpg", "train/dog/b.jpg", "valid/cat/c.jpg", "valid/cat/d/e.jpg"):
        corpus.put(root / place, corpus.jpeg(len(place)))
    dataset = catalog.open_folder(str(root), labeller=GrandparentLabeller())
    running.scan.run(dataset.id, Lease())
    item_id = shelves.by_path(dataset.id)["valid/cat/d/e.jpg"]
    relabel(dataset.id, "dog", "valid/cat/d/e.jpg")

    apply(dataset.id)

    item = catalog.get_item(item_id)
    assert (item.path, item.recorded_label, item.recorded_part) == (
        "valid/dog/d/e.jpg",
        "dog",
        "valid",
    )


def test_another_file_system_is_copied_to_and_killed_there_without_loss(
    edited: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset_id, root = edited
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


def test_killed_at_every_step_there_or_back_it_can_be_finished_or_taken_back(
    edited: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset_id, root = edited
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


def test_a_corrected_table_holds_the_labels_that_were_decided(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name in ("a", "b", "c"):
        corpus.put(root / f"{name}.jpg", corpus.jpeg(ord(name)))
    corpus.put(root / "t.csv", b"name;tags;part\na;red cat;train\nb;cat;valid\nc;dog;\n")
    labeller = TableLabeller(
        table="t.csv",
        delimiter=";",
        file_column="name",
        label_column="tags",
        separator=" ",
        part_column="part",
        suffix=".jpg",
    )
    dataset = catalog.open_folder(str(root), labeller=labeller)
    running.scan.run(dataset.id, Lease())
    relabel(dataset.id, "dog|wet", "a.jpg")
    exclude(dataset.id, "c.jpg")

    plan = applying.plan(dataset.id)
    path = files.export_file("task-1", applying.TABLE_NAME)
    counts = applying.write_table(dataset.id, path, drop_excluded=True)

    assert (plan.n_in_table, plan.n_trashed, plan.n_relabelled) == (1, 1, 0)
    assert path.read_text(encoding="utf-8").splitlines() == [
        "name,tags,part",
        "a.jpg,dog wet,train",
        "b.jpg,cat,valid",
    ]
    assert counts == {"n_rows": 2, "n_relabelled": 1, "n_dropped": 1}
    assert applying.place_beside(dataset) == root / "t-corrected.csv"


def test_a_pattern_dataset_throws_away_and_leaves_relabelled_files_where_they_are(
    tmp_path: Path,
) -> None:
    root = tmp_path / "root"
    for name in ("cat_1.jpg", "cat_2.jpg", "dog_1.jpg"):
        corpus.put(root / name, corpus.jpeg(len(name) + ord(name[4])))
    dataset = catalog.open_folder(
        str(root), labeller=PatternLabeller(pattern=r"^(.+)_\d+\.[^.]+$")
    )
    running.scan.run(dataset.id, Lease())
    exclude(dataset.id, "cat_1.jpg")
    relabel(dataset.id, "dog", "cat_2.jpg")
    before = on_disk(root), in_store(dataset.id)

    apply(dataset.id)

    assert set(on_disk(root)) == {".winnow-trash/ID/cat_1.jpg", "cat_2.jpg", "dog_1.jpg"}
    take_back(dataset.id)
    assert (on_disk(root), in_store(dataset.id)) == before
