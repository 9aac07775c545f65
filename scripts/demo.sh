#!/usr/bin/env bash
# Create an environment, install pandas and analyse a CSV file, on a real Docker engine.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/engine.sh
version=$(scripts/offline/base-image.sh --nearest 3.12)
PATH=$PWD/.venv/bin:$PATH

project=$(mktemp -d "${TMPDIR:-/tmp}/pydock-demo.XXXXXX")
cp demo/seattle-weather.csv demo/analysis.py "$project"
cd "$project"
clean_up() {
    [ ! -e .pydock/envs/datascience ] || pydock --local delete datascience --yes
    rm -rf "$project"
}
trap clean_up EXIT

show() {
    printf '\n$ %s\n' "$*"
    "$@"
}

show pydock --local create datascience "$version"
show pydock install datascience pandas
show pydock run datascience python analysis.py
show ls -l monthly.csv
show cat .pydock/envs/datascience/requirements.txt
show pydock envs

owner=$(stat -c %u monthly.csv 2>/dev/null || stat -f %u monthly.csv)
if [ "$owner" != "$(id -u)" ]; then
    echo "monthly.csv is owned by UID $owner, not by you (UID $(id -u))." >&2
    exit 1
fi
printf '\nmonthly.csv was written inside the container and is owned by you (%s).\n' "$(id -un)"
