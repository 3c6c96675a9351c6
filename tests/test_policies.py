"""Rules of the house that hold for every file."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
SOURCES = sorted(
    path
    for path in (*PROJECT.glob("core/**/*.py"), *PROJECT.glob("pages/**/*.py"), PROJECT / "app.py")
    if "migrations/versions" not in path.as_posix()
)
MOST_LINES = 400


def test_the_imports_keep_to_the_contracts():
    lint = Path(sys.executable).with_name("lint-imports")

    found = subprocess.run([lint], cwd=PROJECT, capture_output=True, text=True, check=False)

    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_a_module_stays_small(path: Path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_nothing_loads_pickles_or_writes_raw_html(path: Path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]

    called = {ast.unparse(call.func) for call in calls}
    loads = [call for call in calls if ast.unparse(call.func) == "torch.load"]
    words = {keyword.arg for call in calls for keyword in call.keywords}

    assert not {"pickle.load", "pickle.loads", "load_learner", "pickle.Unpickler"} & called
    assert all("weights_only=True" in ast.unparse(call) for call in loads)
    assert "unsafe_allow_html" not in words


def test_every_page_is_in_the_navigation_under_an_address_that_no_file_bears():
    tree = ast.parse((PROJECT / "app.py").read_text(encoding="utf-8"))
    (pages,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PAGES"
    ]
    addresses = {name for name, _title, _icon in pages}

    stems = {path.stem for path in PROJECT.glob("pages/*.py")} - {"__init__"}

    assert stems == {f"{name}_page" for name in addresses}
    assert not stems & addresses


def test_the_runtime_dependencies_are_bounded():
    lines = (PROJECT / "requirements.txt").read_text(encoding="utf-8").splitlines()

    loose = [line for line in lines if line and not line.startswith("#") and "<" not in line]

    assert loose == []
