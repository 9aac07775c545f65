#!/bin/sh
# Installs pydock, a single file: /usr/local/bin/pydock for root, ~/.local/bin/pydock for other users; and what bash, zsh and
# fish complete its words with, for those of them that are there: in folders of the system for root, else in ~/.local/share.
#
#   curl -fsSL https://raw.githubusercontent.com/apiad/pydock/main/scripts/install/linux.sh | sudo sh
#   … | sudo sh -s -- --uninstall
#
# PYDOCK_FROM    the path or URL of the file to install
# PYDOCK_SHA256  its SHA-256 checksum (default: read from PYDOCK_FROM plus ".sha256")
# PYDOCK_BIN     the directory to install into
# PYDOCK_PYTHON  the Python interpreter that runs pydock
set -eu

from=${PYDOCK_FROM:-https://github.com/apiad/pydock/releases/latest/download/pydock}

say() { printf '%s\n' "$*" >&2; }
die() {
    say "$@"
    exit 1
}

usage() {
    say "usage: linux.sh [--force] [--uninstall]

Install or uninstall pydock. --force replaces an existing file that this script did not install."
}

# Everything is in functions, so that a partially downloaded script does nothing.
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
    check_target
    python=$(find_python) || no_suitable_python
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' HUP INT TERM
    fetch "$from" "$work/pydock" || die "Fetching $from failed. Nothing was installed."
    verify_checksum
    set_interpreter
    "$python" "$work/pydock" --version >"$work/version" 2>&1 ||
        die "$from does not run: $(cat "$work/version"). Nothing was installed."
    write_target
    say "Installed $(cat "$work/version"): $target"
    check_path
    install_completion
}

check_target() {
    if [ -d "$target" ]; then
        die "$target is a directory. Remove it, or set PYDOCK_BIN to another directory. Nothing was installed."
    elif [ -L "$target" ] && is_working_copy; then
        say "Replacing $target, a link to a working copy."
    elif [ -e "$target" ] || [ -L "$target" ]; then
        is_single_file || [ "$force" ] || die "$target already exists and was not installed by this script." \
            "Uninstall it first, or use --force to replace it. Nothing was installed."
    fi
}

# scripts/single_file/build.py writes the second line of the file. scripts/install/dev.sh creates the link.
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

no_suitable_python() {
    if [ "${PYDOCK_PYTHON:-}" ]; then
        die "$PYDOCK_PYTHON is not Python 3.9 or newer. Set PYDOCK_PYTHON to another interpreter. Nothing was installed."
    fi
    die "pydock requires Python 3.9 or newer, and none was found on PATH." \
        "Install one, or set PYDOCK_PYTHON to its path. Nothing was installed."
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

verify_checksum() {
    wanted=${PYDOCK_SHA256:-}
    if [ -z "$wanted" ]; then
        fetch "$from.sha256" "$work/pydock.sha256" ||
            die "No checksum found at $from.sha256. Set PYDOCK_SHA256 to the checksum. Nothing was installed."
        wanted=$(cut -d ' ' -f 1 "$work/pydock.sha256")
    fi
    found=$("$python" -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$work/pydock")
    [ "$wanted" = "$found" ] || die "The checksum of $from does not match:" \
        "expected SHA-256 $wanted, got $found. Nothing was installed."
}

# The line that starts Python can have any length, because the zip archive that follows is found from its end.
set_interpreter() {
    [ "$python" != python3 ] || return 0
    case $python in
        */*) interpreter=$(cd -- "$(dirname -- "$python")" && pwd)/$(basename -- "$python") ;;
        *) interpreter=$python ;;
    esac
    "$python" -c 'import os, shlex, sys
path, interpreter = sys.argv[1:]
before, line, after = open(path, "rb").read().partition(b"\nexec python3 ")
if not line:
    sys.exit(1)
open(path, "wb").write(before + b"\nexec " + os.fsencode(shlex.quote(interpreter)) + b" " + after)' "$work/pydock" "$interpreter" ||
        die "$from has no line that starts python3. Nothing was installed."
    say "pydock will run with $python instead of python3."
}

write_target() {
    mkdir -p "$directory"
    new=$directory/.pydock.$$
    trap 'rm -rf "$work" "$new"' EXIT
    cp "$work/pydock" "$new"
    chmod 755 "$new"
    mv -f "$new" "$target"
}

check_path() {
    case :$PATH: in
        *:"$directory":*) ;;
        *) say "$directory is not on your PATH. Add this line to ~/.profile, then log in again:
    export PATH=\"$directory:\$PATH\"" ;;
    esac
}

# Print SHELL FILE for each shell: where the shell looks by itself (zsh: in the folders of fpath).
completion_files() {
    if [ "$directory" = /usr/local/bin ]; then
        share=/usr/local/share
        fish=/etc/fish/completions # /usr/local/share only counts if XDG_DATA_DIRS says so
    else
        share=${XDG_DATA_HOME:-${HOME:+$HOME/.local/share}}
        fish=$share/fish/vendor_completions.d
    fi
    [ "$share" ] || return 0
    printf '%s\n' "bash $share/bash-completion/completions/pydock" \
        "zsh $share/zsh/site-functions/_pydock" "fish $fish/pydock.fish"
}

# src/pydock/exports/completion.py says this in each script.
is_completion() { [ -f "$1" ] && [ ! -L "$1" ] && head -n 2 "$1" | grep -q '^# Completion of pydock'; }

# pydock is installed already, so whatever is wrong here is told and nothing more.
install_completion() {
    completion_files | while read -r shell file; do
        command -v "$shell" >/dev/null || continue
        if [ -e "$file" ] || [ -L "$file" ]; then
            is_completion "$file" || { say "$file is not pydock's; it was left as it is." && continue; }
        fi
        # the cache of the single file is not for the user whose home this may be
        if XDG_CACHE_HOME=$work/cache "$python" "$target" completion "$shell" >"$work/completion" 2>"$work/problem" </dev/null &&
            mkdir -p "$(dirname "$file")" 2>"$work/problem" &&
            cp "$work/completion" "$file.$$" 2>"$work/problem" && chmod 644 "$file.$$" && mv -f "$file.$$" "$file"; then
            say "Installed the completion for $shell: $file"
            [ "$shell" != zsh ] || [ "$directory" = /usr/local/bin ] ||
                say "For zsh, this line must be in ~/.zshrc, before compinit:
    fpath=(\"$(dirname "$file")\" \$fpath)"
        else
            rm -f "$file.$$"
            say "The completion for $shell was not installed: $(cat "$work/problem")"
        fi
    done
}

uninstall_completion() {
    completion_files | while read -r shell file; do
        if is_completion "$file"; then
            rm -f "$file"
            say "Removed $file"
        fi
    done
}

uninstall() {
    if is_single_file; then
        rm -f "$target"
        say "Removed $target"
    elif [ -e "$target" ] || [ -L "$target" ]; then
        die "$target was not installed by this script. It was not removed."
    else
        say "$target does not exist. Nothing to uninstall."
    fi
    uninstall_completion
    cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/pydock
    if [ -d "$cache" ]; then
        rm -rf "$cache"
        say "Removed $cache"
    fi
    say "Environments (~/.pydock, .pydock directories and their images) were not removed."
}

main "$@"
