"""Equal and nearly equal images form groups; mere likeness does not."""

import io
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
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


def test_an_item_follows_the_leader_it_is_most_like_and_of_equals_the_oldest() -> None:
    photo = corpus.picture(1, (200, 150))
    known, tiny = candidates([photo, photo, re_encoded(photo, 20)])
    alone = [replace(one, content_hash=str(one.item_id)) for one in known]
    fresh, more = candidates([re_encoded(photo, 95)], first_id=9)

    found = groups.assign(alone, fresh, (tiny | more).get)

    assert found == {9: 1, 1: 1}


def test_members_are_not_looked_at_and_leaders_only_once() -> None:
    photo = corpus.picture(1, (200, 150))
    known, tiny = candidates([photo, re_encoded(photo, 90)], group_id=1)
    fresh, more = candidates([re_encoded(photo, at) for at in (50, 60, 70)], first_id=5)
    far, others = candidates([corpus.picture(2)], first_id=9)
    asked: list[int] = []

    def look(item_id: int) -> np.ndarray:
        asked.append(item_id)
        return (tiny | more | others)[item_id]

    found = groups.assign(known, [*fresh, *far], look)

    assert found == {1: 1, 5: 1, 6: 1, 7: 1, 9: None}
    assert sorted(asked) == [1, 5, 6, 7]


def test_hundreds_of_one_hash_are_told_apart_in_a_moment() -> None:
    luck = np.random.default_rng(1)
    looks = luck.integers(0, 256, (900, 768), dtype=np.uint8)
    looks[600:] = looks[:300]
    made = [
        Candidate(item_id=at, content_hash=str(at), perceptual_hash=-7, group_id=None)
        for at in range(1, 901)
    ]

    found = groups.assign([], made, lambda item_id: looks[item_id - 1])

    followed = {at for at, group in found.items() if group not in (None, at)}
    assert followed == set(range(601, 901))
    assert all(found[at] == at - 600 for at in followed)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=30))
def test_groups_are_those_of_comparing_every_item_with_every_leader(
    drawn: list[tuple[int, int]],
) -> None:
    luck = np.random.default_rng(2)
    looks = luck.integers(0, 256, (6, 768), dtype=np.uint8)
    hashes = [0, 1, 2**20, 2**40 - 1]
    made = [
        Candidate(
            item_id=at, content_hash=str((look, near)), perceptual_hash=hashes[near], group_id=None
        )
        for at, (look, near) in enumerate(drawn, start=1)
    ]
    look_of = {one.item_id: drawn[one.item_id - 1][0] for one in made}

    found = groups.assign([], made, lambda item_id: looks[look_of[item_id]])

    expected: dict[int, int | None] = {}
    for at, one in enumerate(made):
        leaders = (
            other.item_id
            for other in made[:at]
            if expected[other.item_id] in (None, other.item_id)
            and look_of[other.item_id] == look_of[one.item_id]
            and (other.perceptual_hash ^ one.perceptual_hash).bit_count() <= 8
        )
        leader = next(leaders, None)
        expected[one.item_id] = leader
        if leader is not None:
            expected[leader] = leader
    assert found == expected
