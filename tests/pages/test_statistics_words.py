"""Statistics in sentences: good grammar, and nothing said twice."""

import pandas as pd
import pytest

from core.datasets import catalog
from core.datasets.catalog.statistics import Colours, Measure, Spread
from pages.parts import catalog_charts
from pages.parts import statistics_words as words
from tests.datasets import looks
from tests.pages import library
from tests.pages.test_data_pages import opened, sound


def counts(*numbers: int) -> pd.DataFrame:
    """Count the images of classes that are numbered as they are sorted."""
    labels = [f"{n:03d}" for n in range(len(numbers))]
    return pd.DataFrame({"label": labels, "part": None, "n_in_use": numbers})


def colours(**found: int) -> Colours:
    none = dict.fromkeys(("n_grey", "n_grey_unknown", "n_misnamed", "n_misnamed_unknown"), 0)
    return Colours(**{"n_items": 9, "by_mode": {}, **none, **found})


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        ((6, 6), "Each class has 6 images."),
        ((1, 1), "Each class has 1 image."),
        ((6,) * 500, "The first 40 of 500 classes are drawn; all have 6 images."),
        ((4, 5), "Smallest class 4, largest 5 images. The classes are about even."),
    ],
)
def test_balance_is_said_once(numbers: tuple[int, ...], sentence: str) -> None:
    assert words.balance(counts(*numbers)) == sentence


def test_of_too_many_classes_both_ends_are_named_where_they_differ() -> None:
    said = words.balance(counts(9, *[6] * 49))

    assert said.startswith("Of 50 classes the 20 largest and 20 smallest are drawn. ")


def test_of_too_many_equal_classes_the_first_are_drawn() -> None:
    drawn = catalog_charts.drawn_classes(counts(*[6] * 50))

    assert drawn == [f"{n:03d}" for n in range(40)]


@pytest.mark.parametrize(
    ("measure", "value", "sentence"),
    [
        ("shorter_px", 400.0, "All images are 400 px on their shorter side."),
        ("size_bytes", 1234.0, "All files have 1.2 kB."),
        (
            "aspect",
            0.751,
            "All images have the same shape: their width divided by their height is 0.75.",
        ),
    ],
)
def test_a_value_that_all_have_is_said_once(measure: Measure, value: float, sentence: str) -> None:
    found = Spread(low=value, median=value, high=value)

    assert words.spread(measure, found) == sentence
    assert words.is_one_value(measure, found)


def test_one_misnamed_file_is_one_and_several_are_several() -> None:
    assert words.misnamed(colours(n_misnamed=1)) == (
        "1 file is named like another format than its content has; it is read by content."
    )
    assert words.misnamed(colours(n_misnamed=2)) == (
        "2 files are named like another format than their content has; they are read by content."
    )


def test_only_small_images_are_called_icons() -> None:
    dataset_id, _ = looks.items(
        {"width_px": 90, "height_px": 64}, {"width_px": 63, "height_px": 90}
    )
    large, small = catalog.list_items(dataset_id).items

    assert words.smallest([large]).startswith("The smallest images")
    assert words.smallest([large, small]).startswith("Icons, thumbnails and placeholders")


def test_a_histogram_of_one_value_is_a_sentence_alone(tmp_path) -> None:
    dataset = library.open_scanned(library.write_images(tmp_path / "pets", {"cat": 1, "dog": 1}))

    at = opened("browse", dataset=dataset.id, view="Statistics")

    drawn = [one.proto.id for one in at.get("plotly_chart")]
    assert sound(at)
    assert "All images are 64 px on their shorter side." in [one.value for one in at.caption]
    assert any("statistics-classes" in one for one in drawn)
    assert not any("statistics-shorter_px" in one or "statistics-aspect" in one for one in drawn)
