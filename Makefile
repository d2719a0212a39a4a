# Everything a developer runs. Each target first makes the checkout ready (packaging/setup), on a fresh Debian 12 too; once ready that costs nothing.

SHELL := /bin/bash
PYTHON ?= python3
JOBS ?= 2
ARGS ?=
BIN := .venv/bin
COMPILE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header

export PYTHON
unexport PYTHONPATH PYTHONHOME

.PHONY: help setup demo test check bench million live-million crash journal-million tamper lock clean

help:
	@echo 'make demo   the kiosk, its pile and its terminal on this machine; without a display a tour told in the terminal'
	@echo '            (ARGS are passed on: make demo ARGS="--tour out --fast")'
	@echo 'make test   the tests (ARGS are passed on: make test ARGS="tests/pricing -x")'
	@echo 'make check  style, types, who may import whom, the screen files'
	@echo 'make bench  the measured promises, side by side'
	@echo 'make million  a million sales in the simulated world, a fault at every step; goes on where it was broken off (ARGS="--seed S")'
	@echo 'make live-million  a million random sales, each priced live as it goes on and again afterwards; goes on where it was broken off'
	@echo '            (ARGS="--count N --seed S"; --case NUMBER tells one)'
	@echo 'make tamper a demo sale, one byte of its journal edited, and what verify says (ARGS=FOLDER takes the journal of a tour)'
	@echo 'make crash  a running kiosk killed 200 times, then a million power cuts, and what is left each time judged'
	@echo '            (ARGS="--kills K --images N --seed S --jobs J")'
	@echo 'make journal-million  a kiosk with a million rows of history starts, is killed, and starts again (ARGS="ROWS FOLDER")'
	@echo 'make lock   requirements.lock from pyproject.toml, and requirements-kiosk.lock: what of it a kiosk runs on'
	@echo 'make clean  remove what the other targets made'

setup:
	@packaging/setup

demo: setup
	@$(BIN)/pilepay demo $(ARGS)

test: setup
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	if [ -e kiosk/screen/lint.py ]; then $(BIN)/python -m kiosk.screen.lint; \
	else $(BIN)/pyside6-qmllint -W 0 -I kiosk/screen/qml $$(find kiosk/screen -name '*.qml'); fi

bench: setup
	@$(BIN)/python tests/bench/run.py $(ARGS)

million: setup
	@mkdir -p build
	@$(BIN)/pilepay simulate --sessions 1000000 --seed 1 --jobs $(JOBS) --keep build/million.json $(ARGS)

live-million: setup
	@mkdir -p build
	@$(BIN)/python tests/pricing/live_million.py --jobs $(JOBS) --keep build/live-million.json $(ARGS)

tamper: setup
	@$(BIN)/python tests/journal/tamper.py $(ARGS)

crash: setup
	@PYTHONPATH=tests/session $(BIN)/python tests/crash/crash_million.py --jobs $(JOBS) $(ARGS)

journal-million: setup
	@$(BIN)/python tests/journal/journal_million.py $(ARGS)

lock: setup
	$(COMPILE) --all-extras pyproject.toml -o requirements.lock
	echo hatchling | $(COMPILE) --no-annotate --extra screen --constraints requirements.lock pyproject.toml - -o requirements-kiosk.lock

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
