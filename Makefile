# `make run`: the embedded data set to the finished report. `make test`: all checks.
# Both need Python 3.11 or newer and git, and set up everything else in .venv.

PYTHON ?= python3
CORES ?= all
BIN := .venv/bin
# The rules call `python`.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: run test lock envs clean

run: .venv/installed
	$(BIN)/snakemake --cores $(CORES) --configfile config/comparators.yaml
	@echo "The report: results/report/index.html"

test: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --max-worker-restart 0

# The exact packages, checked by their hashes, of requirements.lock; and the command `emohead`.
.venv/installed: requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

# After a change of pyproject.toml's dependencies; needs uv. `make envs` comes after it.
lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	    --generate-hashes --no-emit-index-url --no-header --output-file requirements.lock

# After a change of requirements.lock, or of what the scripts import: what --use-conda installs.
envs: .venv/installed
	$(BIN)/python envs/write.py

clean:
	rm -rf results state .snakemake
