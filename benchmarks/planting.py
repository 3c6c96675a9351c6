"""Known faults for a folder of photos: wrong labels, copies, drawings, blurred pictures.

Everything is drawn from one seed. Copies, drawings and blurred pictures lie in the folder before
its first scan, as they would in a scraped one. Labels are made wrong after it, by moving files of
train into another class's folder, because which items are train is known only then; the next scan
finds a moved file again as the same item.
"""

import itertools
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

SIZE = (400, 533)
QUALITY = 92
WORDS = (
    *("size", "cotton", "wash", "warm", "iron", "price", "model"),
    *("season", "colour", "length", "sleeve", "collar", "fabric"),
)


@dataclass(kw_only=True)
class Planted:
    """What was planted, by path below the folder."""

    exact: dict[str, str] = field(default_factory=dict)  # the copy -> what it is a copy of
    near: dict[str, str] = field(default_factory=dict)  # likewise
    how: dict[str, str] = field(default_factory=dict)  # of near copies: what was done
    drawings: list[str] = field(default_factory=list)
    blurred: list[str] = field(default_factory=list)
    flipped: dict[int, str] = field(default_factory=dict)  # item id -> the label it should have


def faults(folder: Path, *, seed: int, n: int) -> Planted:
    """Plant `n` each of exact copies, near copies, drawings and blurred pictures.

    A third of the exact copies, and of the near ones, lie in another class's folder. No photo is
    used for two faults.
    """
    draw = random.Random(f"faults-{seed}")
    photos = sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*.jpg"))
    classes = sorted({path.partition("/")[0] for path in photos})
    chosen = iter(draw.sample(photos, 3 * n))
    planted = Planted()
    for number in range(n):
        source = next(chosen)
        target = _beside(source, classes, draw, f"again-{number:03d}.jpg", number)
        shutil.copyfile(folder / source, folder / target)
        planted.exact[target] = source
    for number in range(n):
        source = next(chosen)
        target = _beside(source, classes, draw, f"like-{number:03d}.jpg", number)
        changed, how = _near_copy(_opened(folder / source), draw)
        changed.save(folder / target, quality=draw.randint(25, 60))
        planted.near[target], planted.how[target] = source, how
    for number in range(n):
        target = f"{draw.choice(classes)}/sheet-{number:03d}.jpg"
        page = DRAWN[number % len(DRAWN)](draw, _opened(folder / draw.choice(photos)))
        page.save(folder / target, quality=QUALITY)
        planted.drawings.append(target)
    for _number in range(n):
        path = next(chosen)
        soft = _opened(folder / path).filter(ImageFilter.GaussianBlur(draw.uniform(3.0, 6.0)))
        soft.save(folder / path, quality=QUALITY)
        planted.blurred.append(path)
    return planted


def wrong_labels(
    train: Sequence[tuple[int, str, str]],
    *,
    seed: int,
    fraction: float,
    confusion: dict[str, dict[str, float]] | None = None,
) -> dict[int, str]:
    """Draw a wrong label for a share of train items (item id, path, label), exactly.

    All other classes are alike, or drawn by the weights of `confusion`: label -> other -> weight.
    """
    draw = np.random.default_rng(seed)
    classes = sorted({label for _id, _path, label in train})
    chosen = draw.choice(len(train), round(fraction * len(train)), replace=False)
    found = {}
    for at in sorted(chosen.tolist()):
        item_id, _path, label = train[at]
        others = [name for name in classes if name != label]
        weight = np.array(
            [confusion[label].get(name, 0.0) if confusion else 1.0 for name in others]
        )
        if weight.sum() == 0:
            weight[:] = 1.0
        found[item_id] = others[int(draw.choice(len(others), p=weight / weight.sum()))]
    return found


def move(folder: Path, path: str, label: str) -> str:
    """Move a file into another class's folder under a name that is free there; give its path."""
    target = f"{label}/{path.replace('/', '-')}"
    assert not (folder / target).exists()
    (folder / path).rename(folder / target)
    return target


def _beside(source: str, classes: list[str], draw: random.Random, name: str, number: int) -> str:
    label = source.partition("/")[0]
    if number % 3 == 2:
        label = draw.choice([one for one in classes if one != label])
    return f"{label}/{name}"


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return ImageOps.exif_transpose(image).convert("RGB")


