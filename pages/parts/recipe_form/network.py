"""Fields of loss, optimiser and head."""

import streamlit as st

from core.domain import schedules
from core.domain.recipes import (
    BinaryCrossEntropy,
    ClassWeighted,
    CrossEntropy,
    Focal,
    LabelSmoothing,
    Loss,
    Optimiser,
)
from pages.parts import fields
from pages.parts.fields import Form

LOSSES: dict[str, Loss] = {
    "cross-entropy": CrossEntropy(),
    "label smoothing": LabelSmoothing(),
    "focal": Focal(),
    "class-weighted": ClassWeighted(),
    "binary cross-entropy": BinaryCrossEntropy(),
}
LOSS_WORDS = {
    "cross_entropy": "The usual choice for one label an image.",
    "label_smoothing": "Helps where labels are partly wrong, and when training for many epochs: "
    "the network never becomes quite certain.",
    "focal": "Counts images that are easy already less: helps where few are hard.",
    "class_weighted": "Helps where some classes have far fewer images than others: each class "
    "weighs the same in the sum.",
    "binary_cross_entropy": "Asks of each class by itself. For several labels an image; with one "
    "label it lets the network say that an image is none of these.",
}
OPTIMISERS = {
    "Adam": Optimiser(),
    "SGD": Optimiser(kind="sgd", mom=0.9),
    "RMSProp": Optimiser(kind="rmsprop"),
    "Ranger": Optimiser(kind="ranger"),
    "Lamb": Optimiser(kind="lamb"),
}
OPTIMISER_HELP = (
    "Adam is fastai's choice. Ranger goes well with flat, then cosine when training from scratch. "
    "Lamb is for very large batches. SGD with momentum is what most papers use."
)
USUAL = "fastai's own"


def loss(form: Form) -> None:
    """Draw the loss."""
    found = form.recipe.loss
    chosen = next(name for name, one in LOSSES.items() if one.kind == found.kind)
    fields.pick(form, ("loss",), "Loss", LOSSES, chosen=chosen)
    fields.note(LOSS_WORDS[found.kind])
    match found:
        case LabelSmoothing():
            said = "How much of the certainty goes to the other classes."
            fields.slider(form, ("loss", "epsilon"), "Smoothing", (0.01, 0.5, 0.01), said)
        case Focal():
            said = "0 is cross-entropy; the higher, the less easy images count."
            fields.slider(form, ("loss", "gamma"), "Gamma", (0.0, 10.0, 0.5), said)
        case BinaryCrossEntropy():
            said = "A class counts as predicted above this probability. Lower finds more labels."
            fields.slider(form, ("loss", "threshold"), "Threshold", (0.05, 0.95, 0.05), said)


def optimiser(form: Form) -> None:
    """Draw the optimiser; what is left empty is fastai's default for it."""
    found = form.recipe.optimiser
    chosen = next(name for name, one in OPTIMISERS.items() if one.kind == found.kind)
    at = ("optimiser",)
    fields.pick(form, at, "Optimiser", OPTIMISERS, chosen=chosen, said=OPTIMISER_HELP)
    left, right = st.columns(2, vertical_alignment="bottom")
    own = f"{schedules.OWN_MOMENTUM[found.kind]:g}, {USUAL}"
    with left:
        said = "Where the schedule does not move it."
        fields.typed(form, (*at, "mom"), "Momentum", (0, 0.9999), empty=own, said=said)
        said = "More keeps weights small: helps against learning by heart."
        fields.typed(form, (*at, "wd"), "Weight decay", (0, 10), empty=USUAL, said=said)
    if found.kind != "sgd":
        with right:
            said = "How long squared gradients are remembered. Rarely worth changing."
            label = "Squared momentum"
            fields.typed(form, (*at, "sqr_mom"), label, (0, 0.9999), empty=USUAL, said=said)
            said = "Larger makes steps smaller where gradients are small: helps against jumps."
            fields.typed(form, (*at, "eps"), "Epsilon", (1e-12, 1), empty=USUAL, said=said)
    said = "As in AdamW. Without it weight decay is added to the gradient (L2)."
    fields.toggle(form, (*at, "decouple_wd"), "Decay weights apart from the gradient", said)


def head(form: Form) -> None:
    """Draw what the new head is like."""
    label, said = "Dropout in the head", "More helps against learning by heart with few images."
    own = f"{USUAL}: 0.5, or 0 in an xresnet"
    fields.typed(form, ("head_dropout",), label, (0, 1), empty=own, said=said)
    said = (
        "Maximum and average of each activation: nearly always a little better. Not in xresnets."
    )
    fields.toggle(form, ("concat_pool",), "Concat pooling", said)
    said = (
        "fastai's habit: helps where your images look unlike ImageNet's. Without it a frozen body "
        "stays exactly as it was, and an epoch of the head is quicker."
    )
    fields.toggle(form, ("train_bn",), "Train batch norm in a frozen body", said)
