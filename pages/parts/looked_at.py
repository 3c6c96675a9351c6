"""What a trained network looked at in an image: which run, which class, and the map."""

import functools

import streamlit as st

from core.domain.items import Item
from core.domain.runs import Run
from core.review import predictions as stored
from core.runs import predictions
from pages.parts import cam_view, state, text

SWITCH = "looked-at"
OWN_ANSWER = "what it answers"


def show(item: Item) -> bool:
    """Draw the switch, and where it is on the map of an image; False where nothing else is drawn.

    The switch stays as it is from image to image. Without a run that has left a model it says so.
    """
    if item.status != "ok":
        return False
    on = st.toggle(
        "What the network looked at", key=SWITCH, help=cam_view.HELP, persist_state="session"
    )
    if not on:
        return False
    models = _finished_first(predictions.list_models(item.dataset_id))
    if not models:
        st.info("No run has left a model yet: train one first.", icon=":material/school:")
        return False
    with st.container(horizontal=True):
        run = _choose_run(models)
        chosen = _choose_class(run)
    request = functools.partial(predictions.request_cam_of_item, run.id, item, chosen=chosen)
    cam_view.show(request, key=f"{SWITCH}-{item.id}")
    return True


def _finished_first(models: list[Run]) -> list[Run]:
    """Put the newest finished run first, controls last; the others follow in their order."""
    return sorted(models, key=lambda run: (run.is_control, run.status != "finished"))


def _choose_run(models: list[Run]) -> Run:
    """Draw the choice of the run; it begins with the one in the address, if that left a model."""
    by_id = {run.id: run for run in models}
    wanted = state.find_run_id()
    first = list(by_id).index(wanted) if wanted in by_id else 0
    labels = text.distinct({run.id: run.name for run in models})
    chosen = st.selectbox(
        "Run",
        list(by_id),
        index=first,
        format_func=labels.__getitem__,
        key=f"{SWITCH}-run-{models[0].id}",  # a newer one is chosen as soon as it is there
        persist_state="session",
        width=240,
    )
    return by_id[chosen]


def _choose_class(run: Run) -> str | None:
    """Draw the choice of the class; None: the one that the model finds most probable."""
    classes = stored.classes(run.id)
    labels = text.distinct(dict(zip(classes, classes, strict=True)))
    return st.selectbox(
        "What speaks for",
        [None, *classes],
        format_func=lambda name: OWN_ANSWER if name is None else labels[name],
        key=f"{SWITCH}-class-{run.id}",
        persist_state="session",
        width=240,
    )
