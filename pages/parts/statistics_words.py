"""Statistics in sentences, each with what it means for training."""

from collections.abc import Sequence

import pandas as pd

from core.datasets.catalog.statistics import Colours, CopyCounts, Measure, Spread
from core.domain.items import Item
from pages.parts import catalog_charts, text

SMALL_PX = 64  # a shorter side below it is an icon's, seldom a photo's
ONE_VALUE: dict[Measure, str] = {
    "shorter_px": "All images are {} px on their shorter side.",
    "aspect": "All images have the same shape: their width divided by their height is {}.",
    "size_bytes": "All files have {}.",
}
UNKNOWN = (
    "Which images are grey, how files store their colours, and whether they are named like "
    "another format is unknown until the next scan."
)


def balance(counts: pd.DataFrame) -> str:
    """Say how even the classes are, and which of them a chart leaves out."""
    numbers = counts.groupby("label")["n_in_use"].sum()
    numbers = numbers[numbers > 0]
    if len(numbers) < 2:
        return "A network needs two classes to tell apart."
    if numbers.min() == numbers.max():
        return _equal(len(numbers), text.count(numbers.min(), "image"))
    drawn = ""
    if len(numbers) > catalog_charts.MOST_CLASSES:
        half = catalog_charts.MOST_CLASSES // 2
        drawn = f"Of {len(numbers):,} classes the {half} largest and {half} smallest are drawn. "
    largest = text.count(numbers.max(), "image")
    extremes = f"Smallest class {numbers.min():,}, largest {largest}. "
    return drawn + extremes + _evenness(numbers.max() / numbers.min())


def _equal(n_classes: int, size: str) -> str:
    most = catalog_charts.MOST_CLASSES
    if n_classes > most:
        return f"The first {most} of {n_classes:,} classes are drawn; all have {size}."
    return f"Each class has {size}."


def _evenness(ratio: float) -> str:
    if ratio < 1.5:
        return "The classes are about even."
    return (
        f"The largest has {ratio:.1f} times as many as the smallest: accuracy alone will flatter "
        "the large classes, so look at each class when you interpret."
    )


def labels_per_image(numbers: dict[int, int]) -> str:
    """Say how many labels images have, and what those without any teach."""
    n_images = sum(numbers.values())
    mean = sum(labels * images for labels, images in numbers.items()) / n_images
    said = f"{mean:.1f} labels an image on average, at most {max(numbers)}."
    if not numbers.get(0):
        return said
    return (
        f"{said} {_have(numbers[0])} no label: a run learns from them that none of the classes is "
        "there, so label those that only nobody has labelled yet."
    )


def spread(measure: Measure, found: Spread) -> str:
    """Say between which values a measure lies, and a value that all have only once."""
    low, median, high = (_write(measure, one) for one in (found.low, found.median, found.high))
    if low == high:
        return ONE_VALUE[measure].format(low)
    if measure == "size_bytes":
        return (
            f"{low} to {high}, half of them at least {median}. "
            "Very small files are often placeholders or thumbnails."
        )
    if measure == "aspect":
        return (
            f"From {low} to {high}, half of them at least {median}. "
            "A network sees squares: of an image three times as wide as high, two thirds are cut "
            "off, or it is squeezed."
        )
    return (
        f"{low} to {high} px, half of them at least {median} px. "
        "Training above that size enlarges images."
    )


def is_one_value(measure: Measure, found: Spread) -> bool:
    """Say whether all images have the same value, as far as it is written."""
    return _write(measure, found.low) == _write(measure, found.high)


def _write(measure: Measure, value: float) -> str:
    if measure == "size_bytes":
        return text.size(value)
    return f"{value:.2f}" if measure == "aspect" else f"{value:,.0f}"


def smallest(items: Sequence[Item]) -> str:
    """Say what the smallest images may be."""
    sides = [min(one.width_px, one.height_px) for one in items if one.width_px and one.height_px]
    if min(sides, default=SMALL_PX) >= SMALL_PX:
        return "The smallest images; look whether they are worth keeping."
    return (
        "Icons, thumbnails and placeholders are usually here: enlarged to the training size they "
        "are blurs that teach nothing."
    )


def misnamed(found: Colours) -> str:
    """Say how many files are named like another format."""
    if not found.n_misnamed:
        return "All files are named like the format that they have." + _unknown(
            found.n_misnamed_unknown
        )
    unknown = _unknown(found.n_misnamed_unknown)
    if found.n_misnamed == 1:
        return (
            "1 file is named like another format than its content has; it is read by content."
            + unknown
        )
    return (
        f"{found.n_misnamed:,} files are named like another format than their content has; they "
        "are read by content." + unknown
    )


def grey(found: Colours) -> str:
    """Say which share is grey, whatever the files' modes."""
    known = found.n_items - found.n_grey_unknown
    if not found.n_grey:
        return "No image is grey." + _unknown(found.n_grey_unknown)
    if found.n_grey == 1:
        return "1 image is grey. It trains as three equal channels." + _unknown(
            found.n_grey_unknown
        )
    return (
        f"{_share(found.n_grey, known)} of the images are grey ({found.n_grey:,}). They train as "
        "three equal channels; where one class is mostly grey, a network may learn greyness "
        "instead of the class." + _unknown(found.n_grey_unknown)
    )


def modes(found: Colours) -> str | None:
    """Say how many images are stored in ways that a plain loader gets wrong; None: none is."""
    kinds = {
        "CMYK": sum(n for name, n in found.by_mode.items() if name == "CMYK"),
        "16 bit": sum(n for name, n in found.by_mode.items() if name.startswith("I")),
        "palette": sum(n for name, n in found.by_mode.items() if name in ("P", "PA")),
    }
    told = [f"{number:,} {kind}" for kind, number in kinds.items() if number]
    if not told:
        return None
    return (
        f"Stored unusually: {', '.join(told)}. All become 8 bit RGB, the same in the thumbnail, "
        "the large view and the network."
    )


def copies(found: CopyCounts) -> str:
    """Say how many images have an exact copy."""
    if not found.n_exact:
        return "No image in use has an exact copy."
    return (
        f"{_have(found.n_exact)} an exact copy among the others. Copies always share a part, so "
        "none leaks from train into valid, but a run sees each of them: what is there twice "
        "counts twice."
    )


def across_classes(number: int) -> str:
    """Say how many images have an exact copy in another class."""
    verb = "has" if number == 1 else "have"
    return (
        f"**{text.count(number, 'image')}** {verb} a copy **under another label**: a run is "
        "taught both for one picture, and at least one is wrong or incomplete."
    )


def _have(number: int) -> str:
    return f"{number:,} image{' has' if number == 1 else 's have'}"


def _share(number: int, total: int) -> str:
    percent = 100 * number / total
    return "Under 1 %" if percent < 1 else f"{percent:.0f} %"


def _unknown(number: int) -> str:
    return f" Of {text.count(number, 'image')} it is unknown until the next scan." * bool(number)
