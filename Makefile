# Four verbs. On a machine with Python 3.11+ and make, each does its own set-up.
#   make serve   the demo, on http://localhost:5000 (PORT= to change)
#   make test    the tests
#   make check   lint, types, imports, docs
#   make bench   ratios against the plain Flask + Matplotlib view

.PHONY: serve test check bench lock
.DEFAULT_GOAL := serve

PYTHON ?= python3
PORT ?= 5000
BIN := .venv/bin
# A set-up that was interrupted is done again: the stamp is written last.
DEMO := .venv/.demo
DEV := .venv/.dev
# All tests, and no others, run side by side: three, because many wait for servers of their own, and two that
# compute fill two cores. In the order of tests/conftest.py, not of how many tests a file has.
AT_ONCE := --numprocesses=3 --dist=loadfile --no-loadscope-reorder

serve: $(DEMO)
	$(BIN)/plotroute serve examples/demo --site examples/demo/site --port $(PORT)

test: $(DEV)
	@./tests/install-system-packages
	$(BIN)/python -m pytest $(or $(ARGS),$(AT_ONCE))

check: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

bench: $(DEV)
	@./benchmarks/install-system-packages
	$(BIN)/python benchmarks/run.py $(ARGS)

$(DEMO): requirements/demo.txt pyproject.toml
	./requirements/install $(PYTHON) requirements/demo.txt
	@touch $@

$(DEV): requirements/dev.txt pyproject.toml
	./requirements/install $(PYTHON) requirements/dev.txt
	@touch $@ $(DEMO)

# For maintainers, with uv at hand: resolve the pins anew (UPGRADE=--upgrade for newer ones).
lock:
	uv pip compile pyproject.toml --group demo --group build $(UPGRADE) \
	  --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements/demo.txt
	uv pip compile pyproject.toml --group demo --group build --group test --group check $(UPGRADE) \
	  --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements/dev.txt
