# Everything a newcomer needs, from python3, a C++ compiler and make: pip brings cmake and ninja where they lack.
# Each environment is a stamp file, so a second call does only what changed sources demand.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# What the installed package is made of.
SOURCES := CMakeLists.txt pyproject.toml README.md LICENSE \
	$(shell find core/CMakeLists.txt core/include core/src bindings python runtimes -type f -not -name '*.pyc' 2>/dev/null)
CPP := $(shell find core bindings -name '*.cpp' -o -name '*.hpp')

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

help:  ## Show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 12

demo: $(VENV)/.demo  ## Run the reviews agent on its local web shops
	$(BIN)/petricore demo --yes

test: $(VENV)/.dev  ## Run the Python tests on the installed package
	$(BIN)/python -m pytest

acceptance: $(VENV)/.dev  ## Draw 2,000 random nets for each property of the analysis
	HYPOTHESIS_PROFILE=acceptance $(BIN)/python -m pytest tests/property --durations=0 --hypothesis-show-statistics

bench: $(VENV)/.dev  ## Measure against the peers and limits
	$(BIN)/python -m benchmarks

lint: $(VENV)/.dev  ## Check format, style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/clang-format --dry-run -Werror $(CPP)
	$(BIN)/mypy --strict -p petricore
	$(BIN)/python -m mypy.stubtest petricore._core --allowlist bindings/stubtest.allow

format: $(VENV)/.dev  ## Bring all sources into shape
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(CPP)

clean:  ## Remove the environment and everything built
	rm -rf $(VENV) .venv-peers build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "petricore needs Python 3.11 or later")'
	$(PYTHON) -m venv $(VENV)

# The dev environment holds the demo's too, so `make demo` after `make test` installs nothing twice.
$(VENV)/.demo: $(SOURCES) | $(BIN)/python
	$(PIP) install '.[$(if $(wildcard $(VENV)/.dev),dev,demo)]'
	touch $@ $(wildcard $(VENV)/.dev)

$(VENV)/.dev: $(SOURCES) | $(BIN)/python
	$(PIP) install '.[dev]'
	touch $@ $(VENV)/.demo

.PHONY: help demo test acceptance bench lint format clean
