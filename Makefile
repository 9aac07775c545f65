# The doors from a shell. Each target is one line; what it does is in scripts/ or tasks.py.
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-lowest test-newest torture unit lint lock dist dev bench recording clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## make .venv with pydock and its development tools
	@scripts/setup.sh

demo: setup  ## the main job on a real engine: an environment, pandas, an analysis of real data
	@scripts/demo.sh

test: setup  ## lint, then run every ring of tests, the engine ring included
	@scripts/test.sh

test-lowest: setup  ## run the tests that need no engine with the lowest versions that pyproject.toml allows
	@scripts/test-versions.sh lowest

test-newest: setup  ## run the tests that need no engine with the newest versions that pyproject.toml allows
	@scripts/test-versions.sh newest

torture: setup  ## kill commands, and the engine, 200 times at random moments (SEED=8 repeats a run), and at every file call
	@scripts/engine.sh
	@PYDOCK_TORTURE=1 PYDOCK_TORTURE_SEED=$(SEED) .venv/bin/python -m pytest -s tests/engine/test_torture.py tests/engine/test_warm_endurance.py tests/command_line/test_killed_at_file_calls.py

unit: setup  ## run the tests that need no engine
	@.venv/bin/python -m pytest -n auto --dist loadgroup -m "not engine"

lint: setup  ## check style, types and shell scripts
	@.venv/bin/inv lint

lock: setup  ## renew requirements/*.txt and the uv that installs: the newest versions allowed
	@.venv/bin/python scripts/lock.py

dist: setup  ## build dist/pydock, the whole tool in one executable file
	@.venv/bin/python scripts/single_file/build.py

dev: setup  ## put this working copy's pydock on PATH, in place of an installed one
	@scripts/install/dev.sh

bench: setup  ## measure pydock beside the others (ONLY=install for a part)
	@.venv/bin/python bench/bench.py $(ONLY)

recording: setup  ## record the terminal session of the README on a real engine, and draw it
	@.venv/bin/python scripts/recording.py

clean:  ## remove what the other targets made
	@rm -rf .venv .venv-lowest .venv-newest dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage*
