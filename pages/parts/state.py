"""What this tab looks at: the dataset and the run, by the address bar, else by the session.

The address wins, so that a page can be reloaded and shared; the session fills in for links that
carry no dataset, such as the navigation's.
"""

from typing import NoReturn

import streamlit as st

from core.datasets import catalog, splits
from core.domain.errors import NotFoundError
from core.domain.items import Dataset

DATASET, RUN = "dataset", "run"
LISTENERS = "state.listeners"
WELCOME = "state.welcome"  # the id of a sample that was just written, and is greeted once
HOME = "home"


def begin(page: str) -> None:
    """Start a full run of a page: what was drawn before listens no more, and ids enter the bar."""
    st.session_state[LISTENERS] = []
    wanted = () if page in ("", HOME) else (DATASET, RUN) if page in _RUN_PAGES else (DATASET,)
    for name in wanted:
        value = _selected(name)
        if value and st.query_params.get(name) != value:
            st.query_params[name] = value


_RUN_PAGES = ("train", "runs", "interpret", "predict")


def listen(*fragment_keys: str) -> None:
    """Have fragments redrawn, by their keys, after a gallery has changed the dataset."""
    listeners = st.session_state.setdefault(LISTENERS, [])
    listeners.extend(key for key in fragment_keys if key not in listeners)


def listeners() -> list[str]:
    """List the keys of the fragments on this page that show what an edit changes."""
    return list(st.session_state.get(LISTENERS, ()))


def find_dataset() -> Dataset | None:
    """Find the dataset that is shown; an id that names nothing any more is dropped and told."""
    dataset_id = _selected(DATASET)
    if dataset_id is None:
        return None
    try:
        dataset = catalog.get(dataset_id)
    except NotFoundError:
        choose_dataset(None)
        raise
    if st.session_state.get(DATASET) != dataset_id:
        st.session_state[DATASET] = dataset_id
    return dataset


def choose_dataset(dataset_id: str | None) -> None:
    """Show another dataset, or none; a run of the old one is no longer shown."""
    if dataset_id != _selected(DATASET):
        choose_run(None)
    _choose(DATASET, dataset_id)


def find_run_id() -> str | None:
    """Find the id of the run that is shown."""
    run_id = _selected(RUN)
    if run_id is not None:
        st.session_state[RUN] = run_id
    return run_id


def choose_run(run_id: str | None) -> None:
    """Show another run, or none."""
    _choose(RUN, run_id)


def find_split_id(dataset_id: str) -> str | None:
    """Find the master split's id; a dataset has one once its first scan has ended."""
    master = splits.get_master(dataset_id)
    return master.id if master is not None else None


def page_file(name: str) -> str:
    """Give a page's file by its name in the address, as Streamlit's links want it."""
    return f"pages/{name}_page.py"


def link(page: str, label: str, *, icon: str | None = None, **ids: str | None) -> None:
    """Draw a link to a page that carries the dataset, and what else is named, in its address."""
    symbol = f":material/{icon}:" if icon else None
    st.page_link(page_file(page), label=label, icon=symbol, query_params=_query(ids))


def go(page: str, **ids: str | None) -> NoReturn:
    """Turn to a page, keeping the dataset in the address unless another is named."""
    st.switch_page(page_file(page), query_params=_query(ids))


def _query(ids: dict[str, str | None]) -> dict[str, str]:
    merged = {DATASET: _selected(DATASET), **ids}
    return {name: value for name, value in merged.items() if value is not None}


def _selected(name: str) -> str | None:
    found = st.query_params.get(name) or st.session_state.get(name)
    return str(found) if found else None


def _choose(name: str, value: str | None) -> None:
    st.session_state[name] = value
    if value is None:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = value
