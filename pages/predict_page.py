"""Try a trained model on other images: dropped here, in a folder, or in an archive."""

import streamlit as st

from core.domain.items import Dataset
from core.domain.runs import Task
from core.runs import predictions
from pages.parts import errors, export_view, predict_form, predict_view, state, text, toolbar


def show() -> None:
    """Draw the page: what to predict, what was predicted, and the model to take along."""
    dataset = toolbar.show()
    st.title("Predict", anchor=False)
    st.caption(
        "Give a trained model images that it has not seen. It works beside a run that trains, and "
        "changes nothing in the dataset."
    )
    models = predictions.list_models(dataset.id)
    if not models:
        st.info("No run has left a model yet: train one first.", icon=":material/school:")
        state.link("train", "Train", icon="arrow_forward")
        return
    predict_form.show(models)
    _predicted(dataset)
    export_view.show(models)


def _predicted(dataset: Dataset) -> None:
    kept = predictions.list_kept(dataset.id)
    task = _shown(dataset, kept)
    if task is None:
        st.info(
            "Nothing was predicted yet. In a folder, images that lie in sub-folders named as the "
            "classes are scored, too.",
            icon=":material/lightbulb:",
        )
        return
    _earlier(task, kept)
    predict_view.show(task)


def _shown(dataset: Dataset, kept: list[Task]) -> Task | None:
    """Give the prediction in the address, else the newest."""
    wanted = st.query_params.get(predict_form.PREDICTION)
    found = predictions.find(wanted) if wanted else None
    if found is not None and found.dataset_id == dataset.id:
        return found
    return kept[0] if kept else None


def _earlier(task: Task, kept: list[Task]) -> None:
    by_id = {one.id: one for one in (kept if task in kept else [task, *kept])}
    labels = text.distinct({one.id: _name(one) for one in reversed(by_id.values())})
    key = f"predict-shown-{task.id}"
    st.selectbox(
        "Prediction",
        list(by_id),
        index=list(by_id).index(task.id),
        format_func=labels.__getitem__,
        key=key,
        on_change=_choose,
        args=(key,),
        label_visibility="collapsed",
        width=480,
    )


def _name(task: Task) -> str:
    source = text.shorten(predictions.source(task), 24)
    return f"{source}, {text.moment(task.created_at)}"


@errors.callback
def _choose(key: str) -> None:
    st.query_params[predict_form.PREDICTION] = st.session_state[key]


show()
