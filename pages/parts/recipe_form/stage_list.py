"""The stages of a recipe as a list: each says what it does, and can be edited, moved, copied."""

from collections.abc import Callable

import streamlit as st

from core.domain.recipes import Recipe
from core.runs import plans, recipes
from pages.parts import errors, fields, words
from pages.parts.fields import Form
from pages.parts.recipe_form import stage_fields

Change = Callable[[Recipe], Recipe]


def show(form: Form) -> None:
    """Draw the cards of all stages, and the button that adds one."""
    last = len(form.recipe.stages) - 1
    for number in range(last + 1):
        with st.container(border=True, gap="small"):
            _card(form, number, last)
    st.button(
        "Add a stage",
        icon=":material/add:",
        key=f"stage-add-{form.dataset_id}",
        on_click=_add,
        args=(form.dataset_id, last),
        help="Adds a copy of the last stage, to be edited.",
    )


def _card(form: Form, number: int, last: int) -> None:
    st.markdown(f"**{number + 1}.** {words.stage(form.recipe.stages[number])}")
    with st.container(horizontal=True, gap="small"):
        for name, icon, said, action, disabled in (
            ("copy", "content_copy", "Put a copy of this stage behind it", _add, False),
            ("up", "arrow_upward", "Do this stage earlier", _up, number == 0),
            ("down", "arrow_downward", "Do this stage later", _down, number == last),
            ("remove", "delete", "Remove this stage", _remove, last == 0),
        ):
            st.button(
                name.capitalize(),
                icon=f":material/{icon}:",
                key=f"stage-{name}-{number}-{form.dataset_id}",
                type="tertiary",
                disabled=disabled,
                on_click=_do,
                args=(action, form.dataset_id, number),
                help=said,
            )
    with fields.folded(form, f"Edit stage {number + 1}", "edit", name=f"stage-edit-{number}"):
        stage_fields.show(form, number)


@errors.callback
def _do(action: Callable[[str, int], None], dataset_id: str, number: int) -> None:
    action(dataset_id, number)


@errors.callback
def _add(dataset_id: str, number: int) -> None:
    _keep(dataset_id, lambda recipe: recipes.add_stage(recipe, like=number))


def _up(dataset_id: str, number: int) -> None:
    _keep(dataset_id, lambda recipe: recipes.move_stage(recipe, number, by=-1))


def _down(dataset_id: str, number: int) -> None:
    _keep(dataset_id, lambda recipe: recipes.move_stage(recipe, number, by=1))


def _remove(dataset_id: str, number: int) -> None:
    _keep(dataset_id, lambda recipe: recipes.remove_stage(recipe, number))


def _keep(dataset_id: str, change: Change) -> None:
    plans.change(dataset_id, recipe=change(plans.get(dataset_id).recipe))
