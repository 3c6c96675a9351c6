"""Widgets that choose the classes of a dataset's plan; each choice is kept at once."""

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from core.datasets import trainable
from core.datasets.subsets import Taken
from core.domain.plans import Plan
from core.runs import plans
from pages.parts import errors, text

LARGEST = (5, 10)
HELP = (
    "Fewer classes make a quick prototype. Train and valid keep the images of these classes "
    "alone: a network cannot be measured on a class that it does not know."
)


def show(dataset_id: str, plan: Plan, whole: Taken) -> None:
    """Draw the choice; `whole` is what a run of all classes would use."""
    chosen = plan.subset.classes or ()
    if len(whole.classes) < 3 and not chosen:
        return
    key = f"classes-{dataset_id}-{plan.split_id}"
    gone = [name for name in chosen if name not in whole.classes]
    with st.container(gap="xsmall"):
        _quick_picks(dataset_id, key, plan, whole)
        _list(dataset_id, key, (*whole.classes, *gone), chosen)
    if len(st.session_state[key]) == 1:
        st.caption(":orange[Choose another class as well:] a classifier tells at least two apart.")
    if gone:
        st.warning(
            f"No images of {text.escape(trainable.named(gone))} are in use any more: they may "
            "have been relabelled or excluded. Take those classes out, or undo the edits.",
            icon=":material/warning:",
        )


def _quick_picks(dataset_id: str, key: str, plan: Plan, whole: Taken) -> None:
    """Draw the label with its buttons, above the list: that one grows where it has the focus."""
    largest = sorted(whole.train, key=lambda name: (-whole.train[name], name))
    picks = {f"{n} largest": tuple(largest[:n]) for n in LARGEST if n < len(largest)}
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(":small[Classes]", help=HELP, width="stretch")
        for label, classes in {**picks, **({"All": None} if plan.subset.classes else {})}.items():
            st.button(
                label,
                key=f"{key}-{label}",
                type="tertiary",
                on_click=_pick,
                args=(dataset_id, key, classes),
            )


def _list(dataset_id: str, key: str, names: Sequence[str], chosen: Sequence[str]) -> None:
    waiting = st.session_state.get(key, ())  # one class is no choice yet: another may follow
    if len(waiting) != 1 or waiting[0] not in names:
        st.session_state[key] = list(chosen)
    st.multiselect(
        "Classes",
        names,
        format_func=_labels(names).__getitem__,
        key=key,
        on_change=_changed,
        args=(dataset_id, key),
        placeholder="All classes",
        select_all=False,
        label_visibility="collapsed",
    )


def _labels(names: Sequence[str]) -> dict[str, str]:
    """Label classes in full, so that long ones can be searched, and each by a label of its own."""
    plain = {name: text.plain(name) for name in names}
    n_alike = Counter(plain.values())
    return plain | text.distinct({name: name for name in names if n_alike[plain[name]] > 1})


@errors.callback
def _changed(dataset_id: str, key: str) -> None:
    chosen = st.session_state[key]
    if len(chosen) != 1:
        plans.change_subset(dataset_id, classes=tuple(chosen) or None)


@errors.callback
def _pick(dataset_id: str, key: str, classes: tuple[str, ...] | None) -> None:
    st.session_state[key] = list(classes or ())
    plans.change_subset(dataset_id, classes=classes)
