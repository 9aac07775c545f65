#!/bin/sh
# Puts this working copy's pydock on PATH (`make dev`): /usr/local/bin/pydock for root, ~/.local/bin/pydock else.
#
#   scripts/install/dev.sh [--force] [--uninstall]
#
# PYDOCK_BIN     another folder to put it in
set -eu

checkout=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
program=$checkout/.venv/bin/pydock

say() { printf '%s\n' "$*" >&2; }
die() {
    say "$@"
    exit 1
}

main() {
    uninstall='' force=''
    for argument in "$@"; do
        case $argument in
            --uninstall) uninstall=yes ;;
            --force) force=yes ;;
            *) say "usage: dev.sh [--force] [--uninstall]" && exit 2 ;;
        esac
    done
    folder=$(target_folder)
    target=$folder/pydock
    if [ "$uninstall" ]; then
        uninstall
    else
        install
    fi
}

target_folder() {
    if [ "${PYDOCK_BIN:-}" ]; then
        printf '%s\n' "$PYDOCK_BIN"
    elif [ "$(id -u)" = 0 ]; then
        echo /usr/local/bin
    else
        printf '%s\n' "${HOME:?is not set. Name a folder to install into: PYDOCK_BIN=/some/folder}/.local/bin"
    fi
}

install() {
    [ -x "$program" ] || die "$program is not there yet. Run \`make setup\` first."
    if [ -d "$target" ]; then
        die "$target is a folder; pydock is a file of that name."
    elif is_single_file; then
        say "$target is the installed pydock; the link to this working copy takes its place."
    elif [ -e "$target" ] || [ -L "$target" ]; then
        is_working_copy || [ "$force" ] || die "$target is there already, and is not pydock as we know it." \
            "Remove it the way it came, or replace it with --force."
    fi
    mkdir -p "$folder"
    new=$folder/.pydock.$$
    ln -s "$program" "$new"
    mv -f "$new" "$target"
    say "$target is now $program."
    case :$PATH: in
        *:"$folder":*) ;;
        *) say "$folder is not on your PATH. Add this line to ~/.profile and log in again:
    export PATH=\"$folder:\$PATH\"" ;;
    esac
}

# The second line is written by scripts/build_single_file.py.
is_single_file() { [ -f "$target" ] && [ ! -L "$target" ] && head -n 2 "$target" | grep -q '^# pydock .* the whole tool in one file'; }
is_working_copy() { [ -L "$target" ] && case $(readlink "$target") in */.venv/bin/pydock) ;; *) false ;; esac; }

uninstall() {
    if [ -L "$target" ] && [ "$(readlink "$target")" = "$program" ]; then
        rm -f "$target"
        say "$target is removed."
    elif [ -e "$target" ] || [ -L "$target" ]; then
        die "$target is not the link to this working copy; it stays."
    else
        say "There is no $target."
    fi
}

main "$@"
