"""Which items a run uses: those of its classes, in train and valid alone."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from core.domain.errors import RecipeError
from core.domain.plans import Plan, Subset
from core.engine import describing, worker
from core.store import database, schema
from tests.engine.conftest import CLASSES, Registered, fine_tune, row_of

pytestmark = pytest.mark.engine

FIRST, SECOND = 1000, 1007  # blue/00.png, in valid, and blue/01.png, in train

SEVERAL_LABELS = {
    "kind": "table",
    "table": "labels.csv",
    "file_column": "file",
    "label_column": "labels",
    "separator": " ",
}


def plan_with(registered: Registered, subset: Subset) -> Plan:
    """Plan a run of fewer images."""
    return registered.plan(fine_tune()).model_copy(update={"subset": subset})


def set_part(part: str, label: str) -> None:
    """Move a class to a part."""
    ids = sa.select(schema.items.c.id).where(schema.items.c.label == label)
    mine = sa.update(schema.assignments).where(schema.assignments.c.item_id.in_(ids))
    with database.writing() as connection:
        connection.execute(mine.values(part=part))


def rescan(item_id: int, **values: object) -> None:
    """Have a later scan find a file changed, as it logs it."""
    items = schema.items
    with database.writing() as connection:
        row = connection.execute(sa.select(items).where(items.c.id == item_id)).mappings().one()
        connection.execute(sa.update(items).where(items.c.id == item_id).values(**values))
        names = ("path", "recorded_label", "status", "content_hash")
        revision = {"dataset_id": "data-a", "revision": 2}
        insert = sa.insert(schema.revisions).prefix_with("OR IGNORE")
        connection.execute(insert.values(**revision, kind="scan", created_at=1.0))
        change = {"item_id": item_id, "kind": "changed", "before": {n: row[n] for n in names}}
        connection.execute(sa.insert(schema.scan_changes).values(**revision, **change))


def throw_away(item_id: int, target: str) -> None:
    """Write into the journal that an application has moved a file into the trash."""
    application = {"id": "apply-a", "dataset_id": "data-a", "revision": 1, "created_at": 1.0}
    places = {"root": "/photos", "trash": "/trash", "status": "applied"}
    move = {"item_id": item_id, "kind": "trash", "source": "blue/01.png", "target": target}
    rest = {"application_id": "apply-a", "number": 0, "size_bytes": 1, "status": "done"}
    with database.writing() as connection:
        connection.execute(sa.insert(schema.applications).values(**application, **places))
        connection.execute(sa.insert(schema.moves).values(**move, **rest))


def test_test_images_are_set_aside_and_add_no_class(registered: Registered) -> None:
    set_part("test", "red")

    frame = describing.items("data-a", plan_with(registered, Subset()), revision=1)

    assert set(frame["label"]) == {"blue", "green"}
    assert set(frame["part"]) == {"train", "valid"}
    assert list(frame.index) == list(range(30))


def test_a_run_of_two_classes_knows_these_alone(registered: Registered) -> None:
    subset = Subset(classes=("blue", "red"), per_class=4)

    frame = describing.items("data-a", plan_with(registered, subset), revision=1)

    counts = frame.groupby(["label", "part"]).size().to_dict()
    assert counts == {
        ("blue", "train"): 4,
        ("blue", "valid"): 5,
        ("red", "train"): 4,
        ("red", "valid"): 5,
    }


def test_a_class_that_is_gone_ends_a_run_before_anything_trains(registered: Registered) -> None:
    registered.queue_run("run-a", fine_tune())
    subset = Subset(classes=("blue", "violet")).model_dump(mode="json")
    with database.writing() as connection:
        connection.execute(sa.update(schema.runs).values(subset=subset))

    worker.work_on("run", "run-a")

    row = row_of(schema.runs, "run-a")
    assert (row["status"], row["n_train"]) == ("failed", None)
    assert "no images of violet are in use" in row["error"]
    assert "batches page" in row["hint"]


@pytest.mark.parametrize("kind", ["run", "task"])
def test_a_loss_of_one_label_an_image_is_refused_where_there_are_several(
    registered: Registered, kind: str
) -> None:
    plan = registered.plan(fine_tune()).model_dump(mode="json")
    registered.queue_run("run-a", fine_tune())
    registered.queue_task("task-a", "lr_find", {"plan": plan, "revision": 1})
    with database.writing() as connection:
        connection.execute(sa.update(schema.datasets).values(labeller=SEVERAL_LABELS))

    worker.work_on(kind, f"{kind}-a")

    row = row_of(schema.runs if kind == "run" else schema.tasks, f"{kind}-a")
    assert row["status"] == "failed"
    assert "for one label an image, and these images have several" in row["error"]


def test_batches_of_all_classes_are_unchanged_by_naming_them_all(registered: Registered) -> None:
    named = plan_with(registered, Subset(classes=CLASSES))

    frame = describing.items("data-a", named, revision=1)

    whole = describing.items("data-a", plan_with(registered, Subset()), revision=1)
    assert frame.equals(whole)


def test_a_plan_of_a_class_that_is_gone_cannot_be_described(registered: Registered) -> None:
    plan = plan_with(registered, Subset(classes=("blue", "violet")))

    with pytest.raises(RecipeError, match=r"for 2 classes, and no images of violet"):
        describing.items("data-a", plan, revision=1)


@pytest.mark.parametrize("change", [{"content_hash": "other"}, {"status": "gone"}])
def test_a_run_of_a_revision_whose_file_was_replaced_or_deleted_since_reads_none(
    registered: Registered, change: dict[str, str]
) -> None:
    registered.queue_run("run-a", fine_tune())
    rescan(SECOND, **change)

    with pytest.raises(
        RecipeError, match=r"1 image was .* revision 1, .*: blue/01\.png"
    ) as refused:
        describing.load("run-a")

    assert "Choose a later revision" in refused.value.hint


def test_of_many_files_that_are_others_now_the_first_are_named(registered: Registered) -> None:
    registered.queue_run("run-a", fine_tune())
    for item_id in range(FIRST, FIRST + 35, 7):
        rescan(item_id, content_hash="other")

    with pytest.raises(RecipeError, match=r"5 images .*: blue/00\.png, .*02\.png and 2 more\."):
        describing.load("run-a")


def test_a_file_in_the_trash_is_read_there_and_lost_when_the_trash_is_emptied(
    registered: Registered, photos: Path, tmp_path: Path
) -> None:
    registered.queue_run("run-a", fine_tune())
    kept = tmp_path / "kept.png"
    kept.write_bytes((photos / "blue/01.png").read_bytes())
    rescan(SECOND, status="gone")
    throw_away(SECOND, str(kept))

    frame = describing.load("run-a").frame.set_index("item_id")
    kept.unlink()

    assert frame["path"][SECOND] == str(kept)
    with pytest.raises(RecipeError, match=r"blue/01\.png"):
        describing.load("run-a")
