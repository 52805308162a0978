# `make demo` and `make test` are all a new user needs: each makes its own environment in .venv when there is none.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help demo test test-lowest lint types format bench faults recipes example clean
.DEFAULT_GOAL := demo

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

demo: $(READY)  ## draw faces, train on them, evaluate, find failures, write the report
	$(BIN)/vaekit train --recipe demo --run demo --overwrite
	$(BIN)/vaekit evaluate demo
	$(BIN)/vaekit failures demo --top 32
	$(BIN)/vaekit report demo

test: $(READY)  ## every test but the benchmarks
	$(BIN)/python -m pytest -n auto --maxprocesses 4

test-lowest:  ## the tests again, with the lowest version of every dependency that pyproject.toml allows
	$(PYTHON) -m venv $(VENV)-lowest
	$(VENV)-lowest/bin/python -m pip install --quiet -r tests/lowest.txt
	$(VENV)-lowest/bin/python -m pip install --quiet --constraint tests/lowest.txt --editable '.[dev]'
	$(VENV)-lowest/bin/python -m pytest -n auto --maxprocesses 4 -o filterwarnings=default  # old versions warn of one another

lint: $(READY) types  ## ruff's rules and style, and the types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)  ## mypy --strict over vaekit
	$(BIN)/mypy

format: $(READY)  ## mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)  ## speed, as ratios against the bare forward pass and against peers in the same run
	$(BIN)/python -m tests.benchmarks.bench
	$(BIN)/python -m tests.benchmarks.findings --seeds 200

faults: $(READY)  ## kill -9 at random moments of every command, and formulas with a slip against their tests: an hour
	$(BIN)/python -m tests.benchmarks.kills
	$(BIN)/python -m tests.benchmarks.mutants

recipes: $(READY)  ## train every recipe on $$VAEKIT_CELEBA for the same number of images: README's table, and picture sheets
	$(BIN)/python -m tests.benchmarks.recipes

example: demo  ## reports/example: the report of the demo, and the pictures in README
	$(BIN)/vaekit train --recipe demo --run demo-beta20 --overwrite --set objective.beta=20
	$(BIN)/vaekit compare demo demo-beta20
	$(BIN)/python -m tests.benchmarks.example

clean:  ## remove the environment and the prepared images; runs and reports stay
	rm -rf $(VENV) $(VENV)-lowest data/.prepared
