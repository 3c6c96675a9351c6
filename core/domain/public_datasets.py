"""fastai's public image-classification datasets, and how the labels of each are read.

Only those whose layout is known for sure and one labeller describes: FLOWERS, for instance, keeps
its labels in three tables.
"""

from dataclasses import dataclass

from core.domain.labellers import (
    FolderLabeller,
    GrandparentLabeller,
    Labeller,
    PatternLabeller,
    TableLabeller,
)


@dataclass(frozen=True, kw_only=True)
class PublicDataset:
    """A dataset by its name among fastai's `URLs`; its archive unpacks to one folder."""

    name: str
    title: str
    about: str  # one sentence: what it shows, how many images and classes
    size_bytes: int  # of the archive
    labeller: Labeller
    folder: str = ""  # of the images and their table, below the unpacked one

    @property
    def url_name(self) -> str:
        """Name the attribute of `fastai.data.external.URLs` that holds its address."""
        return self.name


def _planet(name: str, *, about: str, size_bytes: int) -> PublicDataset:
    labeller = TableLabeller(
        table="labels.csv",
        file_column="image_name",
        label_column="tags",
        separator=" ",
        folder="train",
        suffix=".jpg",
    )
    title = name.replace("_", " ").capitalize()
    return PublicDataset(
        name=name, title=title, about=about, size_bytes=size_bytes, labeller=labeller
    )


def _in_parts(name: str, title: str, *, about: str, size_bytes: int) -> PublicDataset:
    """Describe a dataset with its parts as folders above those of its classes."""
    labeller = GrandparentLabeller()
    return PublicDataset(
        name=name, title=title, about=about, size_bytes=size_bytes, labeller=labeller
    )


_OBJECTS = "Ten easily told kinds of things out of ImageNet, 13,394 photos"
_DOGS = "Ten dog breeds that are hard to tell apart, photos"
_IDS = "classes are WordNet ids."

PUBLIC: dict[str, PublicDataset] = {
    public.name: public
    for public in (
        PublicDataset(
            name="PETS",
            title="Oxford-IIIT pets",
            about="Cats and dogs of 37 breeds, 7,390 photos; the fastai book's chapter 5.",
            size_bytes=811_706_944,
            labeller=PatternLabeller(pattern=r"^(.+)_\d+\.jpg$"),
            folder="images",
        ),
        _in_parts(
            "IMAGENETTE_160",
            "Imagenette, 160 px",
            about=f"{_OBJECTS} of 160 px; {_IDS}",
            size_bytes=99_003_388,
        ),
        _in_parts(
            "IMAGENETTE_320",
            "Imagenette, 320 px",
            about=f"{_OBJECTS} of 320 px; {_IDS}",
            size_bytes=341_663_724,
        ),
        _in_parts(
            "IMAGENETTE",
            "Imagenette, full size",
            about=f"{_OBJECTS} in full size; {_IDS}",
            size_bytes=1_557_161_267,
        ),
        _in_parts(
            "IMAGEWOOF_160",
            "Imagewoof, 160 px",
            about=f"{_DOGS} of 160 px; {_IDS}",
            size_bytes=92_612_825,
        ),
        _in_parts(
            "IMAGEWOOF_320",
            "Imagewoof, 320 px",
            about=f"{_DOGS} of 320 px; {_IDS}",
            size_bytes=328_387_740,
        ),
        _in_parts(
            "IMAGEWOOF",
            "Imagewoof, full size",
            about=f"{_DOGS} in full size; {_IDS}",
            size_bytes=1_343_715_595,
        ),
        _in_parts(
            "DOGS",
            "Dogs and cats",
            about="Dogs or cats, photos of 2 classes; from a Kaggle competition.",
            size_bytes=839_285_364,
        ),
        PublicDataset(
            name="FOOD",
            title="Food-101",
            about="Dishes of 101 kinds, 101,000 photos; some labels are known to be wrong.",
            size_bytes=5_686_607_260,
            labeller=FolderLabeller(),
            folder="images",
        ),
        _in_parts(
            "CIFAR",
            "CIFAR-10",
            about="Animals and vehicles of 10 classes, 60,000 tiny photos of 32 px.",
            size_bytes=168_168_549,
        ),
        _in_parts(
            "MNIST",
            "MNIST",
            about="Handwritten digits of 10 classes, 70,000 pictures of 28 px.",
            size_bytes=15_683_414,
        ),
        _in_parts(
            "MNIST_SAMPLE",
            "MNIST sample",
            about="The handwritten digits 3 and 7, 14,434 pictures of 28 px and 2 classes.",
            size_bytes=3_214_948,
        ),
        _in_parts(
            "MNIST_TINY",
            "MNIST tiny",
            about="The handwritten digits 3 and 7, 1,408 pictures of 28 px and 2 classes.",
            size_bytes=342_207,
        ),
        PublicDataset(
            name="PASCAL_2007",
            title="Pascal VOC 2007",
            about="Scenes with things of 20 classes, several in a photo: 5,011 photos.",
            size_bytes=1_637_796_771,
            labeller=TableLabeller(
                table="train.csv",
                file_column="fname",
                label_column="labels",
                separator=" ",
                part_column="is_valid",
                folder="train",
            ),
        ),
        _planet(
            "PLANET_SAMPLE",
            about="The Amazon from space, several labels an image; from a Kaggle competition.",
            size_bytes=15_523_994,
        ),
        _planet(
            "PLANET_TINY",
            about="The Amazon from space, several of 14 labels an image: 200 images.",
            size_bytes=997_569,
        ),
    )
}
"""By name, in the order that a picker shows them."""
