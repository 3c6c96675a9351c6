"""The review tab: the queue of what an audit found, decided about one image after the other."""

import streamlit as st

from core.datasets import catalog, findings
from core.domain.items import Dataset
from core.review import queue
from pages.parts import errors, state
from pages.parts.audit.review import ending, filters, progress, stepping
from pages.parts.audit.review.stepping import KEY

__all__ = ["KEY", "show"]


def show(dataset: Dataset) -> None:
    """Draw the queue; a decision redraws it and what listens (`state.listen`), not the page."""
    state.listen(KEY)
    _draw(dataset.id)


@st.fragment(key=KEY)
@errors.boundary()
def _draw(dataset_id: str) -> None:
    dataset = catalog.get(dataset_id)
    whole = queue.load(dataset, split_id=state.find_split_id(dataset_id))
    done = findings.progress(dataset_id, n_left=len(whole.entries))
    if not (done.n_left or done.n_reviewed):
        ending.nothing_found(dataset)
        return
    progress.show(dataset, done)
    if done.n_left:
        chosen = filters.show(dataset, whole)
        entries = whole.choose(chosen)
        if not entries:
            ending.nothing_passes(dataset_id)
    else:
        chosen, entries = None, []
        ending.all_done(dataset)
    stepping.show(dataset, whole, entries, filters=filters.name(chosen))
