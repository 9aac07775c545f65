#!/usr/bin/env bash
# Makes .venv with pydock (editable) and its development tools; does nothing where that is done already.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

find_python() {
    local candidate
    for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 python3.10 python3.9 python; do
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

pip_install() {
    .venv/bin/python -m pip --disable-pip-version-check install "$@"
}

# Exactly what the lock says; nothing is built but pydock itself, with the locked hatchling.
install() {
    pip_install --require-hashes --only-binary :all: --requirement requirements/dev.txt &&
        pip_install --no-deps --no-build-isolation --editable . &&
        .venv/bin/pydock --version &&
        .venv/bin/python -m pytest --version
}

stamp=.venv/made-from-$(cat pyproject.toml requirements/dev.txt | cksum | tr ' ' '-')
if [ -e "$stamp" ]; then
    exit 0
fi
rm -f .venv/made-from-*
if [ ! -x .venv/bin/python ]; then
    python=$(find_python)
    say "Making .venv with $("$python" --version) …"
    rm -rf .venv
    make_venv "$python"
fi
say "Installing what requirements/dev.txt lists …"
log=.venv/setup.log
if ! install </dev/null >"$log" 2>&1; then
    tail -n 15 "$log" | sed 's/^/    /' >&2
    say "The installation failed. Its last lines are above, all of them in $log. \`make setup\` tries again."
    exit 1
fi
touch "$stamp"
