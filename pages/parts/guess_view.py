"""One predicted image: what the model thinks of it, and where it looked."""

import functools

import numpy as np
import streamlit as st

from core.datasets import thumbnails
from core.domain.runs import Task
from core.review import unsure
from core.review.unsure import Guess, Predicted
from core.runs import predictions
from pages.parts import cam_view, text

MOST_CLASSES = 10
LOOKING = "guess-looking"


def show(task: Task, found: Predicted, position: int, threshold: float | None) -> None:
    """Draw one image with its likeliest classes, and on request a Grad-CAM."""
    (guess,) = unsure.guesses(found, [position], threshold)
    values = unsure.probabilities(found, [position])[0]
    with st.container(border=True):
        name = text.escape(text.shorten(guess.path.rsplit("/", 1)[-1], 40))
        st.markdown(f"**{name}**  \n{_verdict(guess)}")
        looking = st.toggle(
            "Where the model looks",
            key=LOOKING,
            help=cam_view.HELP,
        )
        if looking:
            _cam(task, found, guess)
        else:
            path = thumbnails.find(guess.content_hash)
            if path is not None:
                st.image(str(path))
        _classes(found, values)


def _verdict(guess: Guess) -> str:
    pred = text.escape(", ".join(guess.pred.split("|")))
    if guess.is_right is None:
        return f"Predicted: {pred}"
    label = text.escape(guess.label or "")
    if guess.is_right:
        return f":green[Predicted: {pred}, which is its label]"
    return f":red[Predicted: {pred}; its label is {label}]"


def _classes(found: Predicted, values: np.ndarray) -> None:
    order = np.argsort(-values, kind="stable")[:MOST_CLASSES]
    rows = {
        "class": [text.plain(found.classes[at]) for at in order],
        "probability": [float(values[at]) for at in order],
    }
    share = st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1)
    st.dataframe(rows, hide_index=True, column_config={"probability": share}, key="guess-classes")
    if len(values) > MOST_CLASSES:
        st.caption(f"The {MOST_CLASSES} likeliest of {len(values)} classes.")


def _cam(task: Task, found: Predicted, guess: Guess) -> None:
    likeliest = guess.top[0][0]
    labels = text.distinct({name: name for name in found.classes})
    chosen = st.selectbox(
        "What speaks for",
        list(found.classes),
        index=found.classes.index(likeliest),
        format_func=labels.__getitem__,
        key=f"guess-class-{task.id}-{guess.content_hash}",
    )
    request = functools.partial(predictions.request_cam, task, guess.path, chosen=chosen)
    cam_view.show(request, key=f"guess-{task.id}-{guess.content_hash}")
