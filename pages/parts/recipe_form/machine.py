"""Fields of speed and memory: none of them changes what is learned on purpose."""

import streamlit as st

from core.runs import devices
from pages.parts import fields
from pages.parts.fields import Form

PRECISIONS = {
    "fp32, exact": "fp32",
    "fp16, mixed": "fp16",
    "bf16, mixed": "bf16",
}
FORMATS = {"contiguous, exact": "contiguous", "channels last": "channels_last"}
INPUTS = {"exact, as fastai reads": "exact", "draft, for large JPEGs": "draft"}
OUTCOMES = {"fail, and say what would fit": "fail", "go on with half the batch": "halve"}


def show(form: Form) -> None:
    """Draw the section."""
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        said = (
            "Mixed precision is two to three times as fast on GPUs that know it, and halves the "
        )
        said += "memory. fp32 is fastai's, with the same losses as a plain script."
        fields.pick(form, ("precision",), "Precision", PRECISIONS, said=said)
        said = "Draft decodes large JPEGs at a lower scale: several times faster for photos of "
        said += "many megapixels; pixels differ by about one step of 255."
        fields.pick(form, ("input",), "Reading images", INPUTS, said=said)
    with right:
        said = "Channels last is often quicker with mixed precision, and on CPUs."
        fields.pick(form, ("memory_format",), "Memory format", FORMATS, said=said)
        said = "Halving keeps the images a step by gathering gradients, and is noted in the run."
        fields.pick(form, ("when_out_of_memory",), "When memory runs out", OUTCOMES, said=said)
    _numbers(form)


def _numbers(form: Form) -> None:
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        said = "More read ahead while the network learns. The number is a part of the random "
        said += "stream: another one gives other losses."
        fields.whole(form, ("n_workers",), "Loader processes", (0, 64, 1), said)
        said = "A gradient longer than this is cut: helps where the loss jumps or becomes NaN."
        fields.typed(
            form, ("grad_clip",), "Longest gradient", (1e-6, 1000), empty="no limit", said=said
        )
    with right:
        n_devices = len(devices.list_devices())
        said = f"This machine has {n_devices}. Each batch is shared among them."
        fields.whole(form, ("n_devices",), "Devices", (1, 64, 1), said)
        said = (
            "Gathers the gradients of several batches before a step: large steps on a small GPU."
        )
        fields.open_whole(
            form, ("accumulate",), "Images a step", (2, 65536, 8), empty="a batch", said=said
        )
    said = "How many versions of each image a stage on cached features keeps: the plain one, then "
    said += "augmented ones. More recover some of augmentation's use, at as many times the time."
    fields.whole(form, ("feature_views",), "Cached views an image", (1, 16, 1), said)
