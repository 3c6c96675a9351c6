"""The form of a new comparison: which recipe, since when, how many seeds, and what it costs."""

from collections.abc import Sequence

import streamlit as st

from core.datasets import edits
from core.domain.errors import InputError, RecipeError
from core.domain.items import Dataset
from core.domain.plans import Plan
from core.domain.runs import Run
from core.runs import experiments, plans, recipes, runs, weights
from core.runs.experiments import Proposal
from pages.parts import errors, state, text, words

PLAN, QUICK = "plan", "quick"
QUICK_RECIPE = "Features only"
FEW_SEEDS = 3
MOST_LOG = 200
MOST_RUNS = 20


def show(dataset: Dataset, *, key: str) -> None:
    """Draw the form; its button writes the new comparison's id under `key` of the session."""
    st.markdown(
        "Was the cleaning worth it? The same recipe is trained on the data as it was before the "
        "edits and as it is now, several seeds each, and compared on the same validation images."
    )
    if state.find_split_id(dataset.id) is None:
        st.info("This dataset has no split yet: it is made when a scan has found images.")
        return
    try:
        first = experiments.first_before(dataset.id)
    except InputError as nothing:
        st.info(f"{text.escape(nothing.sentence)} {text.escape(nothing.hint)}")
        return
    plan = _plan(dataset)
    before = _before(dataset, first)
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    n_seeds = left.number_input(
        "Seeds",
        experiments.FEWEST_SEEDS,
        experiments.MOST_SEEDS,
        value=experiments.N_SEEDS,
        key=f"{key}-seeds",
        help="Each seed trains once on either. One alone says nothing of chance in the training.",
    )
    with_random = right.toggle(
        "Also remove as many train images at random",
        value=True,
        key=f"{key}-random",
        help="A third training of each seed shows what a smaller number of images does by itself.",
    )
    if n_seeds < FEW_SEEDS:
        st.caption(":orange[So few seeds give very wide intervals]: 5 or more say something.")
    _launch(dataset, plan, (int(n_seeds), with_random, before), key)


def _launch(dataset: Dataset, plan: Plan, asked: tuple[int, bool, int], key: str) -> None:
    stamp = tuple(run.id for run in _finished(dataset))
    try:
        proposal = _kept(dataset.id, plan.model_dump_json(), asked, dataset.revision, stamp)
    except (InputError, RecipeError) as refused:
        st.info(f"{text.escape(refused.sentence)} {text.escape(refused.hint)}")
        return
    st.caption(_changes_words(proposal))
    st.button(
        "Retrain before and after",
        type="primary",
        icon=":material/compare_arrows:",
        key=f"{key}-start",
        on_click=_start,
        args=(dataset.id, plan, asked, key),
    )
    st.caption(_cost_words(proposal))


def _plan(dataset: Dataset) -> Plan:
    """Choose whose recipe, split, subset and first seed are trained: a run's, or the plan's."""
    found = {run.id: run for run in _distinct(_finished(dataset))[:MOST_RUNS]}
    planned = plans.get(dataset.id)
    labels = text.distinct({one.id: one.name for one in found.values()})
    labels[PLAN] = f"The plan of the Train page: {planned.recipe.name} {planned.recipe.arch}"
    quick = _quick(dataset, planned)
    if quick is not None:
        recipe = quick.recipe
        labels[QUICK] = f"A quick one: {recipe.name} {recipe.arch}, the head on cached features"
    chosen = st.selectbox(
        "Train as",
        list(labels),
        format_func=lambda one: labels[one],
        key=f"helped-plan-{dataset.id}-{len(found)}",
        help="The recipe, the split, the subset and the first seed are taken from it.",
    )
    others = {PLAN: planned, QUICK: quick or planned}
    plan = others[chosen] if chosen in others else runs.plan_of(found[chosen])
    st.caption(
        f"{text.escape(words.recipe(plan.recipe))}, {text.escape(words.subset(plan.subset))}."
    )
    return plan


