"""The part of a script that fits: stage after stage, then what is measured at the end."""

from core.domain.recipes import (
    Auto,
    Discriminative,
    FlatCos,
    OneCycle,
    Sgdr,
    Stage,
    trained_in_words,
)
from core.runs.script import text
from core.runs.script.facts import ScriptFacts

RESTARTS = '''
def restarts(opt, rate, cycles):
    """Anneal the rate along a cosine in each of the cycles, which last so many epochs each."""
    opt.set_hyper("lr", rate)
    schedule = SchedCos(np.array([hypers["lr"] for hypers in opt.hypers]), 0)
    bounds = torch.cumsum(torch.tensor([0, *(epochs / sum(cycles) for epochs in cycles)]), 0)

    def rate_at(position):
        index = min((position >= bounds).nonzero().max(), len(cycles) - 1)
        inner = (position - bounds[index]) / (bounds[index + 1] - bounds[index])
        return schedule(inner.item())

    return ParamScheduler({"lr": rate_at})
'''

BEST = """
if best.put_back():
    print("# with the best epoch's weights:", *{learner}.validate())
"""

TTA = """
with learn.removed_cbs(learn.recorder):
    found, targets = learn.tta(
        dl=learn.dls.valid,
        n={n},
        {blend},
        item_tfms=learn.dls.train.after_item,
        batch_tfms=learn.dls.train.after_batch,
    )
right = {right}
print(f"# right with test-time augmentation: {{right.float().mean().item():.6f}}")
"""

ONE_CYCLE, FLAT_COS = OneCycle(), FlatCos()


def write_helpers(facts: ScriptFacts) -> list[str]:
    """Write the schedule that fastai's own `fit_sgdr` cannot do, where a stage has it."""
    used = [each.schedule for each in facts.stages if isinstance(each.schedule, Sgdr)]
    return [RESTARTS.strip("\n")] if any(not _is_fastai_sgdr(each) for each in used) else []


def write(facts: ScriptFacts) -> list[str]:
    """Write the fits of all stages, each a block, and what follows the last one."""
    blocks = [_stage(facts, index) for index in range(len(facts.stages))]
    recipe = facts.recipe
    is_head = facts.stages[-1].train == "features"
    if recipe.keep_best is not None:
        blocks.append(BEST.strip("\n").format(learner="head" if is_head else "learn"))
    if recipe.tta is not None and facts.n_steps is None:
        blocks.append(_tta(facts))
    return blocks


def _stage(facts: ScriptFacts, index: int) -> str:
    stage = facts.stages[index]
    words = f"# Stage {index + 1} of {len(facts.recipe.stages)}: {trained_in_words(stage.train)}"
    lines = [words, *_found(facts, index), *_resized(facts, index), *_frozen(facts, index)]
    learner = "learn"
    if stage.train == "features":
        learner = "head"
        lines += _features(facts, index)
    lines += _momentum(stage, learner)
    lines.append(_fit(facts, index, learner))
    return "\n".join(lines)


def _found(facts: ScriptFacts, index: int) -> list[str]:
    found = facts.found_rates.get(index)
    if found is None or not isinstance(facts.stages[index].lr, Auto):
        return []
    said = f"The run's range test found the rate: its suggestion {found.name} was {found.lr!r}."
    return [text.comment(said)]


def _sizes(facts: ScriptFacts, index: int) -> tuple[int, int]:
    stage = facts.stages[index]
    return facts.recipe.size_of(stage), facts.recipe.batch_size_of(stage)


def _resized(facts: ScriptFacts, index: int) -> list[str]:
    if index == 0 or _sizes(facts, index) == _sizes(facts, index - 1):
        return []
    size, batch_size = _sizes(facts, index)
    return [f"learn.dls = make_loaders(items, size={size}, batch_size={batch_size})"]


def _frozen(facts: ScriptFacts, index: int) -> list[str]:
    """Freeze where the stage before trained another part: it forgets the averages of steps."""
    trained = facts.stages[index].train
    if index > 0 and trained == facts.stages[index - 1].train:
        return []
    if trained in ("head", "features"):
        return ["learn.freeze()"]
    if trained == "all" or int(trained) >= facts.n_groups:
        return ["learn.unfreeze()"]
    return [f"learn.freeze_to(-{int(trained)})"]


def _features(facts: ScriptFacts, index: int) -> list[str]:
    size, batch_size = _sizes(facts, index)
    read_before = index > 0 and _sizes(facts, index - 1)[0] == size
    read = [] if read_before else ["features = read_features(learn, items)"]
    return [*read, f"head = make_head_learner(learn, features, batch_size={batch_size})"]


