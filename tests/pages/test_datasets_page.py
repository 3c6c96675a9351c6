"""The datasets page, rendered without a browser: forms, looks, moves and removals."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core.datasets import catalog, rescan, scan
from core.domain.items import Dataset
from core.domain.labellers import (
    FolderLabeller,
    GrandparentLabeller,
    PatternLabeller,
    TableLabeller,
)
from core.runs import brought
from core.store import clock, database, ids, schema
from tests.datasets import corpus, shelves
from tests.pages.test_data_pages import button, opened, sound

HOSTILE = "a*b <img src=x>.jpg"


@pytest.fixture
def pets_folder(tmp_path: Path) -> Path:
    """Give a folder of two classes that is no dataset yet."""
    return corpus.folder(tmp_path / "pets")


@pytest.fixture
def scanned_pets(pets_folder: Path) -> Dataset:
    """Give the same folder as a dataset."""
    dataset_id, _result = shelves.scanned(pets_folder)
    return catalog.get(dataset_id)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """Record the processes that would start."""
    from core.runs import processes

    calls: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(
        processes, "start", lambda module, arguments, **_rest: calls.append((module, arguments))
    )
    return calls


def finished(kind: str, dataset_id: str, result: dict[str, Any], **params: Any) -> None:
    """Insert a task that has ended well."""
    row = {
        "id": ids.new("task"),
        "kind": kind,
        "dataset_id": dataset_id,
        "params": {"dataset_id": dataset_id, **params},
        "result": result,
        "status": "finished",
        "created_at": clock.now(),
    }
    with database.writing() as connection:
        connection.execute(sa.insert(schema.tasks).values(**row))


def typed(path: Path) -> Any:
    """Open the page and type a path."""
    at = opened("datasets")
    return at.text_input(key="datasets-path").set_value(str(path)).run()


def test_a_typed_folder_is_opened_with_the_labeller_that_suits_it(tmp_path: Path, started):
    for path in ("train/cat/1.jpg", "train/dog/2.jpg", "valid/cat/3.jpg", "valid/dog/4.jpg"):
        corpus.put(tmp_path / "parts" / path, corpus.jpeg(len(path)))

    at = typed(tmp_path / "parts")
    assert sound(at)
    button(at, "Open").click().run()

    (dataset,) = catalog.list_datasets()
    assert (dataset.name, dataset.labeller) == ("parts", GrandparentLabeller())
    assert [arguments for module, arguments in started if module == "core.datasets.worker"]


def test_the_name_and_another_labeller_are_taken(pets_folder: Path, started):
    at = typed(pets_folder)
    at.text_input(key=f"datasets-name-{pets_folder}").set_value("Cats & dogs")
    at.segmented_control[1].set_value("pattern").run()
    at.text_input[2].set_value(r"^(cat|dog)-").run()
    assert any("8** with a label, **2 classes" in one.value for one in at.markdown)
    button(at, "Open").click().run()

    (dataset,) = catalog.list_datasets()
    assert dataset.name == "Cats & dogs"
    assert dataset.labeller == PatternLabeller(pattern=r"^(cat|dog)-")


def test_a_bad_pattern_is_explained_and_the_folder_is_not_lost(pets_folder: Path, started):
    at = typed(pets_folder)
    at.segmented_control[1].set_value("pattern").run()
    at.text_input[2].set_value("(").run()

    assert "no regular expression" in at.error[0].value.replace("\\", "")
    assert at.text_input(key="datasets-path").value == str(pets_folder)
    assert catalog.list_datasets() == []


def test_a_table_is_shown_with_its_columns_and_hostile_names_stay_plain(tmp_path: Path, started):
    corpus.put(tmp_path / "flat" / HOSTILE, corpus.jpeg(1))
    corpus.put(tmp_path / "flat" / "b.jpg", corpus.jpeg(2))
    corpus.put(tmp_path / "flat" / "t.csv", f"file,label\n{HOSTILE},<b>*x*\nb.jpg,y\n".encode())

    at = typed(tmp_path / "flat")
    assert sound(at)
    button(at, "Open").click().run()

    (dataset,) = catalog.list_datasets()
    assert dataset.labeller == TableLabeller(
        table="t.csv", file_column="file", label_column="label"
    )
    assert not any("<b>*x*" in one.value for one in at.markdown)


def test_what_was_unpacked_and_not_opened_is_offered(home: Path, started):
    folder = corpus.folder(home / "imports" / "imp-1" / "pets")
    row = {"params": {"name": "My pets", "path": "/tmp/pets.zip"}, "status": "finished"}
    with database.writing() as connection:
        values = {"id": "t", "kind": "unpack", "result": {"folder": str(folder)}, **row}
        connection.execute(sa.insert(schema.tasks).values(**values, created_at=clock.now()))

    at = opened("datasets")
    button(at, "My pets").click().run()
    assert sound(at)
    button(at, "Open").click().run()

    (dataset,) = catalog.list_datasets()
    assert (dataset.name, dataset.source, dataset.origin) == (
        "My pets",
        "archive",
        "/tmp/pets.zip",
    )


def test_changes_are_shown_before_they_are_taken(scanned_pets: Dataset, started):
    corpus.put(Path(scanned_pets.root) / "cat" / "new.jpg", corpus.jpeg(99))
    finished("compare", scanned_pets.id, rescan.look(scanned_pets.id))

    at = opened("datasets", dataset=scanned_pets.id)
    assert sound(at)
    assert "Since the last scan: **1** new." in [one.value for one in at.markdown]
    button(at, "Take these changes").click().run()

    with database.reading() as connection:
        kinds = connection.execute(sa.select(schema.tasks.c.kind)).scalars().all()
    assert kinds == ["compare", "scan"]


def test_an_unchanged_folder_is_told_and_a_dismissed_look_is_gone(scanned_pets, started):
    finished("compare", scanned_pets.id, rescan.look(scanned_pets.id))

    at = opened("datasets", dataset=scanned_pets.id)

    assert at.success[0].value == "Nothing has changed since the last scan."


def test_a_dataset_is_pointed_to_its_new_place(scanned_pets: Dataset, tmp_path: Path, started):
    new = tmp_path / "elsewhere"
    shutil.move(scanned_pets.root, new)
    found = rescan.look_elsewhere(scanned_pets.id, str(new))
    finished("compare", scanned_pets.id, found, root=str(new))

    at = opened("datasets", dataset=scanned_pets.id)
    button(at, "Use this folder").click().run()

    assert catalog.get(scanned_pets.id).root == str(new)
    result = scan.run(scanned_pets.id, shelves.Lease())
    assert result is not None
    assert (result["n_new"], result["n_gone"]) == (0, 0)


def test_a_removed_dataset_leaves_the_page_and_its_files(scanned_pets: Dataset, started):
    at = opened("datasets", dataset=scanned_pets.id)

    button(at, "Remove").click().run()

    assert sound(at)
    assert catalog.list_datasets() == []
    assert (Path(scanned_pets.root) / "cat" / "cat-0.jpg").exists()


def test_a_public_dataset_is_queued_for_the_engine(started):
    at = opened("datasets")
    at.segmented_control[0].set_value("public").run()
    button(at, "Download").click().run()

    with database.reading() as connection:
        row = connection.execute(sa.select(schema.tasks)).one()
    assert (row.kind, row.status, row.needs_device) == ("public", "queued", False)
    assert row.params["name"] == "PETS"


def test_an_archive_that_is_none_is_refused_with_its_name(tmp_path: Path, started):
    page = tmp_path / "photos.zip"
    page.write_text("<!DOCTYPE html><html></html>")

    at = opened("datasets")
    at.segmented_control[0].set_value("archive").run()
    at.text_input(key="archive-path").set_value(str(page))
    button(at, "Unpack").click().run()

    assert "photos.zip" in at.error[0].value.replace("\\", "")
    assert started == []


def test_lists_of_addresses_become_a_dataset_that_waits(started):
    at = opened("datasets")
    at.segmented_control[0].set_value("urls").run()
    at.text_input(key="urls-0-label").set_value("bear")
    at.text_area(key="urls-0-pasted").set_value("https://example.com/1.jpg\nnonsense\n").run()
    at.text_input(key="urls-name").set_value("bears").run()
    button(at, "Download").click().run()

    (dataset,) = catalog.list_datasets()
    assert (dataset.name, dataset.source) == ("bears", "urls")
    assert [module for module, _ in started] == ["core.datasets.worker"]


def test_a_list_without_an_address_is_refused_with_a_sentence(started):
    at = opened("datasets")
    at.segmented_control[0].set_value("urls").run()
    at.text_input(key="urls-0-label").set_value("bear")
    at.text_area(key="urls-0-pasted").set_value("not an address").run()

    assert "no address" in at.error[0].value.replace("\\", "")
    assert button(at, "Download").disabled


def test_a_refused_upload_is_not_kept(home: Path, started):
    at = opened("datasets")
    at.segmented_control[0].set_value("archive").run()
    at.file_uploader[0].set_value(("photos.zip", b"<html></html>", "application/zip")).run()

    assert "photos.zip" in at.error[0].value.replace("\\", "")
    assert list((home / "uploads").iterdir()) == []


def test_a_brought_folder_keeps_its_origin_with_another_labeller(home: Path, started):
    folder = corpus.folder(home / "imports" / "imp-1" / "pets")
    row = {"params": {"name": "My pets", "path": "/tmp/pets.zip"}, "status": "finished"}
    gone = {"id": "o", "kind": "public", "params": {"name": "OLD"}, "status": "finished"}
    with database.writing() as connection:
        values = {"id": "t", "kind": "unpack", "result": {"folder": str(folder)}, **row}
        connection.execute(sa.insert(schema.tasks).values(**values, created_at=clock.now()))
        old = {**gone, "result": {"folder": "/nowhere"}}
        connection.execute(sa.insert(schema.tasks).values(**old, created_at=clock.now()))

    first = brought.open_folder(str(folder), labeller=FolderLabeller())
    second = brought.open_folder(str(folder), labeller=PatternLabeller(pattern="^(cat|dog)"))

    assert first.id != second.id
    assert (second.source, second.origin) == ("archive", "/tmp/pets.zip")


def test_a_form_is_empty_again_after_its_download_has_begun(started):
    at = opened("datasets")
    at.segmented_control[0].set_value("urls").run()
    at.text_input(key="urls-0-label").set_value("bear")
    at.text_area(key="urls-0-pasted").set_value("https://example.com/1.jpg").run()
    at.text_input(key="urls-name").set_value("bears").run()
    button(at, "Download").click().run()

    assert at.text_input(key="urls-name").value == ""
    assert button(at, "Download").disabled


def test_a_folder_without_labels_is_not_opened(pets_folder: Path, started):
    at = typed(pets_folder)
    at.segmented_control[1].set_value("grandparent").run()
    button(at, "Open").click().run()

    assert "None of the 8 image files" in at.error[0].value
    assert catalog.list_datasets() == []


def test_a_folder_that_is_open_already_says_so(scanned_pets: Dataset, started):
    at = typed(Path(scanned_pets.root))

    assert sound(at)
    assert any(one.value.startswith("Already open: **pets**") for one in at.markdown)


@pytest.mark.parametrize("page", ["datasets", "browse"])
def test_a_folder_that_is_not_there_is_told_with_the_remedy(
    scanned_pets: Dataset, page: str, started
):
    shutil.rmtree(scanned_pets.root)

    at = opened(page, dataset=scanned_pets.id)

    told = [*at.warning, *at.markdown]
    assert any("is not there" in one.value for one in told)
    assert [error.value for error in at.error] == []


def test_a_moved_folder_that_is_opened_by_hand_is_recognised(
    scanned_pets: Dataset, tmp_path: Path, started
):
    new = tmp_path / "elsewhere"
    shutil.move(scanned_pets.root, new)

    at = typed(new)
    button(at, "Use this place for it").click().run()

    (dataset,) = catalog.list_datasets()
    assert (dataset.id, dataset.root) == (scanned_pets.id, str(new))


def test_a_removed_dataset_is_brought_back_from_the_list(scanned_pets: Dataset, started):
    catalog.remove(scanned_pets.id)

    at = opened("datasets")
    button(at, "Bring back").click().run()

    assert sound(at)
    assert [one.id for one in catalog.list_datasets()] == [scanned_pets.id]


def test_a_relative_path_and_a_file_are_refused_with_what_to_do(tmp_path: Path, started):
    table = corpus.put(tmp_path / "labels.csv", b"a,b\n")

    relative, of_table = typed(Path("photos")), typed(table)

    assert "not a full path" in relative.error[0].value
    assert f"Open its folder {tmp_path}" in of_table.error[0].value.replace("\\", "")
