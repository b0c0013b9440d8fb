# Everything runs in .venv, which is made from requirements.lock on first use. The tests of the live
# socket run once more in .venv-async, where ib_async stands in the place of ib_insync.

PYTHON ?= python3
TESTS ?= tests
BENCH ?=
LOCK_FLAGS ?=

BIN := .venv/bin
ASYNC_BIN := .venv-async/bin
ASYNC_TESTS := tests/adapters/ibkr tests/fakes tests/tools/test_fetch_ibkr.py
MAKEFLAGS += --no-print-directory
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test nightly lint bench bench-baselines dictionary lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile
	@echo "Variables: PYTHON=python3.12 (makes .venv), TESTS=tests/replay, LOCK_FLAGS=--upgrade"

setup: .venv/.installed ## make .venv with everything that the project needs

demo: .venv/.installed ## make a book from the bundled data and run the whole job on it
	@$(BIN)/brokertruth demo

test: .venv/.installed ## run the tests (TESTS=path for a part of them)
	@$(BIN)/pytest -n auto $(TESTS)
ifeq ($(TESTS),tests)
	@echo "Once more with ib_async:"
	@$(ASYNC_BIN)/pytest -n auto $(ASYNC_TESTS)

test: .venv-async/.installed
endif

nightly: .venv/.installed ## run the tests with many more examples, seeds and simulated days
	@BROKERTRUTH_TESTS=nightly $(BIN)/pytest -n auto $(TESTS)

lint: .venv/.installed ## check style, format and types
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { \
		echo "Not formatted; '$(BIN)/ruff format .' repairs it:"; \
		$(BIN)/ruff format --check .; exit 1; }
	@$(BIN)/mypy

bench: .venv/.installed ## measure the speed of replay (BENCH='--events 10000000' for the large log)
	@$(BIN)/python -m tests.benchmarks $(BENCH)

bench-baselines: .venv/.installed .venv-bench/.installed ## measure what else one could replay with
	@$(BIN)/python -m tests.benchmarks --only baselines $(BENCH)

dictionary: .venv/.installed ## write docs/data-dictionary.md anew from the declarations
	@$(BIN)/python -m tools.dictionary > docs/data-dictionary.md

UV_COMPILE_BARE := .venv-lock/bin/uv pip compile --quiet --no-config --universal \
	--python-version 3.11 --generate-hashes --custom-compile-command 'make lock'
UV_COMPILE := $(UV_COMPILE_BARE) --extra dev

lock: ## write the locks anew from pyproject.toml (LOCK_FLAGS=--upgrade for newer versions)
	@$(PYTHON) -m venv .venv-lock
	@.venv-lock/bin/pip install --quiet 'uv>=0.13,<1'
	@$(UV_COMPILE) --extra ibkr $(LOCK_FLAGS) --output-file requirements.lock pyproject.toml
	@# the same versions in both, where ib_async allows it
	@cp requirements.lock requirements-async.lock
	@$(UV_COMPILE) --extra ibkr-async $(LOCK_FLAGS) --output-file requirements-async.lock pyproject.toml
	@# what is only compared with, in an environment of its own
	@$(UV_COMPILE_BARE) $(LOCK_FLAGS) --output-file requirements-bench.lock requirements-bench.in
	@rm -rf .venv-lock
	@for lock in requirements.lock requirements-async.lock requirements-bench.lock; do \
		echo "$$lock: $$(grep -c '==' $$lock) packages"; done

clean: ## remove the environment, caches and build output (books stay)
	@rm -rf .venv .venv-async .venv-bench .venv-lock .pytest_cache .mypy_cache .ruff_cache .hypothesis \
		.benchmarks bench-output build dist
	@find domain projections adapters replay tools tests -name __pycache__ -type d \
		-prune -exec rm -rf {} + 2>/dev/null || true

# Hashes are checked for everything that is downloaded; the project itself builds with the locked
# hatchling, so nothing else is fetched.
define make_environment
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "brokertruth needs Python 3.11 or newer; '$(PYTHON)' is not. Try: make PYTHON=python3.12"; \
		exit 1; }
	@echo "Making $(@D) ..."
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/pip install --quiet --require-hashes -r $<
	@$(@D)/bin/pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@
endef

.venv/.installed: requirements.lock pyproject.toml
	$(make_environment)

.venv-async/.installed: requirements-async.lock pyproject.toml
	$(make_environment)

# Without this project: its licence is another, and nothing here may come to depend on it.
.venv-bench/.installed: requirements-bench.lock
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/pip install --quiet --require-hashes -r $<
	@touch $@