def _quick(dataset: Dataset, planned: Plan) -> Plan | None:
    """Give the plan with the recipe that trains in seconds; None where its weights are missing."""
    recipe = recipes.rebuild(
        planned.recipe, name=QUICK_RECIPE, is_multi_label=dataset.is_multi_label
    )
    if recipe == planned.recipe or weights.find(recipe.arch) is None:
        return None
    return planned.model_copy(update={"recipe": recipe, "begins_from": None})


def _before(dataset: Dataset, first: int) -> int:
    """Choose the revision to compare with the newest one, from the log."""
    log = edits.list_log(dataset.id, limit=MOST_LOG)
    labels = {one.revision: one.note for one in log if one.revision < dataset.revision}
    labels.setdefault(first, "before the first edit")
    options = sorted(labels, reverse=True)
    return st.selectbox(
        "Before",
        options,
        index=options.index(first),
        format_func=lambda one: f"Revision {one}: {text.plain(text.shorten(labels[one], 60))}",
        key=f"helped-before-{dataset.id}-{dataset.revision}",
        help="The data as this revision left it. After is always the newest one.",
    )


def _finished(dataset: Dataset) -> list[Run]:
    return [run for run in runs.list_runs(dataset.id) if run.status == "finished"]


def _distinct(found: Sequence[Run]) -> list[Run]:
    """Keep the first run of each recipe, split and subset: seeds count up from its own.

    A random removal is no plan.
    """
    by_plan: dict[str, Run] = {}
    for run in found:
        if run.subset.without is None:
            plan = runs.plan_of(run).model_copy(update={"seed": 0})
            by_plan[plan.model_dump_json()] = run
    return list(by_plan.values())


@st.cache_data(max_entries=16, show_spinner=False)
def _kept(
    dataset_id: str,
    plan: str,
    asked: tuple[int, bool, int],
    revision: int,
    finished: tuple[str, ...],
) -> Proposal:  # the last two are there to tell one state from another
    n_seeds, with_random, before = asked
    return experiments.propose(
        dataset_id,
        Plan.model_validate_json(plan),
        n_seeds=n_seeds,
        with_random=with_random,
        before=before,
    )


def _changes_words(proposal: Proposal) -> str:
    train, valid = proposal.changes.train, proposal.changes.valid
    said = (
        f"Between the revisions {proposal.about.before} and {proposal.about.after}: "
        f"**{text.count(len(train.removed), 'train image')}** less, "
        f"**{len(train.relabelled):,}** with another label"
    )
    said += f", {len(train.added):,} more." if train.added else "."
    if train.gone:
        said += (
            f" {text.count(len(train.gone), 'train image')} left without an edit: a scan did not "
            "find the files or cannot read them. That is no cleaning, and is not counted as such."
        )
    n_valid = len(valid.edited) + len(valid.added) + len(valid.gone)
    if n_valid:
        said += (
            f" {text.count(n_valid, 'validation image')} changed, too: all runs are measured with "
            "the validation images and labels of now."
        )
    return said


def _cost_words(proposal: Proposal) -> str:
    n_runs = len(proposal.wanted) - proposal.n_ready
    if not n_runs:
        return f"All {len(proposal.wanted)} runs finished before: nothing needs to be trained."
    said = text.count(n_runs, "training")
    if proposal.n_ready:
        said += f"; {text.count(proposal.n_ready, 'run')} of the same description finished before"
    if proposal.seconds is None:
        return f"{said}. How long is not known: this recipe has not been trained here yet."
    return f"{said}. About {text.duration(proposal.seconds)}, as long as the last run took each."


@errors.callback
def _start(dataset_id: str, plan: Plan, asked: tuple[int, bool, int], key: str) -> None:
    n_seeds, with_random, before = asked
    started = experiments.before_after(
        dataset_id, plan, n_seeds=n_seeds, with_random=with_random, before=before
    )
    st.session_state[key] = started.id
