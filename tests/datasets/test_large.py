"""The generator of large datasets makes images that are all different."""

from pathlib import Path

from benchmarks import large
from core.datasets import groups, images, perceptual, reading
from core.datasets.groups import Candidate


def contents(root: Path) -> dict[str, bytes]:
    """Give all files by their path."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.jpg")}


def test_classes_are_of_equal_size_and_the_same_seed_gives_the_same_files(tmp_path: Path) -> None:
    for name, seed in (("one", 0), ("again", 0), ("other", 1)):
        large.write(tmp_path / name, 10, 4, seed=seed)

    one, again, other = (contents(tmp_path / name) for name in ("one", "again", "other"))
    per_class = [sum(path.startswith(f"class-{at:03d}/") for path in one) for at in range(4)]
    assert sorted(per_class) == [2, 2, 3, 3]
    assert one == again
    assert set(one) == set(other)
    assert not set(one.values()) & set(other.values())


def test_there_is_no_class_without_an_image(tmp_path: Path) -> None:
    large.write(tmp_path, 2, 500, size=(32, 24))

    assert sorted(contents(tmp_path)) == ["class-000/0000000.jpg", "class-001/0000001.jpg"]


def test_no_two_images_are_copies_or_look_alike(tmp_path: Path) -> None:
    large.write(tmp_path, 300, 3)
    files = list(contents(tmp_path).values())
    pictures = [images.decode(content).image for content in files]
    made = [
        Candidate(
            item_id=at,
            content_hash=reading.hash_of(content),
            perceptual_hash=perceptual.hash64(picture),
            group_id=None,
        )
        for at, (content, picture) in enumerate(zip(files, pictures, strict=True), start=1)
    ]

    found = groups.assign([], made, lambda item_id: perceptual.tiny(pictures[item_id - 1]))

    assert pictures[0].size == (64, 48)
    assert len({one.content_hash for one in made}) == 300
    assert set(found.values()) == {None}
