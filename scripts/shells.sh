#!/usr/bin/env bash
# Installs zsh, fish and bash-completion where they are missing, for the tests of completion: as root on Debian or Ubuntu.
# Elsewhere it does nothing; those tests are skipped then, except in CI, where they fail.
set -euo pipefail

log=/tmp/pydock-shells.log
missing=()
for shell in zsh fish; do
    command -v "$shell" >/dev/null || missing+=("$shell")
done
[ -e /usr/share/bash-completion/bash_completion ] || missing+=(bash-completion)

if [ "${#missing[@]}" = 0 ] || [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    exit 0
fi
printf '%s\n' "Installing ${missing[*]} …" >&2
install() { DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; }
{ install || { apt-get update && install; }; } </dev/null >"$log" 2>&1 || {
    tail -n 5 "$log" >&2
    printf '%s\n' "${missing[*]} could not be installed; all messages are in $log." >&2
    exit 1
}
