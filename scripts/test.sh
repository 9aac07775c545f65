#!/usr/bin/env bash
# Lint, then every ring of tests, then the coverage; a failure of one does not hide the others.
# On a machine without an engine the engine ring is skipped, in CI that is a failure.
#
#   scripts/test.sh [PYTEST-ARGUMENTS...]
#
# With arguments only these tests run: no lint, and no floor for the coverage. Without, one process for each core
# runs tests; those that share something run in the same process, one after the other (pytest.mark.xdist_group), and
# those that change what all share run at the end (pytest.mark.alone).
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

failed=()
whole=yes
[ $# = 0 ] || whole=''
[ -z "$whole" ] || .venv/bin/inv lint || failed+=(lint)

if scripts/engine.sh; then
    # the tests that need an image that is not available here fail or are skipped by themselves
    scripts/offline/base-image.sh 3.12 3.12-slim 3.8 3.6 3.13-trixie 3.12-alpine >/dev/null || true
elif [ -n "${CI:-}" ]; then
    say "There is no engine, and CI needs one."
    exit 1
else
    [ -z "$whole" ] || say "There is no engine: the engine ring is skipped, and the coverage floor is not enforced."
    whole=''
fi

scripts/shells.sh || true # the tests that need a shell that is missing fail or are skipped by themselves

if [ $# = 0 ]; then
    passed=yes
    .venv/bin/coverage run -m pytest -n auto --dist loadgroup -m "not alone" || passed=''
    .venv/bin/coverage run -m pytest -m alone || passed=''
    [ -n "$passed" ] || failed+=(tests)
else
    .venv/bin/coverage run -m pytest "$@" || failed+=(tests)
fi
.venv/bin/coverage combine --quiet || true
if [ -n "$whole" ]; then
    .venv/bin/coverage report || failed+=(coverage)
else
    .venv/bin/coverage report --fail-under=0 || true
fi

if [ "${#failed[@]}" != 0 ]; then
    say "Failed: ${failed[*]}."
    exit 1
fi
