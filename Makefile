# Everything runs in .venv, which is made from requirements.lock on first use.

PYTHON ?= python3
TESTS ?= tests
LOCK_FLAGS ?=

BIN := .venv/bin
MAKEFLAGS += --no-print-directory
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test nightly lint bench dictionary lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile
	@echo "Variables: PYTHON=python3.12 (makes .venv), TESTS=tests/replay, LOCK_FLAGS=--upgrade"

setup: .venv/.installed ## make .venv with everything that the project needs

demo: .venv/.installed ## make a book from the bundled data and run the whole job on it
	@$(BIN)/brokertruth demo

test: .venv/.installed ## run the tests (TESTS=path for a part of them)
	@$(BIN)/pytest -n auto $(TESTS)

nightly: .venv/.installed ## run the tests with many more examples, seeds and simulated days
	@BROKERTRUTH_TESTS=nightly $(BIN)/pytest -n auto $(TESTS)

lint: .venv/.installed ## check style, format and types
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { \
		echo "Not formatted; '$(BIN)/ruff format .' repairs it:"; \
		$(BIN)/ruff format --check .; exit 1; }
	@$(BIN)/mypy

bench: .venv/.installed ## measure the speed of replay
	@$(BIN)/python -m tests.benchmarks

dictionary: .venv/.installed ## write docs/data-dictionary.md anew from the declarations
	@$(BIN)/python -m tools.dictionary > docs/data-dictionary.md

lock: ## write requirements.lock anew from pyproject.toml (LOCK_FLAGS=--upgrade for newer versions)
	@$(PYTHON) -m venv .venv-lock
	@.venv-lock/bin/pip install --quiet 'uv>=0.13,<1'
	@.venv-lock/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 \
		--generate-hashes --extra dev --custom-compile-command 'make lock' $(LOCK_FLAGS) \
		--output-file requirements.lock pyproject.toml
	@rm -rf .venv-lock
	@echo "requirements.lock: $$(grep -c '==' requirements.lock) packages"

clean: ## remove the environment, caches and build output (books stay)
	@rm -rf .venv .venv-lock .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks \
		bench-output build dist
	@find domain projections adapters replay tools tests -name __pycache__ -type d \
		-prune -exec rm -rf {} + 2>/dev/null || true

# Hashes are checked for everything that is downloaded; the project itself builds with the locked
# hatchling, so nothing else is fetched.
.venv/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "brokertruth needs Python 3.11 or newer; '$(PYTHON)' is not. Try: make PYTHON=python3.12"; \
		exit 1; }
	@echo "Making .venv ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@
