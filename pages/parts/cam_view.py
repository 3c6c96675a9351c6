"""A Grad-CAM as it is waited for and shown: what a network looked at in one image."""

from collections.abc import Callable

import streamlit as st

from core.runs import previews
from core.runs.previews import Preview
from pages.parts import errors, text

HELP = "Grad-CAM: red is what speaks most for the class, what stays plain says nothing."
POLL_SECONDS = 0.5
SHOWN_PX = 480


def show(request: Callable[[], Preview], *, key: str) -> None:
    """Draw the map that `request` asks for, why there is none, or that it is being made.

    What is waited for is drawn by a fragment that asks until it is there, and then shows it: a
    rerun of more than the fragment would close a dialog around it.
    """
    found = request()
    if _is_over(found):
        _show(found, key)
    else:
        st.fragment(_wait, run_every=POLL_SECONDS)(request, key)


@errors.boundary()
def _wait(request: Callable[[], Preview], key: str) -> None:
    found = request()
    if _is_over(found):
        _show(found, key)
        return
    st.skeleton(height=SHOWN_PX)
    st.caption("Looking. The first time takes some seconds longer.")


def _is_over(found: Preview) -> bool:
    return found.result is not None or found.error is not None


def _show(found: Preview, key: str) -> None:
    if found.error is not None:
        _failed(found, key)
    else:
        _picture(found)


def _picture(found: Preview) -> None:
    result = found.result or {}
    over, plain = (previews.find_image(found.key, result[name]) for name in ("cam", "plain"))
    if over is None or plain is None:
        st.caption("The picture was removed meanwhile: look again.")
        return
    both = st.tabs(["Map", "Without"])
    both[0].image(str(over), width=SHOWN_PX)
    both[1].image(str(plain), width=SHOWN_PX)
    sure = f"{text.escape(result['class'])}: {result['probability']:.0%}"
    nothing = " Nothing in the image speaks for this class." if result["is_empty"] else ""
    st.caption(f"{sure}.{nothing} The square that the network sees, enlarged.")


def _failed(found: Preview, key: str) -> None:
    hint = f"  \n{text.escape(found.hint)}" if found.hint else ""
    st.error(f"{text.escape(found.error or '')}{hint}", icon=":material/error:")
    st.button("Try again", key=f"{key}-again", on_click=_retry, args=(found.key,))


@errors.callback
def _retry(key: str) -> None:
    previews.retry(key)
