# Each target by itself makes .venv and installs what it lacks, as uv.lock says: Python from 3.11 on
# with its venv, and make, suffice.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The machine's uv, else one from the registry.
UV := $(or $(shell command -v uv),$(BIN)/uv)
SYNC := UV_PROJECT_ENVIRONMENT=$(VENV) $(UV) sync --frozen --inexact --no-python-downloads --quiet
LOCKED := uv.lock pyproject.toml example_project/pyproject.toml
# Tests start hundreds of processes, and CI systems often let none write byte code.
COMPILE := $(BIN)/python -m compileall -q prefectx pytest_prefectx tests example_project
# By day hypothesis tries the same examples each time; by night, and by hand, others.
STEADY := $(BIN)/python -m pytest --durations=10 --hypothesis-profile=ci
PLAIN := $(BIN)/python -m pytest --prefectx-mode=function,cache -m 'not prefectx_server'
EXPORT := $(UV) export --frozen --offline --quiet --no-emit-workspace --no-header

.PHONY: help example test test-modes test-parts test-whole check check-unit check-modes lint types lock upgrade zoo mutants torture
.PHONY: nightly nightly-tests nightly-oldest-prefect nightly-python-3.13
.PHONY: docs stranger
.PHONY: bench bench-quick bench-startup bench-check-flow bench-dask
.DELETE_ON_ERROR:

help:
	@echo 'make example   run the example project: outputs in ./working and ./out'
	@echo 'make test      all tests, in all modes'
	@echo 'make check     lint, types and the tests that need no server'
	@echo 'make docs      the documentation, built strictly, in site/'
	@echo 'make stranger  wheel and sdist, README and tutorial, as one who has just installed it'
	@echo 'make nightly   what takes too long for each change, also on Python 3.13 and the oldest Prefect'
	@echo 'make lock      after a change of dependencies: lock what was added; make upgrade: all anew'
	@echo 'make zoo       find and explain each defect of the zoo'
	@echo 'make mutants   plant bugs in prefectx, one at a time: each must be found'
	@echo 'make torture   kill, race and interrupt processes that make outputs: what suffers?'
	@echo 'make bench     how fast it is, beside others: writes benchmarks/RESULTS.md'
	@echo 'make bench-quick   the same in a minute: fails if a figure misses its aim by far'
	@echo 'make bench-startup   how long a test waits for its Prefect server'
	@echo 'make bench-check-flow   how long check_flow takes for each flow of the zoo'
	@echo 'make bench-dask      memory and speed on a cluster, beside plain prefect-dask: half an hour'

example: $(VENV)/.example
	$(BIN)/python -m example_project

# In three parts at a time, each with a server of its own: while one waits, the others run.
test: $(VENV)/.dev
	$(COMPILE)
	tools/postgresql.sh run \
	  $(MAKE) --no-print-directory --keep-going --jobs=3 --output-sync=target test-modes test-parts \
	  test-whole

test-modes: $(VENV)/.dev
	$(STEADY) tests/modes tests/zoo

test-parts: $(VENV)/.dev
	$(STEADY) tests/unit tests/stores tests/cli tests/typing tests/mutants tests/stateful

test-whole: $(VENV)/.dev
	$(STEADY) tests/plugin tests/dask tests/harness
	$(STEADY) example_project --prefectx-mode=all

check: $(VENV)/.dev
	$(COMPILE)
	$(MAKE) --no-print-directory --keep-going --jobs=2 --output-sync=target check-unit check-modes \
	  lint types

check-unit: $(VENV)/.dev
	$(PLAIN) tests/unit

check-modes: $(VENV)/.dev
	$(PLAIN) tests/modes tests/harness tests/zoo

docs: $(VENV)/.dev
	$(BIN)/zensical build --clean --strict

stranger: $(VENV)/.dev
	UV=$(UV) tools/stranger.sh

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

bench-check-flow: $(VENV)/.dev
	$(BIN)/python benchmarks/check_flow.py

bench-dask: $(VENV)/.dev
	$(BIN)/python benchmarks/dask --write benchmarks/DASK.md

# One after the other: each takes the whole machine.
nightly: nightly-tests mutants torture stranger
	$(MAKE) bench-quick || $(MAKE) bench-quick
	$(MAKE) nightly-oldest-prefect
	$(MAKE) nightly-python-3.13

nightly-tests: $(VENV)/.dev
	$(BIN)/python -m pytest tests --nightly --durations=10
	$(BIN)/python -m pytest tests/stateful tests/harness tests/modes/test_generated_flows.py tests/unit

# All else is as in uv.lock.
nightly-oldest-prefect:
	$(MAKE) VENV=.venv-oldest .venv-oldest/.dev
	$(UV) pip install --quiet --python .venv-oldest/bin/python 'prefect==3.8.*'
	$(MAKE) VENV=.venv-oldest test

nightly-python-3.13:
	tools/debian.sh 13 $(or $(DEBIAN13),/tmp/prefectx-debian13) make test

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(UV) lock --check --offline --quiet
	$(BIN)/zensical build --strict

types: $(VENV)/.dev
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

lock upgrade: | $(BIN)/python $(UV)
	$(UV) lock $(if $(filter upgrade,$@),--upgrade) --default-index https://pypi.org/simple
	$(EXPORT) --package example-project >requirements/example.txt
	$(EXPORT) --all-packages --extra dev --extra test >requirements/dev.txt

# Stamps: what was installed is newer than the files that name it.
$(VENV)/.example: $(LOCKED) | $(BIN)/python $(UV)
	$(SYNC) --package example-project
	@touch $@

$(VENV)/.dev: $(LOCKED) | $(BIN)/python $(UV)
	$(SYNC) --all-packages --extra dev --extra test --compile-bytecode
	@touch $@ $(VENV)/.example

$(VENV)/.bench: $(LOCKED) | $(BIN)/python $(UV)
	$(SYNC) --all-packages --extra bench --extra test
	@touch $@ $(VENV)/.dev $(VENV)/.example

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(BIN)/uv: | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
