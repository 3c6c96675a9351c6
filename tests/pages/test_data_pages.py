"""Home, datasets and browse, rendered without a browser."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.datasets import catalog, edits
from core.runs import processes, tasks
from tests.pages import library

APP = Path(__file__).resolve().parents[2] / "app.py"
HOSTILE = "*b* [x](y) :smile: <img src=x onerror=alert(1)>"
LIVE = re.compile(r"(?<!\\)\*b|(?<!\\)\[x|:smile|(?<!\\)<img")


def opened(page: str, **query: str) -> AppTest:
    """Render a page as a fresh session does."""
    at = AppTest.from_file(str(APP), default_timeout=30)
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    return at if page == "home" else at.switch_page(f"pages/{page}_page.py").run()


def sound(at: AppTest) -> bool:
    """Say whether a page shows neither a traceback nor an error of its own."""
    assert [error.value for error in at.exception] == []
    assert [error.value for error in at.error] == []
    return True


def button(at: AppTest, label: str) -> object:
    return next(one for one in at.button if one.label == label)


def tiles(at: AppTest) -> list[dict]:
    """Read the tiles that the gallery component was given."""
    proto = at.get("bidi_component")[0].proto
    return json.loads(proto.mixed.json or proto.json)["tiles"]


def edit(operation_id: str, **decision: object) -> dict:
    """Write an operation with one decision as the gallery does."""
    return {"id": operation_id, "kind": "edit", "decisions": [decision]}


def decide(at: AppTest, key: str, *operations: dict) -> AppTest:
    """Send operations as the gallery in the browser does; AppTest has no public way to."""
    component = next(one for one in at.get("bidi_component") if one.key == key)
    states = at._tree.get_widget_states()
    state = states.widgets.add()
    state.id = f"$$STREAMLIT_INTERNAL_KEY_{component.proto.id}__events"
    sent = [{"event": "operations", "value": {"operations": list(operations)}}]
    state.json_trigger_value = json.dumps(sent)
    return at._run(states)


@pytest.fixture
def started(monkeypatch) -> list[list[str]]:
    """Record the processes that would start."""
    calls: list[list[str]] = []
    monkeypatch.setattr(
        processes, "start", lambda module, arguments, **rest: calls.append([module, *arguments])
    )
    return calls


@pytest.mark.parametrize("page", ["home", "datasets", "browse"])
def test_a_page_without_any_dataset_is_sound(page):
    assert sound(opened(page))


@pytest.mark.parametrize("page", ["home", "datasets", "browse"])
def test_a_page_of_a_dataset_is_sound(page, pets):
    assert sound(opened(page, dataset=pets.id))


def test_an_address_with_an_unknown_dataset_is_told_once(pets):
    at = opened("browse", dataset="ds-gone")

    assert "ds-gone" in at.error[0].value.replace("\\", "")
    assert at.run().error == []


def test_browse_shows_the_images_of_the_dataset(pets):
    at = opened("browse", dataset=pets.id)

    shown = tiles(at)
    assert [tile["label"] for tile in shown] == ["cat"] * 5 + ["dog"] * 4
    assert shown[0]["caption"] == "cat\n000.png"


def test_a_filter_narrows_the_gallery_down(pets):
    at = opened("browse", dataset=pets.id)

    at.text_input(key="name").set_value("003").run()

    assert [tile["tooltip"] for tile in tiles(at)] == ["cat/003.png", "dog/003.png"]


def test_the_filters_of_an_address_are_taken(pets):
    item = catalog.list_items(pets.id).items[0]
    edits.apply(pets.id, operation_id="op", kind="exclude", item_ids=[item.id])

    at = opened("browse", dataset=pets.id, status="excluded")

    assert [tile["id"] for tile in tiles(at)] == [item.id]


def test_an_operation_that_arrives_twice_counts_once(pets):
    at = opened("browse", dataset=pets.id)
    ids = [tile["id"] for tile in tiles(at)[:2]]
    exclude = edit("op-1", kind="exclude", item_ids=ids, label=None)

    decide(at, f"browse-{pets.id}", exclude)
    decide(at, f"browse-{pets.id}", exclude)

    assert catalog.get(pets.id).revision == 2
    assert [tile["excluded"] for tile in tiles(at)[:3]] == [True, True, False]


def test_an_operation_is_refused_aloud_and_the_others_go_on(pets):
    at = opened("browse", dataset=pets.id)
    first = tiles(at)[0]["id"]
    bad = edit("op-1", kind="relabel", item_ids=[first], label="a/b")
    good = edit("op-2", kind="exclude", item_ids=[first], label=None)

    decide(at, f"browse-{pets.id}", bad, good)

    assert "'a/b' cannot be the name of a class" in at.error[0].value.replace("\\", "")
    assert edits.list_log(pets.id)[0].note == "1 image excluded"


def test_undo_in_the_bar_takes_the_last_edit_back(pets):
    item = catalog.list_items(pets.id).items[0]
    edits.apply(pets.id, operation_id="op", kind="exclude", item_ids=[item.id])
    at = opened("browse", dataset=pets.id)

    button(at, "Undo").click().run()

    assert sound(at)
    assert not catalog.get_item(item.id).excluded


def test_a_folder_that_does_not_exist_is_told(started):
    at = opened("datasets")

    at.text_input(key="datasets-path").set_value("/nowhere/at/all")
    button(at, "Open").click().run()

    assert "/nowhere/at/all does not exist" in at.error[0].value.replace("\\", "")
    assert started == []


def test_opening_a_folder_registers_it_and_starts_its_scan(started, tmp_path):
    root = library.write_images(tmp_path / "birds", {"owl": 1, "tit": 1})
    at = opened("datasets")

    at.text_input(key="datasets-path").set_value(str(root))
    button(at, "Open").click().run()

    (dataset,) = catalog.list_datasets()
    task = tasks.find_active("scan", dataset.id)
    assert sound(at)
    assert at.query_params["dataset"] == dataset.id
    assert started == [["core.datasets.worker", task.id]]


def test_a_broken_file_is_named_with_its_reason(tmp_path):
    root = library.write_images(tmp_path / "birds", {"owl": 2})
    (root / "owl" / "page.jpg").write_text("<html>not found</html>")
    dataset = library.open_scanned(root)

    at = opened("datasets", dataset=dataset.id)

    (table,) = [one.value for one in at.dataframe]
    assert table.iloc[0].to_dict() == {
        "file": "owl/page.jpg",
        "class": "owl",
        "reason": "is HTML, not an image",
    }
    assert any("only one class" in one.value for one in at.warning)


def test_the_sample_starts_by_one_click(started):
    at = opened("home")

    button(at, "Try the sample").click().run()

    task = tasks.find_active("sample")
    assert sound(at)
    assert started == [["core.datasets.worker", task.id]]


def test_names_from_disk_are_never_markdown(tmp_path):
    root = library.write_images(tmp_path / HOSTILE, {HOSTILE.replace("/", "_"): 2, "b": 2})
    dataset = library.open_scanned(root)

    for page in ("home", "datasets", "browse"):
        at = opened(page, dataset=dataset.id)

        drawn = [
            one.value for kind in ("markdown", "caption", "subheader") for one in at.get(kind)
        ]
        drawn += [one.label for one in at.button]
        assert sound(at)
        assert [one for one in drawn if LIVE.search(one)] == []


def test_the_app_imports_no_torch(home):
    script = (
        "import sys; from streamlit.testing.v1 import AppTest\n"
        f"at = AppTest.from_file({str(APP)!r}, default_timeout=60).run()\n"
        "for page in ('datasets', 'browse', 'batches', 'lr', 'train', 'runs', 'interpret'):\n"
        "    at.switch_page(f'pages/{page}_page.py').run()\n"
        "    assert not at.exception, at.exception\n"
        "heavy = {'torch', 'torchvision', 'fastai', 'sklearn', 'timm'} & set(sys.modules)\n"
        "print('heavy:', sorted(heavy))\n"
    )

    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=APP.parent, capture_output=True, text=True, check=False
    )

    assert ran.stdout.strip().endswith("heavy: []"), ran.stderr
