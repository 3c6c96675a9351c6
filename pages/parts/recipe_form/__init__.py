"""Widgets that choose and change the recipe of a dataset's plan; each change is kept at once."""

import streamlit as st

from core.domain.items import Dataset
from core.domain.plans import Plan
from pages.parts import plan_form
from pages.parts.fields import Form
from pages.parts.recipe_form import beginning, own, sections, stage_list


def show(dataset: Dataset, plan: Plan) -> None:
    """Draw the whole form: what a person chooses first, the stages, then everything around."""
    form = Form(dataset_id=dataset.id, recipe=plan.recipe)
    own.show(form)
    beginning.show(form, dataset, plan)
    plan_form.subset(dataset.id, plan)
    st.subheader("Stages", anchor=False)
    stage_list.show(form)
    st.subheader("Everything else", anchor=False)
    sections.show(form, dataset, plan)


__all__ = ["show"]
