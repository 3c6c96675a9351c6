"""The network that describes the images to an audit: the usual one, or another one."""

import streamlit as st

from core.domain import archs
from core.runs import audits, weights
from pages.parts import text


def chosen(dataset_id: str) -> str:
    """Name the network that was chosen on this page, or else was used last, or else is usual."""
    picked = st.session_state.get(_key(dataset_id))
    if picked is not None:
        return str(picked)
    last = audits.find_latest(dataset_id)
    return str(last.params["arch"]) if last is not None else audits.default_arch()


def choose(dataset_id: str) -> None:
    """Draw the choice of another network, each with whether its weights are here."""
    current = chosen(dataset_id)
    pretrained = [name for name, arch in archs.ARCHS.items() if arch.is_pretrained]
    options = sorted({*pretrained, current}, key=lambda name: weights.find(name) is None)
    with st.popover("Network", icon=":material/hub:"):
        st.caption(
            "The images are told apart by what a network that knows ImageNet sees in them. A "
            "larger one finds more, and takes longer."
        )
        st.selectbox(
            "Described by",
            options,
            index=options.index(current),
            format_func=_label,
            key=_key(dataset_id),
            persist_state="session",
        )


def in_words(arch: str) -> str:
    """Say in Markdown which network describes the images, and what happens without its weights."""
    said = f"The images are described by the pretrained network {text.escape(arch)}"
    if weights.find(arch) is not None:
        return f"{said}, whose weights are on this machine."
    return (
        f"{said}. Its weights are not on this machine: they are downloaded when the audit starts. "
        "Where that is not possible the pixels themselves describe the images, which finds less."
    )


def _label(arch: str) -> str:
    return f"{arch} · {'weights are here' if weights.find(arch) else 'is downloaded'}"


def _key(dataset_id: str) -> str:
    return f"audit-arch-{dataset_id}"
