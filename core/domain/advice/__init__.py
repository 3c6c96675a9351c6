"""What speaks against a recipe, before anything runs: refusals and warnings, each a sentence."""

from core.domain.advice import data, machine, measures, network, stages
from core.domain.advice.beginning import Weights, misfits
from core.domain.advice.measures import suiting
from core.domain.advice.values import Advice, Facts, Level
from core.domain.recipes import Recipe

RULES = (*data.RULES, *measures.RULES, *stages.RULES, *network.RULES, *machine.RULES)


def advise(recipe: Recipe, facts: Facts) -> tuple[Advice, ...]:
    """Say what is wrong or unwise about a recipe on this data; refusals come first."""
    found = [advice for rule in RULES for advice in rule(recipe, facts)]
    return tuple(sorted(found, key=lambda advice: advice.level != "refused"))


__all__ = ["Advice", "Facts", "Level", "Weights", "advise", "misfits", "suiting"]
