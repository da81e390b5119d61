# Everything a person does with a checkout. `make` alone says what there is.
# PYTHON: the interpreter to build .venv with (3.11 or newer). WORKERS: test processes. SLOW=1: slow tests too.

PYTHON ?= python3
WORKERS ?= 2
SLOW ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
MARKED := $(if $(filter 1,$(SLOW)),,-m "not slow")

.DEFAULT_GOAL := help
.PHONY: help run setup check test bench docs refresh clean
.DELETE_ON_ERROR:

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.stamp-run ## install and evaluate AlexNet on Eyeriss
	$(BIN)/chipwise evaluate alexnet --on eyeriss

setup: $(VENV)/.stamp-setup ## install with everything that the tests need

check: setup ## lint, format, types, import order
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check ## check, then all tests (SLOW=1: the slow ones too) and all doctests
	$(BIN)/pytest -n $(WORKERS) $(MARKED) --doctest-modules src tests

bench: setup ## time what is promised to be fast
	@set -e; for file in $(sort $(wildcard benchmarks/[a-z]*.py)); do echo "$$file"; $(BIN)/python "$$file"; done

docs: setup ## write the reference of every module, as HTML, into build/docs
	@mkdir -p build/docs
	cd build/docs && $(abspath $(BIN))/python -m pydoc -w $(abspath src)/ > /dev/null
	@echo "open build/docs/chipwise.html"

refresh: setup ## write into README.md and docs/ what the commands print now
	$(BIN)/python docs/refresh.py

clean: ## remove what the other targets made
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# The stamps lie in the environment, so that they go when it goes.
$(VENV)/.stamp-venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "chipwise needs Python 3.11 or newer, and $(PYTHON) is older or missing; name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
	  { echo "$(PYTHON) cannot make environments; install its venv package (Debian, Ubuntu: python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.stamp-run: $(VENV)/.stamp-venv pyproject.toml
	$(PIP) -e .
	@touch $@

$(VENV)/.stamp-setup: $(VENV)/.stamp-venv pyproject.toml
	$(PIP) -e '.[dev]'
	@touch $(VENV)/.stamp-run $@
