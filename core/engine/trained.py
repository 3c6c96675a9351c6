"""A run's model, built again from its folder, and images made into what it takes.

None of the run's own images are needed: sizes, statistics and classes are in the JSON beside the
weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fastai.callback.progress import ProgressCallback
from fastai.data.core import DataLoaders, Datasets, TfmdDL
from fastai.data.transforms import Categorize, IntToFloatTensor, ToTensor
from fastai.learner import Learner
from fastai.losses import BCEWithLogitsLossFlat, CrossEntropyLossFlat
from fastai.vision.core import PILImage
from PIL import Image

from core.datasets import images
from core.domain.recipes import BinaryCrossEntropy, Recipe
from core.engine import augmenting, data, models, normalising, outputs
from core.engine.normalising import Statistics
from core.store import files

PLACEHOLDER_PX = 8


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A learner with a run's weights, in evaluation, and how its answers are read."""

    run_id: str
    learn: Learner
    recipe: Recipe
    classes: tuple[str, ...]
    is_multi: bool  # any number of labels an image
    is_sigmoid: bool  # a probability a class, each for itself

    @property
    def threshold(self) -> float | None:
        """Give the probability from which a class counts as predicted; None: the highest does."""
        if isinstance(self.recipe.loss, BinaryCrossEntropy):
            return self.recipe.loss.threshold
        return 0.5 if self.is_sigmoid else None

    def read(self, path: Path) -> PILImage:
        """Read a picture as the run read its own; raises UnreadableImageError."""
        return PILImage(images.load(path, at_least_px=data.draft_px(self.recipe)))

    def loader(self, pictures: Sequence[PILImage]) -> TfmdDL:
        """Make a loader of one batch of pictures, with the transforms of valid."""
        return self.learn.dls.test_dl(list(pictures), bs=len(pictures), num_workers=0)


def load(run_id: str) -> Trained:
    """Build a run's model and put its weights in.

    Raises NotFoundError where it left none, and RecipeError where the library of its network is
    not installed.
    """
    facts = outputs.load_facts(run_id)
    sizes = {name: facts[name] for name in ("presize_px", "size_px")}  # of the last stage
    recipe = outputs.recipe_of(run_id).model_copy(update=sizes)
    classes = tuple(facts["classes"])
    is_multi = bool(facts.get("multi"))
    is_sigmoid = is_multi or isinstance(recipe.loss, BinaryCrossEntropy)
    network, _groups = models.network(recipe, n_classes=len(classes))
    learn = Learner(
        _loaders(recipe, outputs.statistics_of(run_id), classes, files.run_folder(run_id)),
        network,
        loss_func=BCEWithLogitsLossFlat() if is_sigmoid else CrossEntropyLossFlat(),
    )
    learn.remove_cb(ProgressCallback)
    outputs.load_model(run_id, learn)
    learn.model.eval()
    return Trained(
        run_id=run_id,
        learn=learn,
        recipe=recipe,
        classes=classes,
        is_multi=is_multi,
        is_sigmoid=is_sigmoid,
    )


def _loaders(
    recipe: Recipe, statistics: Statistics | None, classes: Sequence[str], folder: Path
) -> DataLoaders:
    """Make loaders of one white picture: they carry the transforms, the classes and the shapes."""

    def first_class(_picture: PILImage) -> str:
        return classes[0]

    white = PILImage(Image.new("RGB", (PLACEHOLDER_PX, PLACEHOLDER_PX), "white"))
    datasets = Datasets(
        [white], tfms=[[], [first_class, Categorize(vocab=list(classes))]], splits=([0], [0])
    )
    return datasets.dataloaders(
        bs=1,
        num_workers=0,
        after_item=[augmenting.presize(recipe), ToTensor()],
        after_batch=[
            IntToFloatTensor(),
            *augmenting.batch_transforms(recipe),
            *normalising.transforms(statistics),
        ],
        path=folder,
    )
