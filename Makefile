# On a machine with git, make and Python 3.11, 3.12 or 3.13, nothing else is needed. Another interpreter than python3:
# make test PYTHON=python3.12
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Fast tests in parallel; OMP_NUM_THREADS keeps the workers from fighting over the cores.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -c pyproject.toml --rootdir=.
export DO_NOT_TRACK := 1
export PYTHONDONTWRITEBYTECODE := 1

.DEFAULT_GOAL := help
.PHONY: help demo test lint format types unit schema docs clean python

help: ## List the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | while IFS="$$(printf '\t')" read -r target text; \
		do printf '  make %-8s %s\n' "$$target" "$$text"; done

demo: python ## Bake a project in a temporary folder, install it, run its default experiment
	@$(PYTHON) tools/demo.py

test: lint types unit ## Everything that needs no service and no browser (< 5 minutes)

lint: $(VENV)/installed ## Lint and formatting
	$(BIN)/ruff check --config pyproject.toml .
	$(BIN)/ruff format --config pyproject.toml --check .

format: $(VENV)/installed ## Format, and mend what can be mended
	$(BIN)/ruff check --config pyproject.toml --fix .
	$(BIN)/ruff format --config pyproject.toml .

types: $(VENV)/installed ## Types
	$(BIN)/mypy

unit: $(VENV)/installed ## Tests
	$(PYTEST) -n auto --dist worksteal -m "not slow and not browser and not services and not benchmark"

schema: $(VENV)/installed ## Generate the schema of experiment files anew, after a change to components
	$(BIN)/python tools/update_schema.py

docs: $(VENV)/installed ## Build the documentation
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean: ## Remove the environment and all caches
	rm -rf $(VENV) site .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

python:
	@command -v $(PYTHON) >/dev/null || { echo "make: '$(PYTHON)' was not found; install Python 3.11, 3.12 or 3.13," \
		"or name it: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { echo "make: '$(PYTHON)' is" \
		"$$($(PYTHON) --version); Python 3.11, 3.12 or 3.13 is needed: make PYTHON=python3.12 …" >&2; exit 1; }

$(VENV)/installed: requirements-dev.txt | python
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.txt
	@touch $@
