# Two commands on a fresh machine with Python 3.11+ and make:
#   make verify   installs adamsym in .venv, runs the main job on the examples, checks the claims
#   make test     installs what the tests need and runs them
# make install installs adamsym in .venv and nothing more.
# Longer: make test-long (more cases, and ten times as many drawn inputs), make benchmarks (writes
#   docs/benchmark_*.md; an hour), make mutation (breaks formulas one at a time and looks whether tests and claims
#   notice; two hours).
# Tests run in two processes, each test in one of them; make test WORKERS=4 takes four.
PYTHON ?= python3
WORKERS ?= 2
TESTS := -m pytest -n $(WORKERS) --dist worksteal
BIN := .venv/bin
# Build requirements too come from the one list of versions.
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_BUILD_CONSTRAINT := $(PIP_CONSTRAINT)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: install verify test test-long formal benchmarks mutation lint site clean

install: .venv/installed

verify: .venv/installed
	$(BIN)/python examples/run_all.py
	$(BIN)/adamsym verify proofs_checks

test: .venv/installed-test
	$(BIN)/python $(TESTS)

test-long: .venv/installed-test
	$(BIN)/python $(TESTS) -m slow

# What coqc says of the Coq library and of exported statements; coq, libcoq-interval and libcoq-coquelicot must be there.
formal: .venv/installed-test
	$(BIN)/python -m pytest -m formal tests/formal

benchmarks: .venv/bin/python
	$(BIN)/pip install --quiet --editable '.[torch,jax,keras,cluster]'
	$(BIN)/python benchmarks/field.py
	$(BIN)/python benchmarks/certify.py --against 3c2f8b3
	$(BIN)/python benchmarks/simulate.py
	$(BIN)/python benchmarks/track.py
	$(BIN)/python benchmarks/monte_carlo.py
	$(BIN)/python benchmarks/parallel.py
	$(BIN)/python benchmarks/conformance.py
	$(BIN)/python benchmarks/networks.py
	$(BIN)/python benchmarks/long_laws.py
	$(BIN)/python benchmarks/figures.py

mutation: .venv/installed-test
	$(BIN)/pip install --quiet --editable '.[mutation,test,torch,jax]'
	$(BIN)/python benchmarks/mutation.py --resume
	$(BIN)/python benchmarks/mutation.py --again
	$(BIN)/python benchmarks/figures.py

lint: .venv/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The documentation in build/site; a warning fails it. It is read from there, or served: python -m http.server.
site: .venv/installed-test
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

clean:
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis .mutation

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "adamsym needs Python 3.11 or newer; name one with: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --editable .
	touch $@

.venv/installed-test: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --editable '.[test,torch,jax,keras,parquet,explore,dataframe,docs]'
	touch $@ .venv/installed
