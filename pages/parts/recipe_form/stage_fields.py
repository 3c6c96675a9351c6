"""The fields of one stage: what is trained, for how long, how fast, at what size."""

import streamlit as st

from core.domain import schedules
from core.domain.recipes import (
    MOST_RATE,
    Auto,
    Constant,
    Discriminative,
    FlatCos,
    OneCycle,
    Sgdr,
    Stage,
    trained_in_words,
)
from pages.parts import fields
from pages.parts.fields import Form, Path

FIRST_RATE = 1e-3  # for a stage that found its rate itself and now gets a number
LEAST_RATE = 1e-12
SUGGESTIONS = ("valley", "slide", "steepest", "minimum/10")
SCHEDULES = {
    "one cycle": OneCycle(),
    "flat, then cosine": FlatCos(),
    "cosine with restarts (SGDR)": Sgdr(),
    "constant": Constant(),
}
SCHEDULE_HELP = (
    "One cycle is fastai's usual choice and needs few epochs. Flat, then cosine goes well with "
    "Ranger. Restarts give several good moments to stop at. Constant suits early stopping."
)
TRAINED_HELP = (
    "The head alone is quick and spoils nothing; all layers learn more. On cached features epochs "
    "take seconds: no augmentation there, and for bodies with batch norm it is not the same as "
    "training a frozen body, because fastai goes on training those layers. The last groups are a "
    "way between, for gradual unfreezing."
)
RATE_HELP = (
    "One rate for all layers; or low at the first layers, which know edges and colours already, "
    "and high at the head; or found when the stage begins, by a range test whose curve is kept."
)


def show(form: Form, number: int) -> None:
    """Draw the fields of a stage."""
    stage, at = form.recipe.stages[number], ("stages", number)
    _trained(form, stage, at)
    _schedule(form, stage, at)
    _rate(form, stage, (*at, "lr"))
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        empty = f"{form.recipe.size_px}, as the recipe"
        fields.open_whole(form, (*at, "size_px"), "Size (px)", (8, 2048, 32), empty=empty)
        fields.typed(
            form, (*at, "wd"), "Weight decay", (0, 10), empty="the optimiser's", said=DECAY_HELP
        )
    with right:
        empty = f"{form.recipe.batch_size}, as the recipe"
        fields.open_whole(form, (*at, "batch_size"), "Images a batch", (2, 4096, 8), empty=empty)
        _momentum(form, stage, (*at, "momentum"))
    if isinstance(stage.momentum, tuple):
        _momenta(form, (*at, "momentum"))


DECAY_HELP = "More keeps weights small: helps where valid grows worse while train grows better."
MOMENTUM_HELP = (
    "By the schedule it moves against the rate in one cycle, and is the optimiser's elsewhere."
)


def _trained(form: Form, stage: Stage, at: Path) -> None:
    options = {trained_in_words(name): name for name in ("features", "head", "all")}
    groups = stage.train if isinstance(stage.train, int) else 2
    chosen = "the last groups" if isinstance(stage.train, int) else trained_in_words(stage.train)
    fields.pick(
        form,
        (*at, "train"),
        "Train",
        {**options, "the last groups": groups},
        chosen=chosen,
        said=TRAINED_HELP,
    )
    if isinstance(stage.train, int):
        fields.whole(form, (*at, "train"), "Groups, from the head back", (1, 20, 1))


def _schedule(form: Form, stage: Stage, at: Path) -> None:
    kinds = {option.kind: name for name, option in SCHEDULES.items()}
    options = {name: _with_schedule(stage, option) for name, option in SCHEDULES.items()}
    fields.pick(
        form, at, "Schedule", options, chosen=kinds[stage.schedule.kind], said=SCHEDULE_HELP
    )
    inner = (*at, "schedule")
    if not isinstance(stage.schedule, Sgdr):
        fields.whole(form, (*at, "epochs"), f"Epochs of stage {int(at[1]) + 1}", (1, 1000, 1))
    match stage.schedule:
        case OneCycle():
            _one_cycle(form, inner)
        case FlatCos():
            said = "The share of batches before the rate falls."
            fields.slider(form, (*inner, "pct_start"), "Flat share", (0.01, 0.99, 0.01), said)
            _divisor(form, (*inner, "div_final"), "Ends at the rate divided by")
        case Sgdr():
            _cycles(form, inner)


