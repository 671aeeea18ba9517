# BotGraph's commands. `make help` lists them.
#
# Everything lives in .venv, installed from the lock files with hashes. The stamp files under .venv remember
# what was installed, so that a second call goes straight to work.

PYTHON ?= python3
ARGS ?=
# How many processes run tests: `auto` is one a core, 0 is none beside pytest itself.
JOBS ?= auto

BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check
# Linux and macOS with any Python from 3.11 on install the same versions.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run install install-dev test test-long bench coverage check format lock clean

help:  ## list the commands
	@awk -F ':.*  ## ' '/^[a-z-]+:.*  ## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: install  ## install what is missing, then start bot and API: make run ARGS="--help"
	@$(BIN)/botgraph up $(ARGS)

install: .venv/.installed  ## set up .venv to run BotGraph
install-dev: .venv/.installed-dev .venv/.installed  ## set up .venv to work on BotGraph

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "BotGraph needs Python 3.11 or later; $(PYTHON) is older or missing. Set PYTHON=python3.x." >&2; exit 1; }
	@$(PYTHON) -m venv .venv || \
		{ rm -rf .venv; echo "$(PYTHON) can't make a virtual environment; on Debian, install python3-venv." >&2; exit 1; }

.venv/.runtime: requirements.lock | .venv/bin/python
	@echo "Installing what BotGraph needs (once) ..."
	@$(PIP) install --require-hashes -r requirements.lock
	@touch $@

# An editable install: it changes only with pyproject.toml, never with the code.
.venv/.installed: pyproject.toml .venv/.runtime
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.installed-dev: requirements-dev.lock | .venv/bin/python
	@echo "Installing what working on BotGraph needs (once) ..."
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@ .venv/.runtime

# What judges the API from outside runs on Node.js; without a network its tests are skipped, and say so.
tests/external/node_modules/.installed: tests/external/package-lock.json | .venv/.installed-dev
	@echo "Installing the API's judges (once) ..."
	@$(BIN)/python tests/external/node.py

.PHONY: judges
judges: install-dev tests/external/node_modules/.installed

test: judges  ## run the tests, but for the ones marked `long`: make test ARGS="tests/domain -k fill"
	@$(BIN)/python -m pytest -m "not long" --numprocesses $(JOBS) --dist worksteal $(ARGS)

test-long: judges  ## run the tests marked `long`
	@$(BIN)/python -m pytest -m long $(ARGS)

bench: install-dev  ## measure everything in benchmarks/: make bench ARGS="--quick"
	@$(BIN)/python -m benchmarks $(ARGS)

coverage: judges  ## run all tests and say which lines none of them takes
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

check: install-dev  ## everything that is not a test: lint, format, types, imports, dependencies, spelling, schema
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --check --quiet
	$(BIN)/mypy --no-error-summary
	$(BIN)/lint-imports --no-logo
	$(BIN)/deptry --no-ansi .
	$(BIN)/codespell
	$(BIN)/botgraph schema --check

format: install-dev  ## lay out the code and mend what ruff can
	@$(BIN)/ruff check --fix --quiet --exit-zero
	@$(BIN)/ruff format --quiet

lock: install-dev  ## bring both lock files up to date with pyproject.toml: make lock ARGS="--upgrade"
	@$(LOCK) $(ARGS) --group dev pyproject.toml --output-file requirements-dev.lock
	@$(LOCK) $(ARGS) --group build pyproject.toml --constraints requirements-dev.lock --output-file requirements.lock

clean:  ## remove .venv and all caches; leaves var/ alone
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage htmlcov build dist
