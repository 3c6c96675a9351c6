"""Where a run stands: its model and loaders, its epochs so far, its last measurements."""

import time

from core.domain.recipes import Recipe
from core.engine import guarding, reporting, tracking, watching
from core.engine.describing import Description
from core.engine.item_losses import ItemLossFiles
from core.engine.job import Job
from core.engine.ledger import Ledger
from core.engine.scenes import Scenes
from core.store import files


class Standing:
    """A run on its way: what it is made of, how far it is, and what was measured last."""

    def __init__(self, description: Description, recipe: Recipe, ledger: Ledger, job: Job) -> None:
        """Make loaders and learner of a recipe: the described one, or one with smaller batches."""
        self.description, self.recipe, self.ledger, self.job = description, recipe, ledger, job
        self.began = time.perf_counter()
        self.folder = files.run_folder(description.run_id)
        self.scenes = Scenes(description, recipe, job, folder=self.folder)
        self.scene = self.scenes.whole()
        self.losses = ItemLossFiles(description.run_id)
        self.best = watching.keep_best(recipe.keep_best, self.scenes.learn)
        self.tracker = tracking.build(
            recipe, run_id=description.run_id, run_name=description.run_id, folder=self.folder
        )
        self.n_epochs = 0  # of the run, that were trained whole
        self.partial: reporting.Reporter | None = None  # of an epoch that was stopped on its way
        self.has_trained = self.is_measured = self.is_complete = False
        self.measured: dict[str, float] = {}

    def measure(self) -> None:
        """Validate the weights as they are: `measured` has losses and metrics by name."""
        self.job.report(message="validating what was learnt")
        learn = self.scene.learn
        record = learn.validate(cbs=[guarding.FiniteGuard(), self.scene.predictions])
        names = learn.recorder.metric_names[2:]  # after epoch and train_loss
        found = {name: float(value) for name, value in zip(names, record, strict=False)}
        self.measured = {**self.measured, **found}
        self.is_measured = True
