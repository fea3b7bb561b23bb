# Every target first sets up what it needs. ARGS is passed to the program: make run ARGS="--port 9000"
.DEFAULT_GOAL := help
SHELL := /bin/bash
NEEDS := run
BIN := .venv/bin

.PHONY: help setup run test lint bench soak package translations clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## make the Python environment in .venv and install the missing system packages
	@packaging/setup.sh $(NEEDS)

run:  ## start trayalert, or only its receiver if there is no screen
	@if [[ $$(uname) == Linux && -z "$$DISPLAY$$WAYLAND_DISPLAY" ]]; then \
		packaging/setup.sh serve || exit; \
		echo "No screen here (DISPLAY and WAYLAND_DISPLAY are not set): running trayalert serve, the receiver alone."; \
		exec $(BIN)/trayalert serve $(ARGS); \
	fi; packaging/setup.sh run && exec $(BIN)/trayalert $(ARGS)

test:  ## run the checkers and all tests, three at a time unless they measure; ARGS is passed to pytest
	@$(MAKE) --no-print-directory setup NEEDS=test
	@$(MAKE) --no-print-directory lint
ifdef ARGS
	$(BIN)/pytest $(ARGS)
else
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not alone"
	$(BIN)/pytest -m alone
endif

lint: NEEDS := lint
lint: setup  ## check style, types and imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench:  ## measure speed and memory
	@$(MAKE) --no-print-directory setup NEEDS=bench
	$(BIN)/python -m tests.bench $(ARGS)

soak:  ## run the proofs that take hours, against data loss and attackers; ARGS names the parts
	@$(MAKE) --no-print-directory setup NEEDS=soak
	$(BIN)/python -m tests.soak $(ARGS)

package:  ## build a program that needs no Python, in dist/trayalert
	@$(MAKE) --no-print-directory setup NEEDS=package
	$(BIN)/pyinstaller --noconfirm --log-level WARN --distpath dist --workpath build packaging/trayalert.spec

translations: NEEDS := lint
translations: setup  ## update the catalogues of translations from the code, and list the messages that need a translator
	@$(BIN)/python packaging/update_translations.py
	@$(MAKE) --no-print-directory setup NEEDS=lint

clean:  ## remove build results and caches, but not .venv
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find trayalert tests packaging -name __pycache__ -type d -prune -exec rm -rf {} +
