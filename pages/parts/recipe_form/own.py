"""A person's own recipes: save, load, copy, rename, delete, compare, and pass on as files."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from core.domain.errors import InputError
from core.domain.recipes import Recipe
from core.runs import plans, recipes
from core.runs.recipes import SavedRecipe
from pages.parts import errors, text
from pages.parts.fields import Form

NONE_YET = "No recipe of your own is saved yet."


def show(form: Form) -> None:
    """Draw the popover."""
    with st.popover("My recipes", icon=":material/bookmarks:", width="stretch"):
        saved = recipes.list_saved()
        kept, compared, file = st.tabs(["Saved", "Compare", "File"])
        with kept:
            _save(form)
            _saved(form, saved)
        with compared:
            _compare(form, saved)
        with file:
            _file(form)


def _save(form: Form) -> None:
    key = f"own-name-{form.dataset_id}"
    replace = f"own-replace-{form.dataset_id}"
    st.text_input("Save this recipe as", key=key, max_chars=80, placeholder=form.recipe.name)
    st.checkbox("Replace one of the same name", key=replace)
    st.button(
        "Save",
        key=f"own-save-{form.dataset_id}",
        icon=":material/save:",
        on_click=_save_clicked,
        args=(form.dataset_id, key, replace),
    )


def _saved(form: Form, saved: list[SavedRecipe]) -> None:
    if not saved:
        st.caption(NONE_YET)
        return
    labels = text.distinct({one.id: one.name for one in saved})
    key = f"own-chosen-{form.dataset_id}"
    chosen = st.selectbox("Saved recipes", list(labels), format_func=labels.__getitem__, key=key)
    name = f"own-rename-{form.dataset_id}"
    with st.container(horizontal=True, gap="small"):
        for label, icon, action in (
            ("Load", "download_done", _load),
            ("Duplicate", "content_copy", _duplicate),
            ("Delete", "delete", _delete),
        ):
            st.button(
                label,
                icon=f":material/{icon}:",
                key=f"own-{label.lower()}-{form.dataset_id}",
                on_click=_do,
                args=(action, form.dataset_id, chosen),
            )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_input("Another name for it", key=name, max_chars=80)
        st.button(
            "Rename",
            key=f"own-give-name-{form.dataset_id}",
            on_click=_rename,
            args=(chosen, name),
        )


def _compare(form: Form, saved: list[SavedRecipe]) -> None:
    offers = {f"library: {offer.name}": offer.make() for offer in recipes.LIBRARY}
    names = text.distinct({one.id: one.name for one in saved})
    others: dict[str, Recipe] = {names[one.id]: one.recipe for one in saved} | offers
    chosen = st.selectbox("Compare with", list(others), key=f"own-compare-{form.dataset_id}")
    found = recipes.diff(form.recipe, others[chosen])
    if not found:
        st.caption("They are the same in every field.")
        return
    rows = [(one.field, _plain(one.left), _plain(one.right)) for one in found]
    table = pd.DataFrame(rows, columns=["field", "this recipe", "the other"])
    st.dataframe(table, hide_index=True, width="stretch")


def _file(form: Form) -> None:
    st.download_button(
        "Download as YAML",
        recipes.to_yaml(form.recipe),
        file_name=recipes.file_name(form.recipe),
        mime="application/yaml",
        icon=":material/download:",
        on_click="ignore",
        key=f"own-download-{form.dataset_id}",
    )
    key = f"own-file-{form.dataset_id}"
    st.file_uploader("A recipe's YAML file", type=["yaml", "yml"], key=key, max_upload_size=1)
    st.button(
        "Take the recipe from the file",
        key=f"own-take-{form.dataset_id}",
        on_click=_take,
        args=(form.dataset_id, key),
        help="It becomes the recipe of this dataset's next run. Save it to keep it.",
    )


def _plain(value: object) -> str:
    """Write a field of a recipe; names in it may come from a file."""
    return "–" if value is None else text.plain(str(value))


@errors.callback
def _do(action: Callable[[str, str], None], dataset_id: str, saved_id: str) -> None:
    action(dataset_id, saved_id)


@errors.callback
def _save_clicked(dataset_id: str, key: str, replace: str) -> None:
    recipe = plans.get(dataset_id).recipe
    name = st.session_state[key].strip() or recipe.name
    saved = recipes.save(recipe, name=name, overwrite=st.session_state[replace])
    plans.change(dataset_id, recipe=saved.recipe)
    st.session_state[f"own-chosen-{dataset_id}"] = saved.id
    st.session_state[replace] = False
    st.toast(f"Saved as {text.escape(saved.name)}.", icon=":material/check:")


def _load(dataset_id: str, saved_id: str) -> None:
    plans.change(dataset_id, recipe=recipes.get_saved(saved_id).recipe)


def _duplicate(dataset_id: str, saved_id: str) -> None:
    st.session_state[f"own-chosen-{dataset_id}"] = recipes.duplicate(saved_id).id


def _delete(dataset_id: str, saved_id: str) -> None:
    name = recipes.get_saved(saved_id).name
    recipes.delete(saved_id)
    st.session_state.pop(f"own-chosen-{dataset_id}", None)
    st.toast(f"Deleted {text.escape(name)}.", icon=":material/delete:")


@errors.callback
def _rename(saved_id: str, key: str) -> None:
    recipes.rename(saved_id, st.session_state[key])


@errors.callback
def _take(dataset_id: str, key: str) -> None:
    file = st.session_state[key]
    if file is None:
        raise InputError("No file was chosen.", hint="Choose a recipe's YAML file first.")
    plans.change(dataset_id, recipe=recipes.from_yaml(file.getvalue()))
