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
from tests import builders
from tests.datasets import looks
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
    """Send operations as the gallery in the browser does."""
    return trigger(at, key, "operations", {"operations": list(operations)})


def trigger(at: AppTest, key: str, event: str, value: dict) -> AppTest:
    """Send what a component sends; AppTest has no public way to."""
    component = next(one for one in at.get("bidi_component") if one.key == key)
    states = at._tree.get_widget_states()
    state = states.widgets.add()
    state.id = f"$$STREAMLIT_INTERNAL_KEY_{component.proto.id}__events"
    state.json_trigger_value = json.dumps([{"event": event, "value": value}])
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
    assert (shown[0]["caption"], shown[0]["shows_label"]) == ("000.png", True)


def test_a_filter_narrows_the_gallery_down(pets):
    at = opened("browse", dataset=pets.id)

    at.text_input(key="name").set_value("003").run()

    assert [tile["tooltip"] for tile in tiles(at)] == ["cat/003.png", "dog/003.png"]


def test_the_filters_of_an_address_are_taken(pets):
    item = catalog.list_items(pets.id).items[0]
    edits.apply(pets.id, operation_id="op", kind="exclude", item_ids=[item.id])

    at = opened("browse", dataset=pets.id, status="excluded")

    assert [tile["id"] for tile in tiles(at)] == [item.id]


def test_filters_of_the_popover_are_shown_as_chips_that_take_them_away(pets):
    at = opened("browse", dataset=pets.id, side_from="65", side_below="67")
    shown = [tile["tooltip"] for tile in tiles(at)]

    button(at, "Shorter side from 65, below 67 px").click().run()

    assert shown == ["cat/001.png", "cat/002.png", "dog/001.png", "dog/002.png"]
    assert len(tiles(at)) == 9
    assert "side_from" not in at.query_params


def test_several_chips_can_be_cleared_at_once(pets):
    at = opened("browse", dataset=pets.id, format="JPEG", copies="exact", order="smallest")
    told = [one.value for one in at.info]

    button(at, "Clear these").click().run()

    assert told == ["No image passes these filters."]
    assert [tile["label"] for tile in tiles(at)][:2] == ["cat", "dog"]


def test_statistics_are_told_in_sentences(pets):
    at = opened("browse", dataset=pets.id, view="Statistics")

    told = [one.value for one in (*at.caption, *at.markdown)]
    assert sound(at)
    assert "Smallest class 4, largest 5 images. The classes are about even." in told
    assert "No image in use has an exact copy." in told
    assert any(line.startswith("64 to 68 px, half of them at least") for line in told)


def test_a_button_of_the_statistics_shows_the_images_it_is_about(tmp_path):
    root = library.write_images(tmp_path / "pets", {"cat": 2, "dog": 2})
    (root / "dog" / "same.png").write_bytes((root / "cat" / "001.png").read_bytes())
    dataset = library.open_scanned(root)
    at = opened("browse", dataset=dataset.id, view="Statistics", part="test", name="x")

    at.button(key="statistics-show-copies-across classes").click().run()

    assert sound(at)
    assert [tile["tooltip"] for tile in tiles(at)] == ["cat/001.png", "dog/same.png"]
    assert "view" not in at.query_params
    assert at.query_params["status"] == "in use"


def test_a_dataset_of_several_labels_names_them_all():
    dataset_id, _ = looks.several("cat|dog", "")
    at = opened("browse", dataset=dataset_id)

    assert {tile["label"] for tile in tiles(at)} == {"cat|dog", ""}
    assert sound(opened("browse", dataset=dataset_id, view="Statistics"))


def test_the_dialog_tells_what_a_file_is():
    dataset_id, ids = looks.items(
        {"mode": "I;16", "is_misnamed": True, "rank": 7, "recorded_part": "test", "label": "cat"}
    )
    at = opened("browse", dataset=dataset_id)

    trigger(at, f"browse-{dataset_id}", "opened", {"id": ids[0], "nonce": 1})

    (facts,) = [one.value for one in at.markdown if "Colours" in one.value]
    assert ":gray[Colours] 16 bit grey" in facts
    assert ":gray[Rank] 7 in its list" in facts
    assert ":gray[Part] none  (on disk: test)" in facts
    assert "named like another format" in facts


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

    for page, query in (("home", {}), ("datasets", {}), ("browse", {"view": "Statistics"})):
        at = opened(page, dataset=dataset.id, **query)

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


def test_runs_on_home_name_their_dataset():
    for number, name in enumerate(("Cats", "Dogs")):
        described = {"dataset_id": f"d-{number}", "split_id": f"s-{number}"}
        builders.insert_dataset({"a": ["1.jpg"], "b": ["2.jpg"]}, **described)
        catalog.rename(described["dataset_id"], name)
        builders.insert_run(f"run-{number}", name="1 · Fine-tune", **described)

    at = opened("home")

    said = " ".join(one.value for one in at.caption)
    assert sound(at)
    assert "Cats · finished" in said
    assert "Dogs · finished" in said
