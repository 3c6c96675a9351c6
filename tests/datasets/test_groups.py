"""Equal and nearly equal images form groups; mere likeness does not."""

import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from core.datasets import digits, groups, images, perceptual
from core.datasets.groups import Candidate
from tests.datasets import corpus


def candidates(
    pictures: list[Image.Image], *, first_id: int = 1, group_id: int | None = None
) -> tuple[list[Candidate], dict[int, np.ndarray]]:
    """Make candidates, and their tiny pictures by id."""
    made = [
        Candidate(
            item_id=at,
            content_hash=str(hash(picture.tobytes())),
            perceptual_hash=perceptual.hash64(picture),
            group_id=group_id,
        )
        for at, picture in enumerate(pictures, start=first_id)
    ]
    return made, {at: perceptual.tiny(p) for at, p in enumerate(pictures, start=first_id)}


def re_encoded(image: Image.Image, quality: int) -> Image.Image:
    """Give a picture after a lossy round."""
    content = io.BytesIO()
    image.save(content, "JPEG", quality=quality)
    return Image.open(io.BytesIO(content.getvalue())).convert("RGB")


def test_copies_resized_and_re_encoded_form_one_group() -> None:
    photo = corpus.picture(1, (200, 150))
    small = photo.resize((100, 75), Image.Resampling.BICUBIC)
    dark = ImageEnhance.Brightness(photo).enhance(0.95)
    made, tiny = candidates([photo, corpus.picture(2), small, re_encoded(photo, 40), dark])

    found = groups.assign([], made, tiny.get)

    assert found == {1: 1, 2: None, 3: 1, 4: 1, 5: 1}


def test_distinct_digits_do_not_chain_into_groups() -> None:
    sheets = digits.plan()
    pictures = [images.decode(content).image for _, content in digits.draw_all(sheets)]
    made, tiny = candidates(pictures)

    found = groups.assign([], made, tiny.get)

    paths = {at: sheet.path for at, sheet in enumerate(sheets, start=1)}
    originals = {sheet.path: sheet.copy_of or sheet.path for sheet in sheets}
    grouped = {at: group for at, group in found.items() if group is not None}
    assert len(grouped) == 20  # six exact and four near copies, each with its original
    assert all(originals[paths[at]] == originals[paths[group]] for at, group in grouped.items())


def test_the_same_shape_in_another_colour_is_another_image() -> None:
    shape = Image.new("RGB", (64, 64), "white")
    shape.paste((200, 30, 30), (16, 8, 48, 56))
    other = Image.new("RGB", (64, 64), "white")
    other.paste((30, 108, 30), (16, 8, 48, 56))
    made, tiny = candidates([shape, other])

    assert groups.assign([], made, tiny.get) == {1: None, 2: None}


def test_a_new_item_joins_an_old_one_and_no_group_is_merged() -> None:
    photo = corpus.picture(1, (200, 150))
    known, tiny = candidates([photo, corpus.picture(2)])
    fresh, more = candidates([re_encoded(photo, 50)], first_id=9)

    found = groups.assign(known, fresh, (tiny | more).get)

    assert found == {9: 1, 1: 1}


def test_an_equal_copy_follows_its_twin_even_where_pictures_are_missing() -> None:
    photo = corpus.picture(1)
    known, _ = candidates([photo], group_id=77)
    fresh, _ = candidates([photo], first_id=9)

    assert groups.assign(known, fresh, lambda _: None)[9] == 77


def test_plain_pictures_of_one_colour_are_grouped_only_with_equal_ones() -> None:
    white = [Image.new("RGB", (40, 40), colour) for colour in ("white", "white", "#fefefe")]
    made, tiny = candidates(white)

    assert groups.assign([], made, tiny.get) == {1: 1, 2: 1, 3: None}


def test_all_close_pairs_are_found_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    luck = np.random.default_rng(1)
    hashes = luck.integers(0, 2**63, 300, dtype=np.uint64)
    hashes[250:] = hashes[:50] ^ np.uint64(0b1011)
    monkeypatch.setattr(groups, "BLOCK_VALUES", 1000)

    found = {
        (int(a), int(b))
        for left, right in groups.close_pairs(hashes, 100)
        for a, b in zip(left, right, strict=True)
    }

    assert found == {(250 + at, at) for at in range(50)}
