"""What a range test was measured for, and what the plan has that is different by now."""

import streamlit as st

from core.domain.plans import Plan
from core.domain.recipes import trained_in_words
from core.domain.runs import Task
from core.runs import runs
from pages.parts import text, words


def show(task: Task, plan: Plan) -> None:
    """Say below a curve what was tested, and warn where the next run would be something else."""
    tested = Plan.model_validate(task.params["plan"])
    st.caption(
        f"Measured for {text.escape(words.recipe(tested.recipe))}, {_beginning(task, tested)}."
    )
    changed = _changes(tested, plan, from_weights=task.run_id is not None)
    if changed:
        st.warning(
            f"The recipe has changed since: {'; '.join(changed)}. These rates may not suit it: "
            "find them again.",
            icon=":material/history:",
        )


def _beginning(task: Task, tested: Plan) -> str:
    if task.run_id is not None:
        return f"from the weights of {_name(task.run_id)} with all layers unfrozen"
    first = trained_in_words(tested.recipe.stages[0].train)
    if tested.begins_from is not None:
        return f"from the weights of {_name(tested.begins_from)}, training {first}"
    return f"from its start, training {first}"


def _name(run_id: str) -> str:
    return text.escape(text.shorten(runs.get(run_id).name))


def _changes(tested: Plan, plan: Plan, *, from_weights: bool) -> list[str]:
    """Name what decides about a good rate and is another now; rates and schedules do not."""
    then, now = _facts(tested), _facts(plan)
    if from_weights:  # it did not begin as the plan does, and trained all layers
        then, now = ({**facts, "start": "", "training": ""} for facts in (then, now))
    return [
        f"{said} {text.escape(now[fact])}, not {text.escape(then[fact])}"
        for fact, said in SAID.items()
        if now[fact] != then[fact]
    ]


SAID = {
    "network": "its network is",
    "start": "it begins",
    "training": "its first stage trains",
    "size": "its first stage has",
    "batch": "its first stage takes",
}


def _facts(plan: Plan) -> dict[str, str]:
    recipe, first = plan.recipe, plan.recipe.stages[0]
    start = "pretrained" if recipe.pretrained else "from scratch"
    if plan.begins_from is not None:
        start = f"from the weights of {text.shorten(runs.get(plan.begins_from).name)}"
    return {
        "network": recipe.arch,
        "start": start,
        "training": trained_in_words(first.train),
        "size": f"{recipe.size_of(first)} px",
        "batch": f"{recipe.batch_size_of(first)} images a batch",
    }
