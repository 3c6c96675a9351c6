"""One stage of a run: its rate, its callbacks, its checkpoints."""

import logging
from contextlib import AbstractContextManager, nullcontext

from fastai.callback.core import Callback
from fastai.callback.training import GradientAccumulation
from fastai.data.core import TfmdDL

from core.domain.recipes import Auto
from core.engine import (
    checkpoints,
    collecting,
    guarding,
    models,
    range_test,
    reporting,
    seeding,
    stages,
    watching,
)
from core.engine.checkpoints import Point
from core.engine.data import TRAIN
from core.engine.fitting.standing import Standing
from core.engine.parallel import Team

log = logging.getLogger(__name__)


class StageFit:
    """One stage of a fit, from its start or from a checkpoint within it."""

    def __init__(self, fit: Standing, index: int, point: Point | None) -> None:
        self.fit, self.index, self.point = fit, index, point
        self.n_before = fit.n_epochs - (point.stage_epochs if point else 0)
        self.stage = fit.recipe.stages[index]
        self.found: range_test.Found | None = None  # of an automatic rate
        self.patience = watching.patience(fit.recipe.early_stopping)
        self.seen = collecting.ItemLosses(
            fit.scene.batches,
            loss=fit.recipe.loss,
            multi=fit.description.multi,
            first_epoch=self.n_before,
        )
        self.reporter = reporting.Reporter(fit.ledger, fit.job.report, place=self._place())

    def run(self, team: Team) -> bool:
        """Fit the stage; False where it was stopped."""
        fit, learn = self.fit, self.fit.scene.learn
        if learn.opt is None:
            learn.create_opt()
        if self.point is not None:
            self._take_up(self.point)
        if not self._note_stage():
            return False
        fit.has_trained, fit.is_measured = True, False
        first = fit.n_epochs - self.n_before
        fit.tracker.begin(stage=self.index, n_epochs=fit.n_epochs, n_steps=fit.ledger.n_steps)
        callbacks = self._callbacks()
        with self._shared(team, first):
            stages.fit(learn, self.stage, callbacks=callbacks, first_epoch=first)
        fit.losses.add_rest(self.seen.parts)
        if self.patience is not None and self.patience.note:
            fit.ledger.note_stage(self.index, self.patience.note)
        return self._is_over()

    def _note_stage(self) -> bool:
        """Find the rate where it is automatic, and note what the stage trains."""
        fit, learn = self.fit, self.fit.scene.learn
        if isinstance(self.stage.lr, Auto):
            self.found = self._found_before() or range_test.within(learn, self.stage.lr, fit.job)
            if self.found is None:
                return False
            rate = self.stage.lr.resolve(self.found.lr)
            self.stage = self.stage.model_copy(update={"lr": rate})
        n_params, n_trained = models.count(fit.scenes.learn)
        log.info(
            "stage %d: %s, %d of %d parameters", *(self.index, self.stage), n_trained, n_params
        )
        fit.ledger.add_stage(
            stage=self.index,
            n_params=n_params,
            n_params_trained=n_trained,
            n_batches=fit.scene.batches.n_train_batches,
            lr_find=self.found.as_json() if self.found else None,
            note=self._note(),
        )
        return True

    def _found_before(self) -> range_test.Found | None:
        """Give the rate that this stage found before it was broken off: it goes on with that."""
        if self.point is None or self.point.stage_epochs == 0:
            return None
        return range_test.Found.from_json(self.point.values["found"])

    def _take_up(self, point: Point) -> None:
        """Go on with the optimiser and the generators as they were."""
        learn, stages_before = self.fit.scene.learn, self.fit.recipe.stages[: self.index]
        if point.stage_epochs > 0:
            checkpoints.restore_optimiser(learn, point.values)
            loaders = self.fit.scenes.batches.dls.loaders
            seeding.restore(point.values["random"], loaders)
            seeding.restore_loaders(point.values["own_loaders"], self._own_loaders())
        elif stages_before[-1].train != "features":  # which has an optimiser of its own
            checkpoints.restore_optimiser(learn, point.values)
            if stages_before[-1].train != self.stage.train:
                learn.opt.clear_state()  # as freezing other groups does
        checkpoints.restore_gradients(self.fit.scenes.learn.model, point.values)
        if self.patience is not None and point.values["patience"] is not None:
            self.patience.load_state_dict(point.values["patience"])

    def _callbacks(self) -> list[Callback]:
        fit = self.fit
        stopper = guarding.Stopper(
            fit.job,
            is_over=lambda: self.patience is not None and self.patience.is_over,
            held=self.reporter.held,
        )
        accumulate = self._images_a_step()
        always = [
            *([GradientAccumulation(n_acc=accumulate)] if accumulate else []),
            guarding.FiniteGuard(fit.scene.batches),
            self.seen,
            fit.scene.predictions,
            self.reporter,
        ]
        sometimes = [each for each in (fit.best, self.patience) if each is not None]
        is_within = self.point is not None and self.point.stage_epochs > 0
        resumed = [checkpoints.Resumer(self.point.values)] if self.point and is_within else []
        keeper = checkpoints.Keeper(self._keep)
        return [*always, *sometimes, fit.tracker, *resumed, keeper, stopper]

    def _shared(self, team: Team, first: int) -> AbstractContextManager[None]:
        """Share the fit with the other devices; a stage on cached features is too quick for it."""
        if self.stage.train == "features":
            return nullcontext()
        learn, accumulate = self.fit.scene.learn, self._images_a_step()
        return team.shared(learn, self.stage, first_epoch=first, accumulate=accumulate)

    def _images_a_step(self) -> int | None:
        """Give what smaller batches than were asked for add up to: as large a step as before."""
        asked = self.fit.description.recipe
        if asked.accumulate is not None or asked == self.fit.recipe:
            return None
        wanted, used = asked.batch_size_of(asked.stages[self.index]), self.fit.scene.learn.dls.bs
        return wanted // used * used

    def _note(self) -> str | None:
        said = [self._memory_note(), self.found.doubt if self.found else None]
        return " ".join(each for each in said if each) or None

    def _memory_note(self) -> str | None:
        asked, used = self.fit.description.recipe, self.fit.recipe
        if asked == used:
            return None
        wanted = asked.batch_size_of(asked.stages[self.index])
        taken = used.batch_size_of(self.stage)
        return (
            f"The memory did not suffice for batches of {wanted} images: they were of {taken}, "
            f"and their gradients were added up to steps of "
            f"{asked.accumulate or wanted // taken * taken}."
        )

    def _keep(self) -> None:
        """Take what an epoch has measured, and write the checkpoint after it."""
        fit = self.fit
        fit.job.save_now()  # before the files: the row may not be ours any more
        fit.losses.keep(fit.n_epochs, self.seen.parts)
        self.seen.parts = []
        fit.n_epochs += 1
        fit.measured, fit.is_measured = self.reporter.measured, True
        n_done, learn = fit.n_epochs - self.n_before, fit.scene.learn
        is_over = self._is_over()
        values = {
            **checkpoints.of_learner(learn, fit.scenes.learn.model),
            "random": seeding.capture(fit.scenes.batches.dls.loaders),
            "own_loaders": seeding.capture_loaders(self._own_loaders()),
            "measured": fit.measured,
            "found": self.found.as_json() if self.found else None,
            "best": fit.best.state_dict() if fit.best else None,
            "patience": self.patience.state_dict() if self.patience and not is_over else None,
        }
        point = Point(
            stage=self.index + is_over,
            stage_epochs=0 if is_over else n_done,
            epoch=fit.n_epochs,
            n_steps=fit.ledger.n_steps,
            values=values,
        )
        checkpoints.save(fit.description.run_id, point)

    def _is_over(self) -> bool:
        """Say whether the stage has trained all its epochs, or enough of them."""
        n_done = self.fit.n_epochs - self.n_before
        patient = self.patience is None or not self.patience.is_over
        return n_done == self.stage.epochs or not patient

    def _own_loaders(self) -> list[TfmdDL]:
        """Give the loaders of cached features, where the stage has such."""
        own, shared = self.fit.scene.batches, self.fit.scenes.batches
        return [] if own is shared else list(own.dls.loaders)

    def _place(self) -> reporting.Place:
        fit, batches = self.fit, self.fit.scene.batches
        later = fit.recipe.stages[self.index + 1 :]
        n_train = len(batches.item_ids[TRAIN])
        return reporting.Place(
            stage=self.index,
            first_epoch=fit.n_epochs,
            stage_epochs=self.n_before + self.stage.epochs,
            n_epochs=fit.recipe.n_epochs,
            n_steps_later=sum(
                each.epochs * (n_train // fit.recipe.batch_size_of(each)) for each in later
            ),
            began=fit.began,
        )
