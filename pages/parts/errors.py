"""The one error boundary: a sentence and a hint for the person, and an app that stays alive.

`boundary()` goes around pages, fragments and dialogs, as a context or as a decorator. `callback`
goes around `on_…` callbacks: what they may not draw is kept, and the next boundary shows it.
Streamlit's own control flow (rerun, stop) derives from BaseException and passes.
"""

import functools
import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec

import streamlit as st

from core.domain.errors import WinnowError
from pages.parts import text

PENDING = "errors.pending"
log = logging.getLogger("winnow")
Params = ParamSpec("Params")


@contextmanager
def boundary() -> Iterator[None]:
    """Show what went wrong inside, and what a callback left to show, instead of breaking."""
    show_pending()
    try:
        yield
    except Exception as error:  # noqa: BLE001  # the boundary: everything else ends here
        _draw(explain(error))


def callback(function: Callable[Params, None]) -> Callable[Params, None]:
    """Guard a callback; its error is shown by the next boundary that is entered."""

    @functools.wraps(function)
    def guarded(*args: Params.args, **kwargs: Params.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001  # the boundary of callbacks
            leave(explain(error))

    return guarded


@callback
def nothing() -> None:
    """Do nothing: components need a callback for every value that is read from them."""


def explain(error: Exception) -> str:
    """Put an error into Markdown; what is no WinnowError is a bug, logged with its traceback."""
    if isinstance(error, WinnowError):
        hint = f"  \n{text.escape(error.hint)}" if error.hint else ""
        return f"{text.escape(error.sentence)}{hint}"
    reference = secrets.token_hex(4)
    log.error("Reference %s", reference, exc_info=error)
    return (
        f"Winnow met an error of its own: {type(error).__name__} (reference {reference}).  \n"
        "Nothing you did is lost. The server's log has the details under that reference."
    )


def leave(message: str) -> None:
    """Keep a message, in Markdown, for the next boundary."""
    st.session_state.setdefault(PENDING, []).append(message)
    st.toast(message, icon=":material/error:")  # the page may be scrolled away from its top


def show_pending() -> None:
    """Show what callbacks left."""
    for message in st.session_state.pop(PENDING, []):
        _draw(message)


def _draw(message: str) -> None:
    st.error(message, icon=":material/error:")
