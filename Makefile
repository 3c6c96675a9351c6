# Each of these is the whole setup: on a fresh machine with Python 3.11+ it works as the first command.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test check faults fix clean

run: $(VENV)/run.stamp
	$(BIN)/streamlit run app.py

test: $(VENV)/dev.stamp
	$(BIN)/pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder

# Kills runs, and what moves files, far more often than the ordinary tests do: minutes.
faults: $(VENV)/dev.stamp
	WINNOW_FAULTS=20 $(BIN)/pytest --numprocesses=auto --dist=loadfile tests/datasets/applying \
		tests/engine/test_continuing.py tests/engine/test_exactness.py tests/engine/test_host.py

check: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(VENV)/dev.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --requirement requirements.txt
	touch $@

$(VENV)/dev.stamp: requirements.txt requirements-dev.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --requirement requirements-dev.txt
	touch $@ $(VENV)/run.stamp

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
