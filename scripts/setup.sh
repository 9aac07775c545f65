#!/usr/bin/env bash
# Makes .venv with pydock (editable) and its development tools; does nothing where that is done already.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

find_python() {
    local candidate
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python3.10 python3.9 python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    say "No Python 3.9 or newer on PATH. Install one, or name it: PYTHON=/path/to/python3 make setup."
    return 1
}

# Debian and Ubuntu keep the venv module apart.
make_venv() {
    local python=$1
    if "$python" -c 'import ensurepip' 2>/dev/null; then
        "$python" -m venv .venv
    elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "Installing python3-venv …"
        { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3-venv; } \
            </dev/null >/tmp/pydock-setup.log 2>&1 || { tail -n 5 /tmp/pydock-setup.log >&2; return 1; }
        "$python" -m venv .venv
    else
        say "Python's venv module is missing. Install it (sudo apt-get install python3-venv) and try again."
        return 1
    fi
}

stamp=.venv/made-from-$(cksum <pyproject.toml | tr ' ' '-')
if [ -e "$stamp" ]; then
    exit 0
fi
if [ ! -x .venv/bin/python ]; then
    python=$(find_python)
    say "Making .venv with $("$python" --version) …"
    rm -rf .venv
    make_venv "$python"
fi
.venv/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1' 2>&1 | grep -v WARNING >&2 || true
.venv/bin/python -m pip install --quiet --disable-pip-version-check --upgrade --editable . --group dev 2>&1 | grep -v WARNING >&2 || true
.venv/bin/pydock --version >/dev/null
.venv/bin/python -m pytest --version >/dev/null
rm -f .venv/made-from-*
touch "$stamp"
