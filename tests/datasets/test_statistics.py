"""Statistics are of the images in use, and each bar finds its images again."""

from typing import Any, get_args

import pytest

from core.datasets import catalog, edits
from core.datasets.catalog import ItemFilter, statistics
from core.datasets.catalog.statistics import Bar, CopyCounts, Format, Measure, Spread
from tests.datasets import looks


def sides(*pairs: tuple[int, int]) -> list[dict[str, Any]]:
    return [{"width_px": width, "height_px": height} for width, height in pairs]


def test_a_histogram_counts_between_known_edges_without_empty_ends() -> None:
    dataset_id, _ = looks.items(*sides((64, 100), (127, 95), (95, 200), (300, 200)))

    bars = statistics.histogram(dataset_id, "shorter_px")

    assert bars == (
        Bar(limits=(64, 96), n_items=3),
        Bar(limits=(96, 128), n_items=0),
        Bar(limits=(128, 160), n_items=0),
        Bar(limits=(160, 192), n_items=0),
        Bar(limits=(192, 224), n_items=1),
    )


def test_the_outermost_bars_are_open() -> None:
    dataset_id, _ = looks.items(*sides((5, 5), (9000, 9000)))

    bars = statistics.histogram(dataset_id, "shorter_px")

    assert (bars[0].limits, bars[-1].limits) == ((None, 16), (4096, None))


@pytest.mark.parametrize("measure", get_args(Measure))
def test_a_bar_s_limits_find_as_many_images_as_it_counts(measure: Measure) -> None:
    rows = [
        {"width_px": 20 * n + 1, "height_px": 35 * (n % 7) + 9, "size_bytes": 900 * n * n + 1}
        for n in range(40)
    ]
    dataset_id, ids = looks.items(*rows, {"width_px": None, "height_px": None})
    edits.apply(dataset_id, operation_id="1", kind="exclude", item_ids=ids[3:6])

    bars = statistics.histogram(dataset_id, measure)
    totals = [
        catalog.list_items(
            dataset_id, filters=ItemFilter(status="in_use", **{measure: bar.limits})
        ).total
        for bar in bars
    ]

    assert totals == [bar.n_items for bar in bars]
    assert sum(totals) == 38 if measure == "size_bytes" else 37


def test_a_spread_has_the_value_that_half_of_the_images_reach() -> None:
    dataset_id, _ = looks.items(*sides((10, 20), (30, 30), (90, 50), (40, 80)))

    assert statistics.spread(dataset_id, "shorter_px") == Spread(low=10, median=40, high=50)
    assert statistics.spread(dataset_id, "aspect") == Spread(low=0.5, median=1.0, high=1.8)


def test_formats_are_counted_with_those_that_are_named_otherwise() -> None:
    dataset_id, _ = looks.items(
        {"format": "JPEG", "is_misnamed": False},
        {"format": "JPEG", "is_misnamed": None},
        {"format": "PNG", "is_misnamed": True},
        {"format": None, "status": "broken"},
    )

    assert statistics.formats(dataset_id) == (
        Format(name="JPEG", n_items=2, n_misnamed=0),
        Format(name="PNG", n_items=1, n_misnamed=1),
    )


def test_what_an_older_scan_did_not_look_at_is_unknown() -> None:
    dataset_id, _ = looks.items(
        {"mode": "CMYK", "is_grey": False, "is_misnamed": False},
        {"mode": "L", "is_grey": True, "is_misnamed": True},
        {"mode": None, "is_grey": None, "is_misnamed": None},
    )

    found = statistics.colours(dataset_id)

    assert found.by_mode == {"CMYK": 1, "L": 1}
    assert (found.n_items, found.n_grey, found.n_grey_unknown) == (3, 1, 1)
    assert (found.n_misnamed, found.n_misnamed_unknown) == (1, 1)


def test_copies_are_counted_as_the_filter_finds_them() -> None:
    dataset_id, ids = looks.items(
        {"content_hash": "a", "label": "cat"},
        {"content_hash": "a", "label": "dog"},
        {"content_hash": "b", "label": "cat"},
        {"content_hash": "b", "label": "cat"},
        {"content_hash": "b", "label": "cat"},
    )

    before = statistics.copies(dataset_id)
    edits.apply(dataset_id, operation_id="1", kind="exclude", item_ids=[ids[0]])

    assert before == CopyCounts(n_exact=5, n_across_classes=2)
    assert statistics.copies(dataset_id) == CopyCounts(n_exact=3, n_across_classes=0)


def test_labels_per_image_count_each_image_once() -> None:
    several, _ = looks.several("", "cat", "cat|dog", "dog|fox")
    single, _ = looks.items({"label": "a|b"}, {"label": "c"})

    assert statistics.labels_per_image(several) == {0: 1, 1: 1, 2: 2}
    assert statistics.labels_per_image(single) == {1: 2}


def test_a_dataset_without_images_has_nothing_to_tell() -> None:
    dataset_id, ids = looks.items({"status": "broken", "width_px": None, "height_px": None})

    found = statistics.describe(dataset_id)

    assert (found.colours.n_items, found.formats, found.spreads) == (0, (), {})
    assert found.copies == CopyCounts(n_exact=0, n_across_classes=0)
    assert set(found.histograms.values()) == {()}
    assert catalog.list_items(dataset_id).items[0].id == ids[0]
