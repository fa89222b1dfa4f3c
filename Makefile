# make demo | test | lint | soak | live | clean. Each creates the virtual environment it needs; a second call finds it ready.
# On another interpreter:  make test PYTHON=python3.13 VENV=.venv-3.13

suits = $(1) -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
ifndef PYTHON
PYTHON := $(shell for python in python3 python3.13 python3.12 python3.11 python3.14; do \
	if $(call suits,$$python); then echo $$python; break; fi; done)
endif
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test lint soak live clean

demo: $(VENV)/installed-ml
	$(BIN)/treewright run examples/bike-sharing --time 150s

test: $(VENV)/installed-dev
	$(BIN)/pytest -n auto $(PYTEST_ARGS)

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

soak: $(VENV)/installed-dev
	$(BIN)/pytest -m soak --timeout 3600 $(PYTEST_ARGS)

live: $(VENV)/installed-dev
	$(BIN)/pytest -m live --timeout 3600 $(PYTEST_ARGS)

clean:
	rm -rf .venv .venv-* build dist src/*.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/installed-ml: extras = ml
$(VENV)/installed-dev: extras = dev,llm,ml
$(VENV)/installed-%: pyproject.toml constraints.txt
	@$(call suits,$(PYTHON)) || { echo "Python 3.11 or newer, with its venv module, is needed; \
	if it has another name: make PYTHON=/path/to/python3" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[$(extras)]'
	@touch $@
