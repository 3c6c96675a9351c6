"""All runs of a dataset; choose one to see it, two or more to compare them."""

from collections.abc import Iterable, Sequence

import pandas as pd
import streamlit as st

from core.datasets import catalog
from core.domain.items import Dataset
from core.domain.jobs import ENDED
from core.domain.recipes.measures import LOWER_IS_BETTER
from core.domain.runs import Run
from core.review import before_after, compare, predictions
from core.review.compare import SameImages
from core.runs import curves, runs
from pages.parts import (
    errors,
    gallery,
    look,
    run_charts,
    run_metrics,
    score_words,
    state,
    text,
    toolbar,
    words,
)

MOST_COMPARED = 8
DECISIVE = ("accuracy", "f2_samples")
DIFFERENT_CLASSES = (
    " They were trained on different classes: a network that knows fewer has fewer to confuse."
)
SEVERAL_LABELS = (
    " Each run counts a label above the threshold of its recipe, labels that not all of them know "
    "are left out, and an image is right where all its labels are."
)


def show() -> None:
    """Draw the page: the table, and below it what is chosen."""
    dataset = toolbar.show()
    st.title("Runs", anchor=False)
    found = runs.list_runs(dataset.id)
    if not found:
        st.info("No run yet: train one first.", icon=":material/school:")
        state.link("train", "Train", icon="arrow_forward")
        return
    chosen = _table(found)
    if not chosen:
        st.caption("Tick one run to see it, two or more to compare them.")
    elif len(chosen) == 1:
        _one(chosen[0])
    else:
        _several(dataset, sorted(chosen, key=lambda run: run.created_at)[:MOST_COMPARED])
    if any(run.status not in ENDED for run in found):
        _follow(dataset.id, tuple(run.status for run in found))


@st.fragment(run_every=2.0)
@errors.boundary()
def _follow(dataset_id: str, seen: tuple[str, ...]) -> None:
    if tuple(run.status for run in runs.list_runs(dataset_id)) != seen:
        st.rerun()


def _table(found: Sequence[Run]) -> list[Run]:
    metrics = score_words.measured([run.metrics for run in found])
    rows = pd.DataFrame(
        {
            "run": [text.plain(run.name) for run in found],
            "status": [run.status for run in found],
            **{metric: [run.metrics.get(metric) for run in found] for metric in metrics},
            "revision": [run.revision for run in found],
            "train images": [run.n_train for run in found],
            "seed": [run.seed for run in found],
            "minutes": [_minutes(run) for run in found],
            **_beginnings(found),
            "started": [text.ago(run.created_at) for run in found],
        }
    )
    event = st.dataframe(
        rows,
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        placeholder="",  # of what a run has not
        key=f"runs-{found[0].id}-{len(found)}",  # a kept selection must not outlive its rows
        column_config={
            **score_words.columns(metrics),
            "minutes": st.column_config.NumberColumn(format="%.1f"),
        },
        height=min(423, 35 * (len(found) + 1) + 3),
    )
    return [found[row] for row in event.selection.rows]


def _beginnings(found: Sequence[Run]) -> dict[str, list[str]]:
    """Say what runs began from and how often they were continued, where any did or was."""
    columns = {
        "begins from": [
            text.plain(runs.get(run.begins_from).name) if run.begins_from else "" for run in found
        ],
        "continued": [_times(run.n_continued) if run.n_continued else "" for run in found],
    }
    return {name: column for name, column in columns.items() if any(column)}


def _minutes(run: Run) -> float | None:
    if run.started_at is None or run.finished_at is None:
        return None
    return (run.seconds_before + run.finished_at - run.started_at) / 60


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number) or f"{number} times"


def _one(run: Run) -> None:
    with st.container(border=True):
        st.subheader(text.escape(run.name), anchor=False)
        st.caption(_in_short(run))
        if run.error:
            st.error(f"{text.escape(run.error)}  \n{text.escape(run.hint or '')}")
        with st.container(horizontal=True):
            state.link("train", "Curves", icon="show_chart", run=run.id)
            if predictions.exist(run.id):
                state.link("interpret", "Interpret", icon="troubleshoot", run=run.id)
        st.button("Retrain on the data as it is now", on_click=_retrain, args=(run.id,))
        _rename(run)
        with st.expander("Description"):
            st.json({**_description(run), "environment": run.environment}, expanded=1)
        with st.expander("Log"):
            st.code(runs.log(run.id) or "Nothing was printed.", language=None)


def _in_short(run: Run) -> str:
    said = [words.recipe(run.recipe), words.subset(run.subset), f"seed {run.seed}"]
    if run.begins_from is not None:
        said.append(f"begins from {runs.get(run.begins_from).name}")
    if run.n_continued:
        said.append(f"continued {_times(run.n_continued)}")
    return text.escape(", ".join(said))


def _rename(run: Run) -> None:
    key = f"rename-{run.id}"
    st.text_input(
        "Name", value=run.name, key=key, on_change=_renamed, args=(run.id, key), max_chars=120
    )


@errors.callback
def _renamed(run_id: str, key: str) -> None:
    runs.rename(run_id, st.session_state[key])


@errors.callback
def _retrain(run_id: str) -> None:
    started = runs.retrain(run_id)
    st.toast(f"{text.escape(started.name)} waits for the device.", icon=":material/replay:")


