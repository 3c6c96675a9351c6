"""What is looked at: a run's predictions, with or without test-time augmentation."""

from dataclasses import dataclass, replace

import streamlit as st

from core.domain.items import Dataset
from core.domain.runs import Run
from core.review import predictions
from core.review.predictions import Found, LabelPredictions
from pages.parts.interpret import with_tta


@dataclass(frozen=True, kw_only=True)
class View:
    """Predictions on valid at the chosen threshold, and the ones they are held against."""

    dataset: Dataset
    run: Run
    found: Found
    other: Found | None  # with augmentation where `found` is without, and the other way round
    is_with_tta: bool = False

    @property
    def is_multi(self) -> bool:
        """Say whether the run gives an image several labels."""
        return isinstance(self.found, LabelPredictions)

    def at(self, threshold: float | None) -> "View":
        """Give the view at another threshold; None leaves it as it is."""
        if threshold is None:
            return self
        other = None if self.other is None else replace(self.other, threshold=threshold)
        return replace(self, found=replace(self.found, threshold=threshold), other=other)


def choose(dataset: Dataset, run: Run) -> View:
    """Read a run's predictions, and draw the switch to those with augmentation, if any."""
    plain = _load(run.id, stamp(run), tta=False)
    if not predictions.has_tta(run.id):
        with_tta.show(run)
        return View(dataset=dataset, run=run, found=plain, other=None)
    on = st.toggle(
        "With test-time augmentation",
        key=f"interpret-tta-{run.id}",
        help="The mean of the answers to varied views of each image.",
        persist_state="session",
    )
    views = _load(run.id, stamp(run), tta=True)
    found, other = (views, plain) if on else (plain, views)
    return View(dataset=dataset, run=run, found=found, other=other, is_with_tta=on)


def threshold(view: View) -> float | None:
    """Draw the slider of the probability from which a class counts; None: there is no such."""
    usual = view.found.threshold
    if usual is None:
        return None
    return st.slider(
        "A label counts above a probability of" if view.is_multi else "Answered above",
        min(0.01, usual),
        max(0.99, usual),
        value=usual,
        step=0.01,
        key=f"interpret-threshold-{view.run.id}",
        help="Begins at the recipe's. It changes what is counted here, not the run: a threshold "
        "that was chosen on the validation images fits these a little better than new ones.",
        persist_state="session",
        width=420,
    )


@st.cache_data(max_entries=8, show_spinner=False)
def _load(run_id: str, when: str, *, tta: bool) -> Found:
    return predictions.load(run_id, tta=tta)


def stamp(run: Run) -> str:
    """Tell the predictions of a run that was continued from those before."""
    return f"{run.n_continued} {run.finished_at}"
