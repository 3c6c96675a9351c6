"""The row of metrics, the verdict on the curves, and the button that trains again."""

import streamlit as st

from core.datasets import catalog
from core.review import scores, verdict
from core.review.scores import Answered
from core.runs import runs
from pages.parts import errors, run_metrics, state
from pages.parts.interpret.view import View

ONE_LABEL = ("accuracy", "error_rate", "top_5_accuracy", "valid_loss")
SEVERAL_LABELS = (
    "f2_samples",
    "f1_samples",
    "accuracy_multi",
    "exact_match",
    "f2_macro_multi",
    "f1_macro_multi",
    "valid_loss",
)
CARD_PX = {False: 200, True: 162}  # of one label, of several: seven stand in one row
HELP = {
    "accuracy_multi": "The share of all pairs of image and label that are right. Where an image "
    "has few of many labels it is high even for a model that gives none.",
    "exact_match": "The share of the images whose labels are all right.",
    "f1_samples": "Precision and recall of an image's labels in one number, mean of the images.",
    "f2_samples": "As F1, but a missed label weighs four times a wrong one. Mean of the images.",
    "f1_macro_multi": "F1 of each label, mean of the labels: rare ones count as much.",
    "f2_macro_multi": "F2 of each label, mean of the labels: rare ones count as much.",
}


def row(view: View) -> None:
    """Draw the metrics at the chosen threshold, each with what it is without or with TTA."""
    values = scores.overall(view.found)
    others = scores.overall(view.other) if view.other is not None else {}
    with st.container(horizontal=True):
        for metric in SEVERAL_LABELS if view.is_multi else ONE_LABEL:
            if metric in values:
                held = f"{_beside(view)} {_value(metric, others)}" if others else None
                value, about = _value(metric, values), HELP.get(metric)
                _card(view, run_metrics.name(metric), value, beside=held, about=about)
        if view.found.threshold is not None and not view.is_multi:
            _none_of_these(view)
    st.caption(
        f"On {len(view.found.item_id):,} validation images with the labels of revision "
        f"{view.run.revision}{', with test-time augmentation' if view.is_with_tta else ''}."
    )


def judge(view: View) -> None:
    """Say in a sentence what the curves suggest, and offer to train again."""
    st.markdown(verdict.sentence(runs.list_epochs(view.run.id)))
    _retrain(view.dataset.id, view.run.id)


def _none_of_these(view: View) -> None:
    said = scores.answered(view.found, view.found.threshold)
    held = None
    if view.other is not None:
        held = scores.answered(view.other, view.other.threshold)
    for label, write, about in (
        (
            "Answered",
            _share,
            "The share of the images that are given a class; the others are none of these.",
        ),
        ("Accuracy of the answered", _accuracy, "Of the images that are given a class."),
    ):
        beside = f"{_beside(view)} {write(held)}" if held else None
        _card(view, label, write(said), beside=beside, about=about)


def _share(said: Answered) -> str:
    return f"{said.share:.1%}"


def _accuracy(said: Answered) -> str:
    return "–" if said.accuracy is None else f"{said.accuracy:.1%}"


def _card(view: View, label: str, value: str, *, beside: str | None, about: str | None) -> None:
    is_usual = view.found.threshold is None  # few cards, that share the row
    st.metric(
        label,
        value,
        delta=beside,
        delta_color="off",
        delta_arrow="off",
        help=about,
        border=True,
        width="stretch" if is_usual else CARD_PX[view.is_multi],
    )


def _beside(view: View) -> str:
    return "without TTA" if view.is_with_tta else "with TTA"


def _value(metric: str, values: dict[str, float]) -> str:
    return run_metrics.value(metric, values[metric])


@st.fragment(key="retrain")
@errors.boundary()
def _retrain(dataset_id: str, run_id: str) -> None:
    state.listen("retrain")
    run, revision = runs.get(run_id), catalog.get(dataset_id).revision
    changed = revision != run.revision
    with st.container(horizontal=True, vertical_alignment="center"):
        clicked = st.button(
            "Retrain on the cleaned data" if changed else "Retrain",
            type="primary" if changed else "secondary",
            icon=":material/replay:",
            help="The same recipe, split, subset and seed, on the images and labels as now.",
        )
        if changed:
            st.caption(
                f"The dataset is at revision {revision}; this run was trained on {run.revision}."
            )
        else:
            st.caption("Nothing was changed since this run: it would give the same losses again.")
    if clicked:
        started = runs.retrain(run_id)
        state.go("train", run=started.id)