def _near_copy(image: Image.Image, draw: random.Random) -> tuple[Image.Image, str]:
    """Crop, mirror or resize a picture, or several of these; it is compressed anew in any case."""
    how = []
    if draw.random() < 0.6:
        share = draw.uniform(0.7, 0.95)
        width, height = (round(side * share) for side in image.size)
        left = draw.randint(0, image.width - width)
        top = draw.randint(0, image.height - height)
        image = image.crop((left, top, left + width, top + height))
        how.append(f"cropped to {share:.2f}")
    if draw.random() < 0.4:
        image = ImageOps.mirror(image)
        how.append("mirrored")
    if draw.random() < 0.4:
        scale = draw.uniform(0.4, 1.3)
        image = image.resize((round(image.width * scale), round(image.height * scale)))
        how.append(f"resized by {scale:.2f}")
    return image, ", ".join(how) or "compressed anew"


def _sketch(draw: random.Random, photo: Image.Image) -> Image.Image:
    """Draw the outlines of a photo, as a pattern sheet has them."""
    edges = photo.resize(SIZE).convert("L").filter(ImageFilter.GaussianBlur(1.2))
    lines = ImageOps.invert(edges.filter(ImageFilter.FIND_EDGES))
    limit = draw.randint(232, 244)
    return lines.point(lambda value: 255 if value > limit else 30).convert("RGB")


def _clip_art(draw: random.Random, photo: Image.Image) -> Image.Image:
    """Reduce a photo to a few flat colours, as drawn pictures have them."""
    soft = photo.resize(SIZE).filter(ImageFilter.ModeFilter(15))
    return soft.quantize(draw.randint(4, 7)).convert("RGB")


def _chart(draw: random.Random, _photo: Image.Image) -> Image.Image:
    page, pen = _page(draw)
    height, width = page.height, page.width
    pen.line((50, 40, 50, height - 50), fill="black", width=2)
    pen.line((50, height - 50, width - 20, height - 50), fill="black", width=2)
    n = draw.randint(4, 8)
    step = (width - 90) / n
    for at in range(n):
        top = draw.randint(60, height - 80)
        colour = tuple(draw.randint(20, 230) for _ in range(3))
        left = 60 + at * step
        pen.rectangle((left, top, left + step * 0.7, height - 51), fill=colour)
        pen.text((left, height - 44), draw.choice(WORDS), fill="black")
    return page


def _text(draw: random.Random, _photo: Image.Image) -> Image.Image:
    page, pen = _page(draw)
    for line in range(draw.randint(14, 30)):
        words = " ".join(draw.choice(WORDS) for _ in range(draw.randint(5, 9)))
        pen.text((24, 24 + 16 * line), words, fill=(20, 20, 20))
    return page


def _fact_sheet(draw: random.Random, photo: Image.Image) -> Image.Image:
    """Lay out a small photo between rows of text, as a product page does."""
    page, pen = _page(draw)
    side = draw.randint(110, 150)
    page.paste(photo.resize((side, side)), (draw.randint(20, 200), 30))
    for line in range(draw.randint(12, 20)):
        words = " ".join(draw.choice(WORDS) for _ in range(8))
        pen.text((24, 200 + 16 * line), words, fill=(40, 40, 40))
    pen.rectangle((0, 0, page.width, 20), fill=(30, 90, 200))
    return page


def _diagram(draw: random.Random, _photo: Image.Image) -> Image.Image:
    page, pen = _page(draw)
    boxes = []
    for row in range(4):
        left, top = draw.randint(20, 180), 40 + row * 120
        boxes.append((left, top, left + draw.randint(100, 180), top + 60))
    for box in boxes:
        colour = tuple(draw.randint(170, 255) for _ in range(3))
        pen.rectangle(box, outline="black", fill=colour, width=2)
        pen.text((box[0] + 10, box[1] + 20), draw.choice(WORDS), fill="black")
    for one, other in itertools.pairwise(boxes):
        pen.line((one[0] + 40, one[3], other[0] + 40, other[1]), fill="black", width=2)
    return page


def _page(draw: random.Random) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    paper = draw.choice([(255, 255, 255), (255, 255, 255), (250, 248, 240), (235, 242, 250)])
    page = Image.new("RGB", SIZE, paper)
    return page, ImageDraw.Draw(page)


DRAWN: tuple[Callable[[random.Random, Image.Image], Image.Image], ...] = (
    _sketch,
    _clip_art,
    _chart,
    _text,
    _fact_sheet,
    _diagram,
)
