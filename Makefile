# One-word commands. Each sets up what it needs in .venv; all it takes is Python 3.10 to 3.13.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

SPARKS := $(shell $(PYTHON) -c 'import sys; print("3.5 4.1" if sys.version_info < (3, 12) else "4.1")')  # PySpark 3 needs distutils

.PHONY: demo test spark slow lint format type bench torch wheel clean

demo: $(VENV)/.core  ## annotate the example notes with the bundled models
	$(BIN)/clinspan demo

test: $(VENV)/.dev  ## run the tests; those of training need `make torch` first and are skipped without it
	$(BIN)/python -m pytest

spark: $(SPARKS:%=$(VENV)-spark-%/.ready)  ## run the tests of Spark on classic PySpark; needs Java 17 (make test runs them on Sail)
	@command -v java >/dev/null || (echo "Classic PySpark needs Java 17; none is on the path." && exit 1)
	for version in $(SPARKS); do $(VENV)-spark-$$version/bin/python -m pytest tests/spark || exit 1; done

slow: $(VENV)/.dev  ## run the long forms of the measurements
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/.dev  ## check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.dev  ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

type: $(VENV)/.train  ## check types, which takes PyTorch
	$(BIN)/mypy

bench: $(VENV)/.train  ## measure speed and memory against named peers
	$(BIN)/python -m benchmarks.throughput
	$(BIN)/python -m benchmarks.heads
	$(BIN)/python -m benchmarks.sentences
	$(BIN)/python -m benchmarks.startup --wheel

torch: $(VENV)/.train  ## install what training needs

wheel: $(VENV)/.dev  ## build the wheel, print its size, and run the demo from it in an environment of its own
	rm -rf dist $(VENV)-wheel
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	ls -l dist
	$(PYTHON) -m venv $(VENV)-wheel
	$(VENV)-wheel/bin/python -m pip install --quiet --disable-pip-version-check dist/*.whl
	cd dist && $(abspath $(VENV)-wheel)/bin/clinspan demo

clean:  ## remove the environment and all that was built
	rm -rf $(VENV) $(VENV)-spark-* $(VENV)-wheel build dist .mypy_cache .pytest_cache .ruff_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' \
	  || (echo "clinspan needs Python 3.10 to 3.13; name one with: make PYTHON=python3.12 ..." && exit 1)
	$(PYTHON) -m venv $(VENV)

$(VENV)-spark-%/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)-spark-$*
	$(VENV)-spark-$*/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[frames]' 'pyspark==$*.*' \
	  hypothesis psutil pytest
	touch $@

$(VENV)/.core: $(BIN)/python pyproject.toml
	$(PIP) --editable .
	touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml
	$(PIP) --editable '.[dev]'
	touch $@ $(VENV)/.core

$(VENV)/.train: $(VENV)/.dev
	$(PIP) torch==2.13.0
	$(PIP) --editable '.[dev,train]'
	touch $@
