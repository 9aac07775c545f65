#!/usr/bin/env bash
# Every ring of tests. On a machine without an engine the engine ring is skipped, in CI that is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

if scripts/engine.sh; then
    # what cannot be had here is the business of the tests that need it
    scripts/offline/base-image.sh 3.12 3.12-slim 3.8 3.6 3.13-trixie 3.12-alpine >/dev/null || true
elif [ -n "${CI:-}" ]; then
    exit 1
fi
status=0
.venv/bin/coverage run -m pytest "$@" || status=$?
.venv/bin/coverage combine --quiet
.venv/bin/coverage report || true
exit "$status"
