"""Widgets of the augmentation: each change is kept at once, and the preview follows."""

import streamlit as st

from core.domain.recipes import (
    NO_AUGMENTATION,
    SIDE_ON,
    TOP_DOWN,
    Augmentation,
    Mix,
    Recipe,
)
from core.runs import plans
from pages.parts import errors, fields
from pages.parts.fields import Form


def show(dataset_id: str, recipe: Recipe) -> None:
    """Draw presets and strengths, resizing, mixing and normalising."""
    form = Form(dataset_id=dataset_id, recipe=recipe)
    _presets(dataset_id, recipe.augmentation)
    for name, label, said in TOGGLES:
        fields.toggle(form, ("augmentation", name), label, said)
    for name, label, limits, said in SLIDERS:
        fields.slider(form, ("augmentation", name), label, limits, said)
    fields.pick(form, ("resize",), "Resize by", RESIZING, said=RESIZING_HELP)
    _mixing(form)
    fields.pick(form, ("normalisation",), "Normalise by", NORMALISING, said=NORMALISING_HELP)


PRESETS = {"Side-on": SIDE_ON, "Top-down": TOP_DOWN, "None": NO_AUGMENTATION}
RESIZING = {
    "cropping the longer side": "crop",
    "padding the shorter side": "pad",
    "squishing": "squish",
}
RESIZING_HELP = (
    "Cropping keeps shapes and may cut a thing off; padding keeps all and wastes pixels; "
    "squishing keeps all and changes shapes. Where the thing fills the picture, do not crop."
)
NORMALISING = {"ImageNet": "imagenet", "this dataset": "dataset", "nothing": "none"}
NORMALISING_HELP = (
    "A pretrained network wants the statistics that it was trained with: ImageNet's. From "
    "scratch, those of the dataset serve as well. They are kept with the model."
)
MIX_HELP = (
    "Mixup blends two images and their labels, cutmix pastes a piece of one into the other. Helps "
    "against learning by heart when training for many epochs, from scratch above all."
)
TOGGLES = (
    ("flip", "Flip left to right", "Helps wherever a mirrored image is still of the same class."),
    (
        "flip_vert",
        "All flips and right angles",
        "Helps where no side is up: satellite images, microscopy.",
    ),
)
SLIDERS = (
    (
        "max_rotate",
        "Rotate (degrees, at most)",
        (0.0, 180.0, 1.0),
        "Helps where the camera was not held level.",
    ),
    (
        "max_zoom",
        "Zoom (times, at most)",
        (1.0, 3.0, 0.05),
        "Helps where things are near in one image and far in another.",
    ),
    (
        "max_warp",
        "Perspective warp",
        (0.0, 0.5, 0.05),
        "Helps for things photographed at an angle; of no use from straight above.",
    ),
    (
        "max_lighting",
        "Lighting (brightness and contrast)",
        (0.0, 0.9, 0.05),
        "Helps where images come from many cameras and hours.",
    ),
    (
        "p_affine",
        "Share of images rotated, zoomed or warped",
        (0.0, 1.0, 0.05),
        "More makes training harder, and learning by heart, too.",
    ),
    (
        "p_lighting",
        "Share of images with other lighting",
        (0.0, 1.0, 0.05),
        "More makes training harder, and learning by heart, too.",
    ),
    (
        "min_scale",
        "Smallest crop (share of the area)",
        (0.05, 1.0, 0.05),
        "Below 1 a random part of each image is taken: helps when training from scratch for long.",
    ),
    (
        "p_erase",
        "Share of images with an erased piece",
        (0.0, 1.0, 0.05),
        "Random erasing: helps where things are often half hidden.",
    ),
    (
        "max_erased",
        "Erased piece (share of the area, at most)",
        (0.05, 0.9, 0.05),
        "How much of an image random erasing may take.",
    ),
)


def _presets(dataset_id: str, found: Augmentation) -> None:
    key = f"presets-{dataset_id}"
    st.session_state[key] = next((name for name, one in PRESETS.items() if one == found), None)
    st.segmented_control(
        "Preset",
        list(PRESETS),
        key=key,
        on_change=_preset_chosen,
        args=(dataset_id, key),
        help="Side-on for photos, with fastai's defaults; top-down for pictures from above; none "
        "to see what augmentation is worth.",
    )


def _mixing(form: Form) -> None:
    mix = form.recipe.mix
    options = {"nothing": None, "mixup": Mix(), "cutmix": Mix(kind="cutmix", alpha=1.0)}
    chosen = "nothing" if mix is None else mix.kind
    fields.pick(form, ("mix",), "Mix pairs of images by", options, chosen=chosen, said=MIX_HELP)
    if mix is not None:
        said = "The higher, the more images are mixed half and half."
        fields.slider(
            form, ("mix", "alpha"), "Strength of mixing (alpha)", (0.05, 2.0, 0.05), said
        )


@errors.callback
def _preset_chosen(dataset_id: str, key: str) -> None:
    chosen = st.session_state[key]
    if chosen is not None:
        plans.change_recipe(dataset_id, augmentation=PRESETS[chosen])
