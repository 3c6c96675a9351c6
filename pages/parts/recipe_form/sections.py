"""Everything around the stages, in sections that open when they are wanted."""

from collections.abc import Callable

from streamlit.delta_generator import DeltaGenerator

from core.domain.items import Dataset
from core.domain.plans import Plan
from pages.parts import augmentation_form, fields, plan_form
from pages.parts.fields import Form
from pages.parts.recipe_form import machine, measuring, network

Section = tuple[str, str, Callable[[Form], None]]

SECTIONS: tuple[Section, ...] = (
    ("Loss", "target", network.loss),
    ("Optimiser", "moving", network.optimiser),
    ("Network head", "hub", network.head),
    ("Speed and memory", "speed", machine.show),
)


def show(form: Form, dataset: Dataset, plan: Plan) -> None:
    """Draw all sections, closed at first."""
    with _section(form, "Sizes", "aspect_ratio"):
        plan_form.sizes(dataset.id, plan)
    with _section(form, "Augmentation", "flip"):
        augmentation_form.show(dataset.id, form.recipe)
    for title, icon, draw in SECTIONS:
        with _section(form, title, icon):
            draw(form)
    with _section(form, "Measuring", "straighten"):
        measuring.show(form, is_multi_label=dataset.is_multi_label)
    with _section(form, "Tracking", "timeline"):
        measuring.tracking(form)


def _section(form: Form, title: str, icon: str) -> DeltaGenerator:
    return fields.folded(form, title, icon, name=f"section-{title.lower()}")
