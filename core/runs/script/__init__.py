"""A run as a plain fastai script: readable Python that knows nothing of Winnow.

The text holds only what the run's recipe uses. Executed on the same machine with the same
libraries, it gives the run's loss in each step, bit for bit.
"""

from core.runs.script.facts import FoundRate, ScriptFacts
from core.runs.script.writing import readme, write

__all__ = ["FoundRate", "ScriptFacts", "readme", "write"]