def _with_schedule(stage: Stage, schedule: OneCycle | FlatCos | Sgdr | Constant) -> Stage:
    """Only one cycle moves the momentum, so three of it do not go into another schedule."""
    moves = isinstance(stage.momentum, tuple) and not isinstance(schedule, OneCycle)
    momentum = None if moves else stage.momentum
    return stage.model_copy(update={"schedule": schedule, "momentum": momentum})


def _one_cycle(form: Form, at: Path) -> None:
    said = "The share of batches over which the rate rises. More helps where training is shaky."
    fields.slider(form, (*at, "pct_start"), "Warm-up share", (0.01, 0.99, 0.01), said)
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        _divisor(form, (*at, "div"), "Begins at the rate divided by")
    with right:
        _divisor(form, (*at, "div_final"), "Ends at the rate divided by")


def _divisor(form: Form, at: Path, label: str) -> None:
    fields.typed(form, at, label, (1, 1e12))


def _cycles(form: Form, at: Path) -> None:
    left, middle, right = st.columns(3, vertical_alignment="bottom")
    with left:
        fields.whole(form, (*at, "n_cycles"), "Cycles", (1, 100, 1))
    with middle:
        fields.whole(form, (*at, "cycle_len"), "First cycle's length", (1, 1000, 1))
    with right:
        fields.whole(form, (*at, "cycle_mult"), "Longer each time by", (1, 10, 1))


def _rate(form: Form, stage: Stage, at: Path) -> None:
    top = schedules.ends(stage.lr)[1] or FIRST_RATE
    options = {
        "one number": top,
        "low to high": Discriminative(low=top / 100, high=top),
        "found by a range test": Auto(),
    }
    chosen = {Discriminative: "low to high", Auto: "found by a range test"}.get(
        type(stage.lr), "one number"
    )
    fields.pick(form, at, "Rate", options, chosen=chosen, said=RATE_HELP)
    limits = (LEAST_RATE, MOST_RATE)
    left, right = st.columns(2, vertical_alignment="bottom")
    if isinstance(stage.lr, Discriminative):
        with left:
            fields.typed(form, (*at, "low"), "At the first layers", limits, empty="a tenth")
        with right:
            fields.typed(form, (*at, "high"), "At the head", limits)
    elif isinstance(stage.lr, Auto):
        with left:
            suggested = {name: name for name in SUGGESTIONS}
            fields.pick(form, (*at, "suggestion"), "Suggestion to take", suggested)
        with right:
            said = "The first layers get the rate divided by this; 1 gives all layers the same."
            fields.typed(form, (*at, "spread"), "Spread", (1, 1e6), said=said)
    else:
        fields.typed(form, at, "Highest rate", limits)


def _momentum(form: Form, stage: Stage, at: Path) -> None:
    options: dict[str, object] = {"by the schedule": None, "one number": 0.9}
    if isinstance(stage.schedule, OneCycle):
        options["three numbers"] = schedules.MOMENTA
    chosen = "by the schedule"
    if stage.momentum is not None:
        chosen = "three numbers" if isinstance(stage.momentum, tuple) else "one number"
    fields.pick(form, at, "Momentum", options, chosen=chosen, said=MOMENTUM_HELP)
    if chosen == "one number":
        fields.typed(form, at, "Momentum all along", (0, 0.9999))


def _momenta(form: Form, at: Path) -> None:
    labels = ("Momentum at first", "in the middle", "at the end")
    for number, (column, label) in enumerate(zip(st.columns(3), labels, strict=True)):
        with column:
            fields.typed(form, (*at, number), label, (0, 0.9999))
