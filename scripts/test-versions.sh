#!/usr/bin/env bash
# The tests that need no engine, with the lowest or the newest versions that pyproject.toml allows.
#
#   scripts/test-versions.sh lowest|newest [PYTEST-ARGUMENTS...]
set -euo pipefail
cd "$(dirname "$0")/.."

case ${1:-} in
    lowest) resolution=lowest-direct ;;
    newest) resolution=highest ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
venv=.venv-$1
shift

.venv/bin/uv venv --quiet --no-config --clear --python "${PYTHON:-.venv/bin/python}" "$venv"
.venv/bin/uv pip install --quiet --no-config --python "$venv" --resolution "$resolution" --group test --editable .
.venv/bin/uv pip list --no-config --python "$venv"
"$venv/bin/python" -m pytest tests/unit tests/command_line "$@"
