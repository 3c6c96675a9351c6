"""The part of a script that measures: fastai's metrics under the names of a recipe."""

from core.domain import metrics
from core.runs.script import text
from core.runs.script.facts import ScriptFacts

PLAIN = ("accuracy", "error_rate", "top_5_accuracy")
SCORES = {
    "precision_macro": 'Precision(average="macro")',
    "recall_macro": 'Recall(average="macro")',
    "f1_macro": 'F1Score(average="macro")',
    "balanced_accuracy": "BalancedAccuracy()",
    "cohen_kappa": "CohenKappa()",
}
SEVERAL = {
    "f1_samples": "F1ScoreMulti(thresh={}, average='samples')",
    "f2_samples": "FBetaMulti(beta=2, thresh={}, average='samples')",
    "f1_macro_multi": "F1ScoreMulti(thresh={}, average='macro')",
}

TOP_5 = """
def top_5_accuracy(inp, targ):
    return top_k_accuracy(inp, targ, k=5)
"""

AGAINST_NUMBERS = '''
def against_numbers(measure):
    """Have a metric compare with class numbers, where targets are a 0 or 1 for each class."""

    def measured(inp, targ):
        return measure(inp, targ.argmax(dim=-1))

    measured.__name__ = getattr(measure, "func", measure).__name__
    return measured
'''

BY_CLASS = '''
def by_class(metric):
    """Have a score of class numbers do the same."""
    accumulate = metric.accum_values
    metric.accum_values = lambda preds, targs, learn=None: accumulate(
        preds, targs.argmax(dim=-1), learn
    )
    return metric
'''

NAMED = """
def named(name, metric):
    metric.name = name
    return metric
"""


def write(facts: ScriptFacts) -> list[str]:
    """Write the functions that the metrics need, each a block; most need none."""
    used = expressions(facts)
    blocks = {
        "top_5_accuracy": TOP_5,
        "against_numbers(": AGAINST_NUMBERS,
        "by_class(": BY_CLASS,
        "named(": NAMED,
    }
    return [block.strip("\n") for name, block in blocks.items() if name in used]


def expressions(facts: ScriptFacts) -> str:
    """Write the list of metrics, in the order of the run."""
    names = metrics.measured(
        facts.recipe, n_classes=len(facts.classes), is_multi_label=facts.is_multi
    )
    return text.sequence([_expression(name, facts) for name in names], indent=2)


def _expression(name: str, facts: ScriptFacts) -> str:
    if name == "accuracy_multi":
        return f"partial(accuracy_multi, thresh={facts.threshold!r})"
    if name in SEVERAL:
        return f"named({name!r}, {SEVERAL[name].format(repr(facts.threshold))})"
    if name == "log_loss":
        return 'AccumMetric(F.cross_entropy, flatten=False, name="log_loss")'
    if name in SCORES:
        score = f"by_class({SCORES[name]})" if facts.is_one_hot else SCORES[name]
        return f"named({name!r}, {score})"
    plain = name if name in PLAIN else f"partial(top_k_accuracy, k={facts.recipe.top_k})"
    return f"against_numbers({plain})" if facts.is_one_hot else plain
