#!/bin/sh
# Puts pydock on PATH: one file, /usr/local/bin/pydock for root, ~/.local/bin/pydock for anybody else.
#
#   curl -fsSL https://raw.githubusercontent.com/apiad/pydock/main/scripts/install/linux.sh | sudo sh
#   … | sudo sh -s -- --uninstall
#
# PYDOCK_FROM    the file to install: a path or an address (its checksum is at the same place, plus .sha256)
# PYDOCK_SHA256  its checksum, where there is none beside it
# PYDOCK_BIN     the folder to put it in
# PYDOCK_PYTHON  the Python to run it with
set -eu

from=${PYDOCK_FROM:-https://github.com/apiad/pydock/releases/latest/download/pydock}

say() { printf '%s\n' "$*" >&2; }
die() {
    say "$@"
    exit 1
}

usage() {
    say "usage: linux.sh [--force] [--uninstall]

Put pydock on PATH, or take it away again. --force replaces a file of that name that is not pydock's."
}

# Everything is inside functions, so that half a script, after a broken download, does nothing.
main() {
    uninstall='' force=''
    for argument in "$@"; do
        case $argument in
            --uninstall) uninstall=yes ;;
            --force) force=yes ;;
            -h | --help) usage && exit 0 ;;
            *) usage && exit 2 ;;
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
    refuse_foreign
    python=$(find_python) || die "pydock needs Python 3.9 or newer, and ${PYDOCK_PYTHON:-what is on PATH} is none." \
        "Install one, or name it: PYDOCK_PYTHON=/path/to/python3. Nothing was installed."
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' HUP INT TERM
    fetch "$from" "$work/pydock" || die "$from cannot be had. Nothing was installed."
    check
    set_shebang
    "$python" "$work/pydock" --version >"$work/version" 2>&1 ||
        die "$from does not run: $(cat "$work/version"). Nothing was installed."
    replace
    say "$(cat "$work/version") is installed: $target"
    advise_on_path
}

refuse_foreign() {
    if [ -d "$target" ]; then
        die "$target is a folder; pydock is a file of that name. Nothing was installed."
    elif [ -L "$target" ] && is_working_copy; then
        say "$target is the link to a working copy; it is replaced."
    elif [ -e "$target" ] || [ -L "$target" ]; then
        is_single_file || [ "$force" ] || die "$target is there already, and was not put there by this script." \
            "Remove it the way it came, or replace it with --force."
    fi
}

# The second line is written by scripts/build_single_file.py, the link by scripts/install/dev.sh.
is_single_file() { [ -f "$target" ] && [ ! -L "$target" ] && head -n 2 "$target" | grep -q '^# pydock .* the whole tool in one file'; }
is_working_copy() { case $(readlink "$target") in */.venv/bin/pydock) ;; *) false ;; esac; }

find_python() {
    if [ "${PYDOCK_PYTHON:-}" ]; then
        set -- "$PYDOCK_PYTHON"
    else
        set -- python3 python3.14 python3.13 python3.12 python3.11 python3.10 python3.9 python
    fi
    for candidate in "$@"; do
        if "$candidate" -c 'import sys, zlib; sys.exit(sys.version_info < (3, 9))' >/dev/null 2>&1; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    return 1
}

# fetch FROM TO
fetch() {
    case $1 in
        *://*) download "$1" "$2" ;;
        *) cp "$1" "$2" ;;
    esac
}

download() {
    if command -v curl >/dev/null; then
        curl -fsSL --retry 2 -o "$2" "$1"
    elif command -v wget >/dev/null; then
        wget -qO "$2" "$1"
    else
        "$python" -c 'import shutil, sys, urllib.request
with urllib.request.urlopen(sys.argv[1]) as answer, open(sys.argv[2], "wb") as file:
    shutil.copyfileobj(answer, file)' "$1" "$2"
    fi
}

check() {
    wanted=${PYDOCK_SHA256:-}
    if [ -z "$wanted" ]; then
        fetch "$from.sha256" "$work/pydock.sha256" ||
            die "There is no checksum at $from.sha256; give it as PYDOCK_SHA256. Nothing was installed."
        wanted=$(cut -d ' ' -f 1 "$work/pydock.sha256")
    fi
    found=$("$python" -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$work/pydock")
    [ "$wanted" = "$found" ] || die "$from is not the file it should be: its SHA-256 is" \
        "$found, not $wanted. Nothing was installed."
}

# The zip behind the first line does not mind how long that is.
set_shebang() {
    [ "$python" != python3 ] || return 0
    case $python in
        */*) interpreter=$(cd -- "$(dirname -- "$python")" && pwd)/$(basename -- "$python") ;;
        *) interpreter="/usr/bin/env $python" ;;
    esac
    case $interpreter in
        /usr/bin/env\ *) ;;
        *[[:space:]]*) die "The path of $interpreter has a space, which the first line of a script cannot have." \
            "Name another Python: PYDOCK_PYTHON=/path/to/python3. Nothing was installed." ;;
    esac
    say "It will run with $python, not with python3."
    "$python" -c 'import os, sys
path, interpreter = sys.argv[1:]
content = open(path, "rb").read()
open(path, "wb").write(b"#!" + os.fsencode(interpreter) + content[content.index(b"\n"):])' "$work/pydock" "$interpreter"
}

replace() {
    mkdir -p "$folder"
    new=$folder/.pydock.$$
    trap 'rm -rf "$work" "$new"' EXIT
    cp "$work/pydock" "$new"
    chmod 755 "$new"
    mv -f "$new" "$target"
}

advise_on_path() {
    case :$PATH: in
        *:"$folder":*) ;;
        *) say "$folder is not on your PATH. Add this line to ~/.profile and log in again:
    export PATH=\"$folder:\$PATH\"" ;;
    esac
}

uninstall() {
    if is_single_file; then
        rm -f "$target"
        say "$target is removed."
    elif [ -e "$target" ] || [ -L "$target" ]; then
        die "$target was not put there by this script; it stays."
    else
        say "There is no $target."
    fi
    cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/pydock
    if [ -d "$cache" ]; then
        rm -rf "$cache"
        say "$cache is removed."
    fi
    say "Environments (~/.pydock, .pydock folders and their images) are left as they are."
}

main "$@"
