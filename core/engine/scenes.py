"""What each stage of a run works with: loaders of its sizes, and the learner that is fitted."""

from dataclasses import dataclass
from pathlib import Path

from fastai.learner import Learner

from core.domain.recipes import Recipe, Stage, Trainable
from core.engine import collecting, data, features, learners, models, outputs, seeding
from core.engine.data import Batches
from core.engine.describing import Description
from core.engine.job import Job
from core.engine.normalising import Statistics


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A stage's learner, of the whole model or of its head on cached features, and its items."""

    learn: Learner
    batches: Batches
    predictions: collecting.Predictions


class Scenes:
    """Make the scene of stage after stage around one model, as a script would."""

    def __init__(
        self, description: Description, recipe: Recipe, job: Job, *, folder: Path
    ) -> None:
        self.description, self.recipe, self.job = description, recipe, job
        self._folder = folder  # where fastai may write
        self._trained: Trainable | None = None
        seeding.seed_all(description.seed)
        self._sizes = _sizes(recipe, recipe.stages[0])
        self.batches = self._batches(self._statistics_before())
        self.learn = learners.build(
            self.batches, self._beginning(), path=self._folder, multi=description.multi
        )

    def _statistics_before(self) -> Statistics | None:
        """Give what another run's weights were fed with; None: the recipe says it."""
        first = self.description.begins_from
        if first is None or self.recipe.normalisation != "dataset":
            return None
        return outputs.statistics_of(first)

    def _beginning(self) -> Recipe:
        """Give the recipe that the network is built by: another run's weights need no others."""
        if self.description.begins_from is None:
            return self.recipe
        return self.recipe.model_copy(update={"pretrained": False})

    def of(self, stage: Stage) -> Scene | None:
        """Make the loaders of the stage's sizes, and freeze what it does not train.

        None where somebody asked to stop while features were read.
        """
        self.resize(stage)
        if stage.train != self._trained:  # freezing again would forget the optimiser's averages
            models.train_only(self.learn, stage.train)
            self._trained = stage.train
        if stage.train == "features":
            return self._on_features(stage)
        return self.whole()

    @property
    def size_px(self) -> int:
        """Give the train size of the loaders as they are."""
        return self._sizes[0]

    def resize(self, stage: Stage) -> None:
        """Make new loaders where the stage's sizes are not those of the loaders at hand."""
        if _sizes(self.recipe, stage) != self._sizes:
            self._sizes = _sizes(self.recipe, stage)
            self.batches = self._batches(self.batches.statistics)
            self.learn.dls = self.batches.dls

    def whole(self) -> Scene:
        """Give the scene of the whole model, with the loaders as they are."""
        return self._scene(self.learn, self.batches)

    def _on_features(self, stage: Stage) -> Scene | None:
        found = features.build(
            self.learn,
            self.description.frame,
            self.description.root,
            self.recipe,
            stage,
            path=self._folder,
            job=self.job,
            multi=self.description.multi,
        )
        return self._scene(found.learn, found.batches) if found is not None else None

    def _scene(self, learn: Learner, batches: Batches) -> Scene:
        predictions = collecting.Predictions(
            batches, loss=self.recipe.loss, multi=self.description.multi
        )
        return Scene(learn=learn, batches=batches, predictions=predictions)

    def _batches(self, statistics: Statistics | None = None) -> Batches:
        size_px, batch_size = self._sizes
        return data.batches(
            self.description.frame,
            self.description.root,
            self.recipe,
            path=self._folder,
            multi=self.description.multi,
            size_px=size_px,
            batch_size=batch_size,
            statistics=statistics,
        )


def _sizes(recipe: Recipe, stage: Stage) -> tuple[int, int]:
    return recipe.size_of(stage), recipe.batch_size_of(stage)
