#!/usr/bin/env bash
# Lint, then the tests that need no engine and their coverage, then the engine ring; a failure does not hide the others.
# On a machine without an engine the engine ring is skipped, in CI that is a failure.
#
#   scripts/test.sh [PYTEST-ARGUMENTS...]
#
# With arguments only these tests run: no lint, and no floor for the coverage. Without, one process for each core
# runs tests; those that share something run in the same process, one after the other (pytest.mark.xdist_group), and
# those that change what all share run at the end (pytest.mark.alone). The engine ring is not measured: that more than
# doubles what every start of pydock takes, and a floor that needs no engine holds on every machine.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

failed=()
[ $# != 0 ] || .venv/bin/inv lint || failed+=(lint)

engine=''
if scripts/engine.sh; then
    engine=yes
    # the tests that need an image that is not available here fail or are skipped by themselves
    scripts/offline/base-image.sh 3.12 3.12-slim 3.8 3.6 3.13-trixie 3.12-alpine >/dev/null || true
elif [ -n "${CI:-}" ]; then
    say "There is no engine, and CI needs one."
    exit 1
elif [ $# = 0 ]; then
    say "There is no engine: the engine ring is skipped."
fi

scripts/shells.sh || true # the tests that need a shell that is missing fail or are skipped by themselves

if [ $# = 0 ]; then
    .venv/bin/coverage run -m pytest -n auto --dist loadgroup -m "not engine" || failed+=(tests)
    .venv/bin/coverage combine --quiet || true
    .venv/bin/coverage report || failed+=(coverage)
    if [ -n "$engine" ]; then
        passed=yes
        .venv/bin/pytest -n auto --dist loadgroup -m "engine and not alone" || passed=''
        .venv/bin/pytest -m "engine and alone" || passed=''
        [ -n "$passed" ] || failed+=("engine tests")
    fi
else
    .venv/bin/coverage run -m pytest "$@" || failed+=(tests)
    .venv/bin/coverage combine --quiet || true
    .venv/bin/coverage report --fail-under=0 || true
fi

if [ "${#failed[@]}" != 0 ]; then
    say "Failed: ${failed[*]}."
    exit 1
fi
