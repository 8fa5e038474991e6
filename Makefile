# Two commands from a bare machine: `make demo` sets everything up and runs the program once; `make test` sets up
# what development needs, too, and checks everything. What is done is not done again.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
DONE := $(VENV)/done
OUT ?=
JOBS ?= 2
# The versions of every package, for installs that can be repeated: make setup CONSTRAINTS=.ci/constraints.txt
CONSTRAINTS ?=
PIN := $(if $(CONSTRAINTS),--constraint $(CONSTRAINTS))

.PHONY: help setup demo test lint coverage bench results clean system

help: ## this list
	@echo "Epipole: markerless motion capture from ordinary cameras"
	@echo
	@awk -F ':|## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$NF }' Makefile

setup: system $(DONE)/base $(DONE)/model $(DONE)/kernels ## install everything that the program needs (about 1.4 GB)
	@echo "Ready. Try: $(BIN)/epipole --help"

demo: setup ## set up, then watch the whole program work on the built-in studio
	@$(BIN)/epipole demo $(if $(OUT),--out $(OUT))

test: export EPIPOLE_TESTS := 1
test: system $(DONE)/test $(DONE)/model $(DONE)/kernels ## set up for development, then run every check and test
	@$(MAKE) --no-print-directory lint
	@OMP_NUM_THREADS=1 $(BIN)/pytest -n $(JOBS) --dist loadfile

lint: $(DONE)/test ## format, style, types, words and architecture, without the tests
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright
	@$(BIN)/lint-imports
	@$(BIN)/codespell
	@$(BIN)/python .ci/check-words
	@$(BIN)/python .ci/commands_table.py --check
	@$(BIN)/python tests/benchmarks/results_page.py --check

coverage: export EPIPOLE_TESTS := 1
coverage: system $(DONE)/test $(DONE)/model $(DONE)/kernels ## report which lines the tests reach; never a gate
	@OMP_NUM_THREADS=1 $(BIN)/pytest -n $(JOBS) --dist loadfile --cov --cov-report term --cov-report html:out/coverage

results: $(DONE)/base ## write tests/benchmarks/RESULTS.md from the tables beside it, and the table of commands
	@$(BIN)/python tests/benchmarks/results_page.py
	@$(BIN)/python .ci/commands_table.py

bench: setup ## measure this machine
	@for subject in start studio inference precision window; do $(BIN)/epipole bench $$subject; done

clean: ## remove what was installed and built here; your sessions and models stay
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find app engine calibration training tests assets -name __pycache__ -type d -prune -exec rm -rf {} +

system:
	@PYTHON="$(PYTHON)" .ci/system-libraries

$(DONE)/venv:
	@echo "== Python environment in $(VENV)"
	@"$(PYTHON)" -m venv $(VENV)
	@mkdir -p $(DONE)
	@touch $@

$(DONE)/base: pyproject.toml | $(DONE)/venv
	@echo "== Packages (about 1.3 GB on disk, some minutes)"
	@$(BIN)/python -m pip install $(PIN) --editable .
	@touch $@

$(DONE)/test: pyproject.toml | $(DONE)/base
	@echo "== Packages for development and training (torch is the large one)"
	@$(BIN)/python -m pip install $(PIN) --editable '.[train,dev]'
	@touch $@ $(DONE)/base

$(DONE)/kernels: $(wildcard calibration/geometry/fast_*.py engine/studio/raster.py) pyproject.toml | $(DONE)/base
	@$(BIN)/python -m app.cli.prepare
	@touch $@

$(DONE)/model: $(wildcard assets/models/*.toml) | $(DONE)/base
	@echo "== Pose model"
	@$(BIN)/epipole models pull blazepose
	@touch $@
