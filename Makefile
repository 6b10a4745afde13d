# Each target by itself makes .venv and installs what it lacks: Python 3.11, pip and make suffice.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PROJECTS := pyproject.toml example_project/pyproject.toml

.PHONY: help example test test-half-1 test-half-2 check lint types zoo mutants torture
.PHONY: bench bench-quick bench-startup bench-dask
.DELETE_ON_ERROR:

help:
	@echo 'make example   run the example project: outputs in ./working and ./out'
	@echo 'make test      all tests, in all modes'
	@echo 'make check     lint, types and the tests that need no server'
	@echo 'make zoo       find and explain each defect of the zoo'
	@echo 'make mutants   plant bugs in prefectx, one at a time: each must be found'
	@echo 'make torture   kill processes that save outputs: is any target lost or torn?'
	@echo 'make bench     how fast it is, beside others: writes benchmarks/RESULTS.md'
	@echo 'make bench-quick   the same in a minute: fails if a figure misses its aim by far'
	@echo 'make bench-startup   how long a test waits for its Prefect server'
	@echo 'make bench-dask      memory and speed on a cluster, beside plain prefect-dask: half an hour'

example: $(VENV)/.example
	$(BIN)/python -m example_project

# In two halves at a time, each with a server of its own: it takes little more than half as long.
test: $(VENV)/.dev
	$(MAKE) --no-print-directory --keep-going --jobs=2 --output-sync=target test-half-1 test-half-2

test-half-1: $(VENV)/.dev
	$(BIN)/python -m pytest tests/unit tests/stores tests/plugin tests/typing tests/zoo --durations=10
	$(BIN)/python -m pytest example_project --prefectx-mode=all

test-half-2: $(VENV)/.dev
	$(BIN)/python -m pytest tests/modes tests/harness tests/stateful tests/mutants tests/dask --durations=10

check: lint types
	$(BIN)/python -m pytest tests/unit tests/modes tests/harness tests/zoo \
	  --prefectx-mode=function,cache -m 'not prefectx_server'

zoo: $(VENV)/.dev
	$(BIN)/python -m pytest tests/zoo --prefectx-mode=all -q

mutants: $(VENV)/.dev
	$(BIN)/python tests/mutants

torture: $(VENV)/.dev
	$(BIN)/python benchmarks/torture

bench: $(VENV)/.bench
	$(BIN)/python -m pytest benchmarks/speed --write benchmarks/RESULTS.md -q

bench-quick: $(VENV)/.dev
	$(BIN)/python -m pytest benchmarks/speed -q --no-peers --rounds 5 --flow-rounds 1 --flow-tasks 500

bench-startup: $(VENV)/.dev
	$(BIN)/python benchmarks/startup.py --write benchmarks/STARTUP.md

bench-dask: $(VENV)/.dev
	$(BIN)/python benchmarks/dask --write benchmarks/DASK.md

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

# Stamps: what was installed is newer than the files that name it.
$(VENV)/.example: $(PROJECTS) | $(BIN)/pip
	$(PIP) -e '.[prefect]' -e ./example_project
	@touch $@

$(VENV)/.dev: $(PROJECTS) | $(BIN)/pip
	$(PIP) -e '.[dev]' -e './example_project[test]'
	@touch $@ $(VENV)/.example

$(VENV)/.bench: $(PROJECTS) | $(BIN)/pip
	$(PIP) -e '.[bench]' -e './example_project[test]'
	@touch $@ $(VENV)/.dev $(VENV)/.example

$(BIN)/pip:
	$(PYTHON) -m venv $(VENV)
