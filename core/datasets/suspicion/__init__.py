"""How suspicious each label is, by all that is known: the audit, and what training saw.

out_of_fold.py   losses under models that had not seen the item: the last audit's, k folds' runs
training.py      losses that the newest run saw while it trained, over the epochs but the first
combining.py     both brought together, at the labels of now
telling.py       the findings made of it
"""

from core.datasets.suspicion.combining import COLUMNS, scores
from core.datasets.suspicion.telling import after_run, refresh

__all__ = ["COLUMNS", "after_run", "refresh", "scores"]
