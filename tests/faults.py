"""How much is killed: a little in each run of the tests, all of it in `make faults`."""

import os

import pytest

N_MORE = int(os.environ.get("WINNOW_FAULTS", "0"))
"""So many more files of each kind are moved where processes are killed."""

only_there = pytest.mark.skipif(N_MORE == 0, reason="one case of its kind is enough: make faults")
