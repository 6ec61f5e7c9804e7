# Everything from a clone: each target sets up what it needs, once. Python 3.11+, git, make and a C/C++ compiler are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NAME ?=

.DEFAULT_GOAL := help
.PHONY: help book test check serve seminar lock new-chapter clean

help:  ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1|/' | column -t -s '|'

book: $(VENV)/.ready  ## Execute what is out of date and render the book to _build/html
	$(BIN)/foretold build

# In the order of their names: by number of tests, which is the default, the longest files would come last, alone.
test: $(VENV)/.ready $(VENV)/.chromium  ## Run all tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/oxlint --deny-warnings src book
	$(BIN)/oxfmt --check 'src/**/*.js' 'book/**/*.js'
	$(BIN)/foretold twins --check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: $(VENV)/.ready  ## Run the quick checks (style, twins, tests that take no minute)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/oxlint --deny-warnings src book
	$(BIN)/oxfmt --check 'src/**/*.js' 'book/**/*.js'
	$(BIN)/foretold twins --check
	$(BIN)/python -m pytest -m "not slow"

serve: book  ## Build, then show the book at http://127.0.0.1:8000
	$(BIN)/python -m http.server 8000 --bind 127.0.0.1 --directory _build/html

seminar: book  ## Write student notebooks, solutions, slides and handouts to _build/seminar
	$(BIN)/foretold seminar

lock: $(VENV)/.ready  ## Resolve pyproject.toml anew into requirements.lock
	$(BIN)/foretold lock
	$(BIN)/foretold lock --check

new-chapter: $(VENV)/.ready  ## Write a chapter's skeleton: make new-chapter NAME=weather
	$(BIN)/foretold new-chapter $(NAME)

clean:  ## Remove what was built (the executed chapters too)
	rm -rf _build

# The environment is made again only when the lock or the package's metadata change.
$(VENV)/.ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "foretold needs Python 3.11 or newer; try: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	touch $@

# The browser tests use the system's Chromium: installed where that is possible, else they are skipped and say so.
$(VENV)/.chromium: $(VENV)/.ready
	@if ! command -v chromium >/dev/null && command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium) >/dev/null \
	  || echo "Chromium could not be installed: the browser tests will be skipped"; fi
	@touch $@
