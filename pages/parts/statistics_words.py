"""Statistics in sentences, each with what it means for training."""

import pandas as pd

from core.datasets.catalog.statistics import Colours, CopyCounts, Measure, Spread
from pages.parts import catalog_charts, text

SMALLEST = (
    "Icons, thumbnails and placeholders are usually here: enlarged to the training size they are "
    "blurs that teach nothing."
)
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
    drawn = ""
    if len(numbers) > catalog_charts.MOST_CLASSES:
        half = catalog_charts.MOST_CLASSES // 2
        drawn = f"Of {len(numbers):,} classes the {half} largest and {half} smallest are drawn. "
    extremes = f"Smallest class {numbers.min():,}, largest {numbers.max():,} images. "
    return drawn + extremes + _evenness(numbers.max() / numbers.min())


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
    """Say between which values a measure lies."""
    if measure == "size_bytes":
        return (
            f"{text.size(found.low)} to {text.size(found.high)}, half of them at least "
            f"{text.size(found.median)}. Very small files are often placeholders or thumbnails."
        )
    if measure == "aspect":
        return (
            f"From {found.low:.2f} to {found.high:.2f}, half of them at least {found.median:.2f}. "
            "A network sees squares: of an image three times as wide as high, two thirds are cut "
            "off, or it is squeezed."
        )
    if found.low == found.high:
        return f"It is {found.high:,.0f} px in all; training above enlarges images."
    return (
        f"{found.low:,.0f} to {found.high:,.0f} px, half of them at least {found.median:,.0f} px. "
        "Training above that size enlarges images."
    )


def misnamed(found: Colours) -> str:
    """Say how many files are named like another format."""
    if not found.n_misnamed:
        return "All files are named like the format that they have." + _unknown(
            found.n_misnamed_unknown
        )
    number = text.count(found.n_misnamed, "file is", "files are")
    return (
        f"{number} named like another format than their content has; they are read by content, "
        "so nothing is lost." + _unknown(found.n_misnamed_unknown)
    )


def grey(found: Colours) -> str:
    """Say which share is grey, whatever the files' modes."""
    known = found.n_items - found.n_grey_unknown
    if not found.n_grey:
        return "No image is grey." + _unknown(found.n_grey_unknown)
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
