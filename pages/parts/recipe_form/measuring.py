"""Fields of what is measured and kept, and where a run is written besides."""

from collections.abc import Sequence

import streamlit as st

from core.domain import advice, metrics
from core.domain.recipes import (
    EarlyStopping,
    KeepBest,
    Metric,
    Tta,
)
from core.runs import extras, plans
from pages.parts import errors, fields, run_metrics, text
from pages.parts.fields import Form, Path

METRICS_HELP = (
    "Beside the loss. Macro is the mean over classes, samples the mean over images. Where some "
    "classes are rare, the mean over classes says more than accuracy. Left empty: the usual ones "
    "for the data."
)
TRACKERS = (
    ("csv", "CSV log", "A table of all epochs in the run's folder, for other programs."),
    ("tensorboard", "TensorBoard", "Helps where you compare runs there already."),
    (
        "wandb",
        "Weights & Biases",
        "Sends each run to your account. Set WANDB_API_KEY where Winnow is "
        "started, or WANDB_MODE=offline to keep it here.",
    ),
    ("mlflow", "MLflow", "Writes each run to the MLflow server that MLFLOW_TRACKING_URI names."),
)


def show(form: Form, *, is_multi_label: bool) -> None:
    """Draw metrics, what is kept, early stopping and test-time augmentation."""
    suiting = advice.suiting(form.recipe, is_multi_label=is_multi_label)
    _metrics(form, suiting)
    if not is_multi_label and "top_k_accuracy" in metrics.chosen(form.recipe):
        said = "An answer counts as right when the label is among the k likeliest classes."
        fields.whole(form, ("top_k",), "k of top-k accuracy", (2, 100, 1), said)
    watched: tuple[str, ...] = ("valid_loss", *suiting)
    said = "Helps where the last epochs grow worse. Without it the last epoch's weights are kept."
    if fields.optional(form, ("keep_best",), "Keep the best epoch", KeepBest(), said):
        _watched(form, ("keep_best", "metric"), "Best by", watched)
    said = "Helps with a constant rate. With schedules whose rate falls it goes badly: most is "
    said += "learned at their end."
    if fields.optional(form, ("early_stopping",), "Stop early", EarlyStopping(), said):
        _stopping(form, watched)
    said = (
        "At the end predicts several augmented views of each valid image: often a little better."
    )
    if fields.optional(form, ("tta",), "Test-time augmentation", Tta(), said):
        _tta(form)


def tracking(form: Form) -> None:
    """Draw where a run is written besides Winnow's own store."""
    for name, label, said in TRACKERS:
        fields.toggle(form, ("tracking", name), label, said)
        if name != "csv" and not extras.is_installed(name):
            fields.note(f"Not installed here: pip install {name}.")


def _metrics(form: Form, suiting: tuple[Metric, ...]) -> None:
    chosen = form.recipe.metrics
    others = [name for name in chosen if name not in suiting]
    key = form.key(("metrics",))
    st.session_state[key] = list(chosen)
    st.multiselect(
        "Metrics",
        [*suiting, *others],
        format_func=_labels((*suiting, *others)).__getitem__,
        key=key,
        placeholder="The usual ones",
        on_change=_metrics_chosen,
        args=(form.dataset_id, key),
        help=METRICS_HELP,
    )


def _labels(names: Sequence[str]) -> dict[str, str]:
    """Give each metric a label of its own: `F1, macro` is one of classes, and one of labels."""
    return text.distinct({name: run_metrics.name(name) for name in names})


def _watched(form: Form, path: Path, label: str, watched: Sequence[str]) -> None:
    labels = _labels(list(dict.fromkeys((*watched, form.value(path)))))
    fields.pick(form, path, label, {said: name for name, said in labels.items()})


def _stopping(form: Form, watched: Sequence[str]) -> None:
    _watched(form, ("early_stopping", "metric"), "Stop by", watched)
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        fields.whole(form, ("early_stopping", "patience"), "Patience (epochs)", (1, 1000, 1))
    with right:
        fields.typed(form, ("early_stopping", "min_delta"), "Counts as better by", (0, 1e6))


def _tta(form: Form) -> None:
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        fields.whole(form, ("tta", "n"), "Augmented views", (1, 64, 1))
    with right:
        said = "The weight of the plain view. Left empty, the highest of both is taken."
        label = "Weight of the plain view"
        fields.typed(form, ("tta", "beta"), label, (0, 1), empty="the highest of both", said=said)


@errors.callback
def _metrics_chosen(dataset_id: str, key: str) -> None:
    plans.change_recipe(dataset_id, metrics=tuple(st.session_state[key]))
