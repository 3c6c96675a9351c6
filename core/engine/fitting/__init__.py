"""The fit of one run: stage after stage, from its start or from where it was."""

from core.engine import checkpoints, outputs, seeding
from core.engine.checkpoints import Point
from core.engine.fitting.one_stage import StageFit
from core.engine.fitting.standing import Standing
from core.engine.parallel import Team

__all__ = ["Fit"]


class Fit(Standing):
    """One run on its way through the stages of its recipe."""

    def run(self, team: Team) -> None:
        """Fit stage after stage until the last, or until somebody asks to stop."""
        seeding.seed_fit(self.scenes.batches.dls, self.description.seed)
        point = self._begin()
        for index in range(point.stage if point else 0, len(self.recipe.stages)):
            if self.job.should_stop() or self.job.wish() == "stop_after_epoch":
                return
            scene = self.scenes.of(self.recipe.stages[index])
            if scene is None:
                return
            self.scene, self.is_measured = scene, False
            here = point if point is not None and point.stage == index else None
            stage = StageFit(self, index, here)
            if not stage.run(team):
                self.partial = stage.reporter if stage.seen.parts else None
                return
        self.is_complete = True

    def close(self) -> None:
        """Measure what the fit has left, and note an epoch that was stopped on its way as one."""
        if self.is_measured:
            return
        self.measure()
        if self.partial is not None:
            self.partial.note({"train_loss": self.ledger.last_smooth_loss, **self.measured})
            self.measured = self.partial.measured
            self.tracker.note(self.measured)

    def fall_back(self) -> bool:
        """Take the last whole epoch's weights after one that went wrong; False: there is none.

        The whole model is measured, with the loaders as they are.
        """
        point = checkpoints.find(self.description.run_id)
        if point is None:
            return False
        self.scene = self.scenes.whole()
        self.scenes.learn.model.load_state_dict(point.values["model"])
        self.measured, self.partial = point.values["measured"], None
        self.measure()
        return True

    def put_best_back(self) -> None:
        """Take the weights of the best epoch, where the recipe wants them, and measure them."""
        if self.best is not None and self.best.put_back(self.scenes.learn.model):
            self.measure()

    def _begin(self) -> Point | None:
        """Take up a checkpoint, or begin with the weights of another run, or with the recipe's."""
        run_id, model = self.description.run_id, self.scenes.learn.model
        point = checkpoints.find(run_id)
        self.job.save_now()  # rows on their way would come after what is forgotten now
        self.ledger.go_on(point)
        self.losses.keep_until(point.epoch if point else 0)
        if point is None:
            checkpoints.check_room(run_id, self.scenes.learn)
            first = self.description.begins_from
            if first is not None:
                outputs.check_same(first, self.recipe, self.scenes.batches.classes)
                outputs.begin_from(run_id, first, self.scenes.learn)
            return None
        self.n_epochs, self.measured = point.epoch, point.values["measured"]
        self.has_trained = True
        model.load_state_dict(point.values["model"])
        self._take_up_generators(point)
        if self.best is not None and point.values["best"] is not None:
            self.best.load_state_dict(point.values["best"])
        return point

    def _take_up_generators(self, point: Point) -> None:
        """Put the generators back as they were when the checkpoint was written.

        The loaders must have the sizes of that moment: those of a following stage are made later.
        """
        ended = point.stage - (point.stage_epochs == 0)
        self.scenes.resize(self.recipe.stages[ended])
        seeding.restore(point.values["random"], self.scenes.batches.dls.loaders)
