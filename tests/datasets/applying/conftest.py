"""A folder with edits of every kind, made once and copied for each test."""

import os
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.datasets import catalog
from core.store import database, schema
from tests import faults
from tests.datasets import corpus, shelves
from tests.datasets.applying.disk import exclude, relabel


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for no disk: what a killed process has written is there without it."""
    monkeypatch.setattr(os, "fsync", lambda _handle: None)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a home and a dataset once, to be copied."""
    return made(tmp_path_factory.mktemp("template"), n_more=0)


@pytest.fixture(scope="module")
def large_template(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a larger one where much is killed; else it is the same."""
    if faults.N_MORE == 0:
        return template
    return made(tmp_path_factory.mktemp("large"), n_more=faults.N_MORE)


@pytest.fixture
def edited(template: Path, home: Path, tmp_path: Path) -> tuple[str, Path]:
    """Give a dataset like the template's, of its own."""
    return copied(template, home, tmp_path)


@pytest.fixture
def much_edited(large_template: Path, home: Path, tmp_path: Path) -> tuple[str, Path]:
    """Give a dataset like the large template's, of its own."""
    return copied(large_template, home, tmp_path)


def made(folder: Path, *, n_more: int) -> Path:
    """Make a dataset with two exclusions, one of a broken file, two relabels, and more of each.

    Two equal files lie under one name in two classes: one of them is excluded, and the other is
    relabelled to where it lies.
    """
    root = corpus.folder(folder / "root", per_class=3 + 2 * n_more)
    for place in ("cat/same.jpg", "dog/same.jpg"):
        corpus.put(root / place, corpus.jpeg(7))
    corpus.put(root / "cat" / "deep" / "page.jpg", corpus.damaged()["page.jpg"][0])
    more = [f"cat/cat-{3 + at}.jpg" for at in range(2 * n_more)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WINNOW_HOME", str(folder / "home"))
        dataset_id, _ = shelves.scanned(root)
        exclude(dataset_id, "cat/deep/page.jpg", "dog/same.jpg", *more[::2])
        relabel(dataset_id, "dog", "cat/same.jpg", *more[1::2])
        relabel(dataset_id, "bird", "dog/dog-0.jpg")
        database.forget()
    return folder


def copied(template: Path, home: Path, folder: Path) -> tuple[str, Path]:
    """Copy a template into a test's own folder and home; gives the dataset's id and root."""
    root = folder / "root"
    shutil.copytree(template / "root", root)
    shutil.copytree(template / "home", home, dirs_exist_ok=True)
    with database.writing() as connection:
        connection.execute(sa.update(schema.datasets).values(root=str(root)))
    return catalog.list_datasets()[0].id, root
