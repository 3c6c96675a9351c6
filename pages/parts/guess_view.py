"""One predicted image: what the model thinks of it, and where it looked."""

import numpy as np
import streamlit as st

from core.datasets import thumbnails
from core.domain.runs import Task
from core.review import unsure
from core.review.unsure import Guess, Predicted
from core.runs import predictions, previews
from core.runs.previews import Preview
from pages.parts import errors, text

MOST_CLASSES = 10
POLL_SECONDS = 0.4
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
            help="Grad-CAM: red is what speaks most for the class, what stays plain says nothing.",
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
    drawn = predictions.request_cam(task, guess.path, chosen=chosen)
    if drawn.error is not None:
        _failed(drawn)
    elif drawn.result is None:
        _wait(task, guess.path, chosen)
    else:
        _picture(drawn)


@st.fragment(run_every=POLL_SECONDS)
@errors.boundary()
def _wait(task: Task, path: str, chosen: str) -> None:
    drawn = predictions.request_cam(task, path, chosen=chosen)
    if drawn.result is not None or drawn.error is not None:
        st.rerun()
    st.skeleton(height=320)
    st.caption("Looking. The first time takes some seconds longer.")


def _picture(drawn: Preview) -> None:
    result = drawn.result or {}
    over, plain = (previews.find_image(drawn.key, result[name]) for name in ("cam", "plain"))
    if over is None or plain is None:
        return
    both = st.tabs(["Map", "Without"])
    both[0].image(str(over), width="stretch")
    both[1].image(str(plain), width="stretch")
    if result["is_empty"]:
        st.caption("Nothing in the image speaks for this class.")
    st.caption("The square that the network sees, enlarged.")


def _failed(drawn: Preview) -> None:
    hint = f"  \n{text.escape(drawn.hint)}" if drawn.hint else ""
    st.error(f"{text.escape(drawn.error or '')}{hint}", icon=":material/error:")
    st.button("Try again", key="guess-again", on_click=_retry, args=(drawn.key,))


@errors.callback
def _retry(key: str) -> None:
    previews.retry(key)
