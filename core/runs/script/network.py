"""The part of a script that makes the learner: network, loss, optimiser, what acts on a batch."""

from core.domain import archs
from core.domain.recipes import (
    BinaryCrossEntropy,
    ClassWeighted,
    CrossEntropy,
    Focal,
    LabelSmoothing,
    Optimiser,
    Recipe,
)
from core.runs.script import measures, text
from core.runs.script.facts import ScriptFacts

MAKERS = {
    "adam": "Adam",
    "sgd": "SGD",
    "rmsprop": "RMSProp",
    "ranger": "ranger",
    "lamb": "Lamb",
}
OWN_DECAY = {"adam": 0.01, "sgd": 0.0, "rmsprop": 0.0, "ranger": 0.01, "lamb": 0.0}
"""The weight decay that fastai's optimisers begin with; a test compares."""

LEARNER = '''
def make_learner(dls):
    """Make the learner with everything that acts in each of its batches."""
    learn = {made}
    learn.remove_cb(ProgressCallback)
    learn.logger = noop
{callbacks}    return learn
'''

GROUPS = '''
def stem_blocks_head(model):
    """Split an xresnet into three groups of parameters; the last layer is the head."""
    layers = list(model.children())
    parts = (layers[:3], layers[3:-1], layers[-1:])
    return [[each for layer in part for each in layer.parameters()] for part in parts]
'''

RMSPROP = '''
def rmsprop(params, lr, **named):
    """Make fastai's RMSProp and set its eps, which fastai takes and forgets."""
    made = RMSProp(params, lr, **named)
    made.set_hyper("eps", {eps!r})
    return made
'''

BFLOAT16 = '''
class Bfloat16(Callback):
    """Run forward pass and loss under bfloat16 on a CPU, which fastai's MixedPrecision cannot."""

    order = MixedPrecision.order

    def before_batch(self):
        self.autocast = torch.autocast("cpu", dtype=torch.bfloat16)
        self.autocast.__enter__()

    def after_pred(self):
        self.learn.pred = self.learn.pred.float()

    def after_loss(self):
        self.autocast.__exit__(None, None, None)
'''

CHANNELS_LAST = '''
class ImagesToo(ChannelsLast):
    """Keep weights, and the images of each batch, with the channels innermost."""

    def before_batch(self):
        self.learn.xb = tuple(
            each.contiguous(memory_format=torch.channels_last) for each in self.learn.xb
        )
'''


def write(facts: ScriptFacts) -> list[str]:
    """Write the functions and classes around the learner, each a block."""
    recipe = facts.recipe
    helpers = [
        GROUPS if facts.is_xresnet else "",
        RMSPROP.format(eps=recipe.optimiser.eps) if _sets_eps(recipe.optimiser) else "",
        BFLOAT16 if recipe.precision == "bf16" and not facts.is_on_cuda else "",
        CHANNELS_LAST if recipe.memory_format == "channels_last" else "",
    ]
    return [
        *measures.write(facts),
        *(block.strip("\n") for block in helpers if block),
        LEARNER.strip("\n").format(made=_made(facts), callbacks=_added(facts)),
    ]


def step_callbacks(recipe: Recipe) -> list[str]:
    """Write the callbacks that decide what becomes a step."""
    found = []
    if recipe.grad_clip is not None:
        found.append(f"GradientClip(max_norm={recipe.grad_clip!r})")
    if recipe.accumulate is not None:
        found.append(f"GradientAccumulation(n_acc={recipe.accumulate!r})")
    return found


def around(facts: ScriptFacts) -> list[str]:
    """Write the arguments of a learner besides its network, but for metrics and loss."""
    recipe = facts.recipe
    decays = any(stage.wd is not None for stage in facts.stages)
    own = OWN_DECAY[recipe.optimiser.kind] if recipe.optimiser.wd is None else recipe.optimiser.wd
    return [
        *_optimiser(recipe.optimiser),
        *([f"wd={own!r}"] if decays or recipe.optimiser.wd is not None else []),
        *([] if recipe.train_bn else ["train_bn=False"]),
    ]


def _made(facts: ScriptFacts) -> str:
    arguments = [
        "dls",
        *_network(facts),
        f"loss_func={_loss(facts)}",
        *around(facts),
        f"metrics={measures.expressions(facts)}",
    ]
    made = text.call("Learner" if facts.is_xresnet else "vision_learner", arguments, indent=3)
    return text.indented(made).lstrip()


def _network(facts: ScriptFacts) -> list[str]:
    recipe = facts.recipe
    if facts.is_xresnet:
        dropout = {} if recipe.head_dropout is None else {"p": recipe.head_dropout}
        made = text.call(recipe.arch, ["n_out=len(CLASSES)", *text.named(dropout)])
        return [made, "splitter=stem_blocks_head"]
    is_timm = recipe.arch.startswith(archs.TIMM)
    name = recipe.arch.removeprefix(archs.TIMM)
    is_pretrained = recipe.pretrained and facts.begins_from is None
    dropout = {} if recipe.head_dropout is None else {"ps": recipe.head_dropout}
    return [
        repr(name) if is_timm else f"torchvision.models.{name}",
        "n_out=len(CLASSES)",
        f"pretrained={is_pretrained}",
        "normalize=False",  # the loaders do
        *text.named(dropout),
        *([] if recipe.concat_pool else ["concat_pool=False"]),
    ]


def _loss(facts: ScriptFacts) -> str:
    match facts.recipe.loss:
        case CrossEntropy():
            return "CrossEntropyLossFlat()"
        case LabelSmoothing(epsilon=epsilon):
            return f"LabelSmoothingCrossEntropyFlat(eps={epsilon!r})"
        case Focal(gamma=gamma):
            return f"FocalLossFlat(gamma={gamma!r})"
        case ClassWeighted():
            return (
                f"CrossEntropyLossFlat(weight=torch.tensor({list(facts.class_weights or ())!r}))"
            )
        case BinaryCrossEntropy(threshold=threshold):
            return f"BCEWithLogitsLossFlat(thresh={threshold!r})"


def _optimiser(optimiser: Optimiser) -> list[str]:
    given = optimiser.model_dump(include={"mom", "sqr_mom", "eps", "wd"}, exclude_none=True)
    if not optimiser.decouple_wd:
        given["decouple_wd"] = False
    make = MAKERS[optimiser.kind]
    if _sets_eps(optimiser):
        make, given = "rmsprop", {name: given[name] for name in given if name != "eps"}
    if given:
        return [f"opt_func={text.call('partial', [make, *text.named(given)])}"]
    return [] if make == "Adam" else [f"opt_func={make}"]


def _sets_eps(optimiser: Optimiser) -> bool:
    return optimiser.kind == "rmsprop" and optimiser.eps is not None


def _added(facts: ScriptFacts) -> str:
    recipe = facts.recipe
    found = []
    if recipe.mix is not None:
        found.append(
            f"{'MixUp' if recipe.mix.kind == 'mixup' else 'CutMix'}({recipe.mix.alpha!r})"
        )
    if recipe.memory_format == "channels_last":
        found.append("ImagesToo()")
    if recipe.precision != "fp32":
        mixed = f"MixedPrecision(amp_mode={recipe.precision!r})"
        found.append(mixed if facts.is_on_cuda else "Bfloat16()")
    found += step_callbacks(recipe)
    return f"    learn.add_cbs({text.sequence(found, indent=2)})\n" if found else ""
