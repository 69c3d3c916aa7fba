# candlelab: `make help` explains every target.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WORKERS ?= auto
export HF_HUB_DISABLE_TELEMETRY = 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all lint audit bench clean wheel docs notebooks types lock smoke

help:  ## Show what each target does
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY)  ## Make the virtual environment in .venv and install everything

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "candlelab needs Python 3.11 or newer; set PYTHON=python3.12"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -e '.[all,dev,docs]'
	touch $(READY)

demo: $(READY)  ## One small net on three made-up markets, offline: charts, training, verdicts, and a page that teaches to read them
	$(BIN)/python -m candlelab experiment=demo

test: $(READY)  ## Run the test suite (no network, at most eight minutes on two cores)
	HF_HUB_OFFLINE=1 WANDB_MODE=offline OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not slow" tests

test-all: $(READY)  ## Run the slow tests too
	HF_HUB_OFFLINE=1 WANDB_MODE=offline OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile tests

lint: $(READY)  ## Check format and style with ruff and types with mypy
	$(BIN)/ruff format --check --quiet candlelab hydra_plugins tests
	$(BIN)/ruff check candlelab hydra_plugins tests
	$(BIN)/mypy

audit: $(READY)  ## Compare the installed packages with the list of known vulnerabilities, where the registry can be asked
	$(BIN)/python .ci/audit.py

bench: $(READY)  ## Measure drawing, feeding, ingest and search as ratios; tables under outputs/bench
	$(BIN)/python -m candlelab task=bench

wheel: $(READY)  ## Build wheel and sdist into dist
	rm -rf dist && $(BIN)/python -m build --installer uv

docs: $(READY)  ## Build the documentation into build/site, offline; a broken link or a warning fails
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

notebooks: $(READY)  ## Run the notebooks and keep them with what they show
	HF_HUB_OFFLINE=1 WANDB_MODE=offline PYTHONWARNINGS=ignore $(BIN)/jupyter-execute --inplace --NotebookClient.record_timing=False notebooks/*.ipynb

types: $(READY)  ## Say how much of the public interface is typed
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pyright --verifytypes candlelab --ignoreexternal | tail -12

lock: $(READY)  ## Write the versions of this environment, which the tests passed with, into requirements-dev.lock
	$(BIN)/uv pip freeze --quiet --exclude-editable --python $(BIN)/python > requirements-dev.lock

smoke: wheel  ## Install the wheel in an empty environment: size, version, a prediction without torch; then with training, a run
	rm -rf build/smoke && $(PYTHON) -m venv build/smoke
	$(BIN)/uv pip install --quiet --python build/smoke/bin/python dist/*.whl
	$(BIN)/python -m candlelab experiment=smoke outputs=build/smoke/outputs trainer.progress=none
	$(BIN)/python -m candlelab task=export task.run="$$(ls -d build/smoke/outputs/smoke/*/)" task.n_calls=3
	cd build/smoke && du -sm lib && test "$$(du -sm lib | cut -f1)" -lt 600
	cd build/smoke && bin/candlelab --version && bin/candlelab --help >/dev/null
	cd build/smoke && bin/candlelab task=predict task.engine=onnx task.run="$$(ls -d outputs/smoke/*/)"
	cd build/smoke && ! bin/candlelab experiment=smoke outputs=again
	$(BIN)/uv pip install --quiet --python build/smoke/bin/python "$$(ls dist/*.whl)[train]"
	cd build/smoke && bin/candlelab experiment=smoke outputs=again trainer.progress=none

clean:  ## Remove caches and built files; runs under outputs stay
	rm -rf build dist .pytest_cache .ruff_cache .hypothesis *.egg-info
	find candlelab tests -name __pycache__ -type d -prune -exec rm -rf {} +