def _description(run: Run) -> dict[str, object]:
    return {
        "dataset": run.dataset_id,
        "revision": run.revision,
        "fingerprint": run.fingerprint,
        "split": run.split_id,
        "subset": run.subset.model_dump(mode="json"),
        "recipe": run.recipe.model_dump(mode="json"),
        "begins_from": run.begins_from,
        "seed": run.seed,
        "code": run.code_version,
    }


def _several(dataset: Dataset, chosen: list[Run]) -> None:
    st.subheader("What differs", anchor=False)
    rows = compare.differences(chosen)
    if rows:
        names = _names(chosen)
        table = pd.DataFrame(
            [[row.field, *map(text.plain, row.values)] for row in rows],
            columns=["field", *names.values()],
        )
        st.dataframe(table, hide_index=True)
    else:
        st.caption("Nothing: these runs have the same description.")
    with_scores = [run for run in chosen if predictions.exist(run.id)]
    if len(with_scores) > 1:
        _same_images(dataset, with_scores)
    _curves(chosen)


def _same_images(dataset: Dataset, chosen: list[Run]) -> None:
    found = compare.on_same_images([run.id for run in chosen])
    st.subheader("On the same validation images", anchor=False)
    if not found.n_items:
        st.warning("These runs have no validation image in common.")
        return
    _score_table(chosen, found)
    st.caption(
        f"Measured on the {found.n_items:,} validation images that all of them have, with the "
        f"labels of revision {found.revision}, from stored predictions. {_chance(found)}"
        + (SEVERAL_LABELS if dataset.is_multi_label else "")
        + (DIFFERENT_CLASSES if len({run.subset.classes for run in chosen}) > 1 else "")
    )
    first, last = chosen[0].name, chosen[-1].name
    st.markdown(
        f"From {text.escape(first)} to {text.escape(last)}: **{len(found.now_right)}** images "
        f"turned right, **{len(found.now_wrong)}** turned wrong."
    )
    for title, ids in (("Turned right", found.now_right), ("Turned wrong", found.now_wrong)):
        if ids:
            with st.expander(f"{title} ({len(ids)})"):
                _gallery(dataset, ids, key=f"{title}-{chosen[0].id}-{chosen[-1].id}")


def _chance(found: SameImages) -> str:
    """Say how far chance among images reaches; of other seeds one run of each says nothing."""
    metric = next((one for one in DECISIVE if one in found.intervals), None)
    if metric is None:
        return "Each run is one seed: a difference of a few images may be chance."
    interval = found.intervals[metric]
    low, high = (before_after.change(metric, end) for end in (interval.low, interval.high))
    return (
        f"For other images of the kind the difference in {score_words.in_a_sentence(metric)} "
        f"would lie between {low} and {high} points (95 %, bootstrap over images). Each run is "
        "one seed: other seeds may differ more."
    )


def _score_table(chosen: list[Run], found: SameImages) -> None:
    metrics = score_words.measured(found.metrics)
    table = pd.DataFrame(list(found.metrics), index=list(_names(chosen).values()))[metrics]
    if len(chosen) == 2:
        table.loc["difference"] = table.iloc[1] - table.iloc[0]
    shown = table.reset_index(names="run")
    st.dataframe(shown, hide_index=True, column_config=score_words.columns(metrics))


def _gallery(dataset: Dataset, ids: Sequence[int], *, key: str) -> None:
    items = catalog.get_items(list(ids), split_id=None)
    gallery.show(
        dataset.id,
        [gallery.tile(items[one]) for one in ids if one in items],
        key=key,
        classes=catalog.classes(dataset.id),
        staged=True,
        multi=dataset.is_multi_label,
    )


def _curves(chosen: list[Run]) -> None:
    st.subheader("Curves", anchor=False)
    names = _names(chosen)
    steps = {names[run.id]: curves.steps_frame(run.id) for run in chosen}
    epochs = {names[run.id]: _epochs(run) for run in chosen}
    left, right = st.columns(2)
    drawn = (
        (left, steps, "smooth_loss", "Train loss, smoothed"),
        (right, epochs, "valid_loss", "Valid loss"),
        *[
            (left, epochs, one, f"{run_metrics.name(one)} on valid")
            for one in _drawn(epochs.values())
        ],
        (right, steps, "lr", "Learning rate of the head"),
    )
    for column, tables, name, title in drawn:
        filled = {run: table for run, table in tables.items() if name in table}
        with column:
            st.markdown(f"**{title}**")
            look.show(run_charts.compared(filled, name), key=f"compare-{name}")


def _drawn(tables: Iterable[pd.DataFrame]) -> list[str]:
    """Name the metric that most of the runs have at their epochs, of those that should rise."""
    metrics = score_words.measured([dict.fromkeys(table.columns[1:], 0.0) for table in tables])
    return [one for one in metrics if one not in LOWER_IS_BETTER][:1]


def _epochs(run: Run) -> pd.DataFrame:
    found = runs.list_epochs(run.id)
    rows = [{"epoch": one.epoch + 1, "valid_loss": one.valid_loss, **one.metrics} for one in found]
    return pd.DataFrame(rows, columns=None if rows else ["epoch", "valid_loss"])


def _names(chosen: Sequence[Run]) -> dict[str, str]:
    """Name runs for a table's columns and a chart's legend, each name once."""
    return text.distinct({run.id: run.name for run in chosen})


show()