def _momentum(stage: Stage, learner: str) -> list[str]:
    """Set a momentum that does not move; only one-cycle would move it."""
    if stage.momentum is None or isinstance(stage.schedule, OneCycle):
        return []
    set_it = f'{learner}.opt.set_hyper("mom", {stage.momentum!r})'
    return [f"{learner}.create_opt()", set_it] if learner == "head" else [set_it]


def _fit(facts: ScriptFacts, index: int, learner: str) -> str:
    stage = facts.stages[index]
    rate = _rate(facts.rate(index))
    callbacks = _callbacks(facts)
    name, arguments = _schedule(stage, rate)
    if isinstance(stage.schedule, Sgdr) and not _is_fastai_sgdr(stage.schedule):
        cycles = list(stage.schedule.cycle_epochs)
        callbacks = [f"restarts({learner}.opt, {rate}, {cycles!r})", *callbacks]
    decay = [] if stage.wd is None else [f"wd={stage.wd!r}"]
    given = [*arguments, *decay, f"cbs=[{', '.join(callbacks)}]"]
    return _created(stage, learner) + text.call(f"{learner}.{name}", given, indent=1)


def _schedule(stage: Stage, rate: str) -> tuple[str, list[str]]:
    """Give the name of fastai's fit, and its arguments but for weight decay and callbacks."""
    whole = [f"{stage.epochs}", rate]
    match stage.schedule:
        case OneCycle() as schedule:
            set_ = text.changed(schedule.model_dump(exclude={"kind"}), ONE_CYCLE.model_dump())
            return "fit_one_cycle", [*whole, *set_, *_moms(stage)]
        case FlatCos() as schedule:
            set_ = text.changed(schedule.model_dump(exclude={"kind"}), FLAT_COS.model_dump())
            return "fit_flat_cos", [*whole, *set_]
        case Sgdr() as schedule if _is_fastai_sgdr(schedule):
            mult = text.changed({"cycle_mult": schedule.cycle_mult}, {"cycle_mult": 2})
            return "fit_sgdr", [f"{schedule.n_cycles}", f"{schedule.cycle_len}", rate, *mult]
        case _:
            return "fit", whole


def _created(stage: Stage, learner: str) -> str:
    """Make the optimiser of a new learner where its schedule reads the rates of the groups."""
    schedule = stage.schedule
    is_own = isinstance(schedule, Sgdr) and not _is_fastai_sgdr(schedule)
    return "head.create_opt()\n" if is_own and learner == "head" and stage.momentum is None else ""


def _is_fastai_sgdr(schedule: Sgdr) -> bool:
    """Say whether fastai can do it: its cycles grow, and their shares add up to 1 exactly."""
    total = schedule.n_epochs
    shares = sum(epochs / total for epochs in schedule.cycle_epochs)
    return schedule.cycle_mult > 1 and shares == 1.0


def _rate(rate: float | Discriminative) -> str:
    if not isinstance(rate, Discriminative):
        return repr(rate)
    return f"slice({rate.high!r})" if rate.low is None else f"slice({rate.low!r}, {rate.high!r})"


def _moms(stage: Stage) -> list[str]:
    if stage.momentum is None:
        return []
    moved = stage.momentum if isinstance(stage.momentum, tuple) else (stage.momentum,) * 3
    return [f"moms={moved!r}"]


def _callbacks(facts: ScriptFacts) -> list[str]:
    found = ["report", *(["best"] if facts.recipe.keep_best is not None else [])]
    stopping = facts.recipe.early_stopping
    if stopping is not None:
        delta = text.changed({"min_delta": stopping.min_delta}, {"min_delta": 0.0})
        arguments = [repr(stopping.metric), f"patience={stopping.patience}", *delta]
        found.append(text.call("EarlyStoppingCallback", arguments))
    return found


def _tta(facts: ScriptFacts) -> str:
    wanted = facts.recipe.tta
    beta = wanted.beta if wanted is not None else None
    right = "found.argmax(dim=1) == targets"
    if facts.is_multi:
        right = f"((found > {facts.threshold!r}) == targets.bool()).all(dim=1)"
    elif facts.is_one_hot:
        right = "found.argmax(dim=1) == targets.argmax(dim=1)"
    return TTA.strip("\n").format(
        n=wanted.n if wanted is not None else 1,
        blend="use_max=True" if beta is None else f"beta={beta!r}",
        right=right,
    )
