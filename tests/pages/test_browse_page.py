"""Browse: filters belong to their dataset, and what is wrong with a file is said."""

import pytest
import sqlalchemy as sa

from core.datasets import catalog, edits, thumbnails
from core.store import database, files, schema
from tests.datasets import looks
from tests.pages import library
from tests.pages.test_data_pages import button, decide, edit, opened, sound, tiles, trigger

WHOLE = 9  # images of the dataset `pets`


@pytest.fixture
def birds(tmp_path):
    return library.open_scanned(library.write_images(tmp_path / "birds", {"owl": 3, "wren": 2}))


def told(at) -> list[str]:
    return [one.value.replace("\\", "") for kind in (at.caption, at.info) for one in kind]


def change(item_id: int, **values: object) -> None:
    """Change an item in the store as a later scan does."""
    mine = sa.update(schema.items).where(schema.items.c.id == item_id).values(**values)
    with database.writing() as connection:
        connection.execute(mine)


def test_filters_end_with_the_dataset_that_they_were_chosen_for(pets, birds):
    at = opened("browse", dataset=pets.id, status="broken", name="7", side_from="90")
    at.selectbox(key="order").set_value("smallest").run()

    at.selectbox(key=f"toolbar-dataset-{pets.id}").set_value(birds.id).run()

    assert sound(at)
    assert [tile["label"] for tile in tiles(at)] == ["owl"] * 3 + ["wren"] * 2
    assert set(at.query_params) == {"dataset"}


def test_all_filters_are_cleared_where_nothing_passes(pets):
    at = opened("browse", dataset=pets.id, status="gone", part="test", name="x", format="GIF")
    at.multiselect(key=f"browse-classes-{pets.id}").set_value(["cat"]).run()

    button(at, "Clear all filters").click().run()

    assert len(tiles(at)) == WHOLE
    assert set(at.query_params) == {"dataset"}


def test_a_range_that_ends_before_it_begins_is_told(pets):
    at = opened("browse", dataset=pets.id, side_from="900", side_below="10", kb_from="1")

    (sentence,) = [one for one in told(at) if "No image passes" in one]

    assert "Shorter side from 900, below 10 px: nothing lies between" in sentence
    assert "File size" not in sentence


def test_the_status_is_a_chip_in_words(pets):
    item = catalog.list_items(pets.id).items[0]
    edits.apply(pets.id, operation_id="op", kind="exclude", item_ids=[item.id])
    at = opened("browse", dataset=pets.id, status="in use")
    passed = len(tiles(at))

    button(at, "Status: in use").click().run()

    assert (passed, len(tiles(at))) == (WHOLE - 1, WHOLE)


def test_the_number_of_images_that_pass_is_said_in_good_grammar(pets):
    assert "1 image that passes the filters" in told(opened("browse", dataset=pets.id, name="004"))
    assert "2 images that pass the filters" in told(opened("browse", dataset=pets.id, name="001"))


def test_the_order_by_rank_is_offered_where_images_have_ranks():
    without, _ = looks.items({"rank": None})
    ranked, ids = looks.items({"rank": 2}, {"rank": 1}, {"rank": None})

    plain = opened("browse", dataset=without, order="rank")
    at = opened("browse", dataset=ranked, order="rank")

    assert sound(plain)
    assert "rank" not in plain.selectbox(key="order").options
    assert [tile["id"] for tile in tiles(at)] == [ids[1], ids[0], ids[2]]


def test_a_broken_file_says_why_on_its_tile_and_in_the_dialog(pets):
    item = catalog.list_items(pets.id).items[0]
    change(item.id, status="broken", reason="is HTML, not an image")
    at = opened("browse", dataset=pets.id, status="broken")
    (tile,) = tiles(at)

    trigger(at, f"browse-{pets.id}", "opened", {"id": item.id, "nonce": 1})

    sentence = "000.png is HTML, not an image."
    assert (tile["caption"], tile["status"]) == (sentence, "broken")
    assert [one.value.replace("\\", "") for one in at.warning] == [sentence]
    assert "1 of 1 on this page" in told(at)


def test_a_file_that_is_gone_is_shown_as_it_was(pets):
    item = catalog.list_items(pets.id).items[0]
    thumbnails.get(item.content_hash, size_px=256)
    change(item.id, status="gone")
    at = opened("browse", dataset=pets.id, status="gone")

    trigger(at, f"browse-{pets.id}", "opened", {"id": item.id, "nonce": 1})

    drawn = [one.value for one in at.get("html")]
    assert [one.value.replace("\\", "") for one in at.warning] == [
        "000.png is gone since the last scan."
    ]
    assert files.thumbnail(item.content_hash, 256).is_file()
    assert any(f"/thumb/{item.content_hash}/256" in one for one in drawn)


def test_a_new_class_joins_the_menu_behind_those_with_a_number(pets):
    at = opened("browse", dataset=pets.id)
    first = tiles(at)[0]["id"]

    decide(
        at,
        f"browse-{pets.id}",
        edit("op-1", kind="relabel", item_ids=[first], label="Ant"),
    )

    assert catalog.get_item(first).label == "Ant"
    assert "Ant" in catalog.classes(pets.id)
