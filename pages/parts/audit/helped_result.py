"""What a comparison of before and after found: a sentence, intervals, and images that turned."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.datasets import catalog
from core.domain.items import Dataset
from core.domain.runs import Run
from core.review import before_after
from core.review.before_after import Comparison, Difference, Flipped
from core.review.statistics import Interval
from core.runs import experiments
from core.runs.experiments import Experiment
from pages.parts import gallery, look, run_metrics, score_words, state, text
from pages.parts.audit import helped_chart

ARMS = {"before": "Before", "after": "After", "random": "Less at random"}
BOXES = {"helped": st.success, "hurt": st.warning, "unclear": st.info}
ICONS = {"helped": "trending_up", "hurt": "trending_down", "unclear": "trending_flat"}


def show(dataset: Dataset, experiment: Experiment, found: Comparison, *, is_over: bool) -> None:
    """Draw what the finished runs say."""
    outcome = before_after.outcome(found)
    so_far = "" if is_over else "So far: "
    BOXES[outcome](
        f"{so_far}{text.escape(before_after.sentence(found))}",
        icon=f":material/{ICONS[outcome]}:",
    )
    if not found.rows:
        return
    look.show(helped_chart.figure(found), key=f"helped-chart-{experiment.id}")
    _table(found)
    st.caption(_measured_words(experiment, found))
    st.markdown(
        f"From before to after a seed turned **{found.n_to_right:.1f}** images right and "
        f"**{found.n_to_wrong:.1f}** wrong, on average."
    )
    _flipped(dataset, experiment, "Turned right", found.to_right, len(found.seeds))
    _flipped(dataset, experiment, "Turned wrong", found.to_wrong, len(found.seeds))
    if found.edited_valid:
        with st.expander(f"Validation images that were edited ({len(found.edited_valid)})"):
            _gallery(dataset, found.edited_valid, {}, key=f"edited-{experiment.id}")


def list_runs(experiment: Experiment) -> None:
    """Draw a link to each run, an arm a column."""
    arms: dict[str, list[tuple[int, Run]]] = {}
    for member, run in experiments.list_runs(experiment):
        arms.setdefault(member.arm, []).append((member.seed, run))
    with st.expander(f"The runs ({sum(map(len, arms.values()))})"):
        st.caption("As each run has measured itself, with the labels of its own revision.")
        for column, (arm, members) in zip(st.columns(len(arms)), arms.items(), strict=True):
            with column:
                st.markdown(f"**{ARMS.get(arm, arm)}**, revision {members[0][1].revision}")
                for seed, run in members:
                    state.link("train", f"Seed {seed}: {_run_words(run)}", run=run.id)


def _run_words(run: Run) -> str:
    main = next((one for one in ("accuracy", "f2_samples") if one in run.metrics), None)
    if run.status != "finished" or main is None:
        return run.status
    return run_metrics.value(main, run.metrics[main])


def _table(found: Comparison) -> None:
    by_metric = {row.metric: row for row in found.rows}
    ordered = score_words.measured([dict.fromkeys(by_metric, 0.0)])
    rows = [
        {
            "metric": score_words.in_a_sentence(row.metric),
            "before": run_metrics.value(row.metric, row.before),
            "after": run_metrics.value(row.metric, row.after),
            "difference": before_after.change(row.metric, row.cleaning.mean),
            "other seeds": _range(row.metric, row.cleaning.seeds),
            "other images": _range(row.metric, row.cleaning.images),
            "both": _range(row.metric, row.cleaning.both),
            "less at random": _random(row.metric, row.random),
        }
        for row in (by_metric[metric] for metric in ordered)
    ]
    table = pd.DataFrame(rows)
    if all(row.random is None for row in found.rows):
        table = table.drop(columns="less at random")
    st.dataframe(table, hide_index=True)


def _range(metric: str, interval: Interval | None) -> str:
    if interval is None:
        return "–"
    low, high = (before_after.change(metric, end) for end in (interval.low, interval.high))
    return f"{low} to {high}"


def _random(metric: str, difference: Difference | None) -> str:
    if difference is None:
        return "–"
    said = before_after.change(metric, difference.mean)
    interval = difference.both or difference.seeds
    return f"{said} ({_range(metric, interval)})" if interval is not None else said


def _measured_words(experiment: Experiment, found: Comparison) -> str:
    about = experiments.about(experiment)
    said = (
        f"Measured on the {found.n_items:,} validation images that all runs have, with the labels "
        f"of revision {found.revision}; {text.count(len(found.seeds), 'seed')}. Differences are "
        "in points of a per cent, losses in their own unit, with 95 % intervals: for other seeds "
        "on these images, for other images with these seeds, and for both."
    )
    if found.edited_valid:
        edited = text.count(len(found.edited_valid), "validation image")
        said += (
            f" Excluded or relabelled since revision {about.before}: {edited}. Excluded ones "
            "count for no run, relabelled ones with their new label for all."
        )
    return said


def _flipped(
    dataset: Dataset, experiment: Experiment, title: str, found: Sequence[Flipped], n_seeds: int
) -> None:
    if not found:
        return
    captions = {one.item_id: _turned_words(one, n_seeds) for one in found}
    with st.expander(f"{title} in at least half of the seeds ({len(found)})"):
        ids = [one.item_id for one in found]
        _gallery(dataset, ids, captions, key=f"{title}-{experiment.id}")


def _turned_words(one: Flipped, n_seeds: int) -> str:
    before, after = (round(share * n_seeds) for share in (one.right_before, one.right_after))
    return f"right in {before} → {after} of {n_seeds}"


def _gallery(dataset: Dataset, ids: Sequence[int], captions: dict[int, str], *, key: str) -> None:
    items = catalog.get_items(list(ids), split_id=None)
    tiles = [
        gallery.tile(items[one], caption=_caption(items[one].label, captions.get(one)))
        for one in ids
        if one in items
    ]
    gallery.show(
        dataset.id,
        tiles,
        key=key,
        classes=catalog.classes(dataset.id),
        staged=True,
        multi=dataset.is_multi_label,
    )


def _caption(label: str, said: str | None) -> str | None:
    return None if said is None else f"{text.shorten(label, 24)}\n{said}"
