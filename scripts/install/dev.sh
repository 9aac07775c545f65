#!/bin/sh
# Puts this working copy's pydock on PATH (`make dev`) as a symbolic link: /usr/local/bin/pydock for root,
# ~/.local/bin/pydock for other users.
#
#   scripts/install/dev.sh [--force] [--uninstall]
#
# PYDOCK_BIN     install into this directory instead
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
    directory=$(target_directory)
    target=$directory/pydock
    if [ "$uninstall" ]; then
        uninstall
    else
        install
    fi
}

target_directory() {
    if [ "${PYDOCK_BIN:-}" ]; then
        printf '%s\n' "$PYDOCK_BIN"
    elif [ "$(id -u)" = 0 ]; then
        echo /usr/local/bin
    else
        printf '%s\n' "${HOME:?is not set. Set PYDOCK_BIN to the directory to install into}/.local/bin"
    fi
}

install() {
    [ -x "$program" ] || die "$program does not exist. Run \`make setup\` first."
    if [ -d "$target" ]; then
        die "$target is a directory. Remove it, or set PYDOCK_BIN to another directory."
    elif is_single_file; then
        say "Replacing the installed pydock at $target with a link to this working copy."
    elif [ -e "$target" ] || [ -L "$target" ]; then
        is_working_copy || [ "$force" ] || die "$target already exists and was not installed by pydock." \
            "Uninstall it first, or use --force to replace it."
    fi
    mkdir -p "$directory"
    new=$directory/.pydock.$$
    ln -s "$program" "$new"
    mv -f "$new" "$target"
    say "Linked $target to $program"
    case :$PATH: in
        *:"$directory":*) ;;
        *) say "$directory is not on your PATH. Add this line to ~/.profile, then log in again:
    export PATH=\"$directory:\$PATH\"" ;;
    esac
}

# The second line is written by scripts/single_file/build.py.
is_single_file() { [ -f "$target" ] && [ ! -L "$target" ] && head -n 2 "$target" | grep -q '^# pydock .* the whole tool in one file'; }
is_working_copy() { [ -L "$target" ] && case $(readlink "$target") in */.venv/bin/pydock) ;; *) false ;; esac; }

uninstall() {
    if [ -L "$target" ] && [ "$(readlink "$target")" = "$program" ]; then
        rm -f "$target"
        say "Removed $target"
    elif [ -e "$target" ] || [ -L "$target" ]; then
        die "$target is not a link to this working copy. It was not removed."
    else
        say "$target does not exist. Nothing to uninstall."
    fi
}

main "$@"
