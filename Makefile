# make demo        set up .venv (core dependencies) and run the shipped Syrian case
# make test        set up .venv (with the extras dev and teach), run the tests and the notebooks
# make test-long   the tests with more seeds, kills and steps (by hand; an hour or so)
# make lab         open the notebooks in JupyterLab
# make check       formatting, lint, types, import contracts
# make bench-smoke check the benchmarks' answers and print their ratios, on small worlds
# make bench       the same on 1 M persons, several minutes
# make bench-guard REF=main  fail if this checkout is slower than REF by more than 1.3 x
# make results-guard REF=main  fail if this checkout gives other results than REF
# make bench-peers set up .venv-peers (once) and time the kernel beside others' models
# make docs        write what follows from declarations: lists of mechanisms, docs/keys.md, docs/tables.md
# make clean       remove what the other targets made, .venv included

PYTHON ?= python3
WORKERS ?= 2

# A stamp is named after the content of pyproject.toml, so that set-up is repeated when that changes
# and not when a checkout merely touches it. It is written last: an interrupted set-up leaves none.
KEY := $(shell { pwd; cat pyproject.toml; } | cksum | tr -dc '0-9')
BIN := .venv/bin
CORE := .venv/.core-$(KEY)
DEV := .venv/.dev-$(KEY)

.PHONY: demo test test-long lab check docs bench-smoke bench bench-guard results-guard bench-peers clean
.NOTPARALLEL:

demo: $(CORE)
	@$(BIN)/sim demo

test: $(DEV)
	$(BIN)/python -m pytest -n $(WORKERS)
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -n $(WORKERS) -m interpreted
	$(BIN)/python -m pytest -n $(WORKERS) --nbmake --nbmake-timeout=60 notebooks

# Proofs that take long: more seeds, more kills, longer runs of the same tests.
test-long: $(DEV)
	SIM_LONG_TESTS=1 $(BIN)/python -m pytest -n $(WORKERS)

lab: $(DEV)
	$(BIN)/jupyter lab notebooks

check: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(CORE)
	$(BIN)/python -m sim.engine.declarations
	$(BIN)/python -m sim.scenario.explain --write docs
	$(BIN)/python -m sim.results.document --write docs

bench-smoke: $(DEV)
	$(BIN)/python -m benchmarks --quick
	$(BIN)/python -m benchmarks.sweeps --runs 100

bench: $(DEV)
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.sweeps

REF ?= main
bench-guard: $(DEV)
	$(BIN)/python -m benchmarks.guard $(REF)

results-guard: $(DEV)
	$(BIN)/python -m benchmarks.results_guard $(REF)

PEERS := .venv-peers/.ready-1
bench-peers: $(DEV) $(PEERS)
	$(BIN)/python -m benchmarks peers

# They drag a hundred packages in, none of which must be able to touch ours.
$(PEERS):
	$(PYTHON) -m venv --clear .venv-peers
	.venv-peers/bin/pip install --quiet --disable-pip-version-check \
	  laser-generic==1.1.0 starsim==3.7.2
	@touch $@

# A .venv that is half made, or was moved here from elsewhere, is made anew.
define set-up
@echo "Setting up .venv (once; a minute or two) ..."
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
  { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 ..." >&2; exit 1; }
@$(BIN)/pip --version 2>/dev/null | grep -qF "$(CURDIR)/.venv/" || $(PYTHON) -m venv --clear .venv
@rm -f .venv/.core-* .venv/.dev-*
@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable
endef

$(CORE):
	$(set-up) .
	@touch $(CORE)

$(DEV):
	$(set-up) '.[dev,teach]'
	@touch $(CORE) $(DEV)

clean:
	rm -rf .venv .venv-peers build dist out .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
