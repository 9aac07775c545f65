#!/usr/bin/env bash
# Write src/pydock/engine/uv.txt: the newest uv, with the SHA-256 of each of its files. pydock uses no other.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
pins=src/pydock/engine/uv.txt

new=$(echo uv | .venv/bin/uv pip compile --quiet --no-config --no-header --no-annotate --generate-hashes -)
printf '%s\n%s\n' "# The uv that installs packages. Written by \`make lock\`; do not edit." "$new" >$pins
echo $pins
