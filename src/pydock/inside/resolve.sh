#!/bin/sh
# Choose versions for everything that is requested, and write them to /resolved/requirements.txt.
#
#   requested.txt      everything that was requested
#   constraints.txt    the lines of constraints files
#   hashes             exists if every package must have its hashes
#   installed.txt      what is installed now; these versions are kept unless they may be upgraded
#   upgrade-names.txt  the names of the packages to upgrade, one per line; "*" for all
#   upgrade-lines.txt  the requirement specifiers of these packages
# shellcheck disable=SC2086 # options are words without blanks
set -eu
. "${0%/*}/installer.sh"
resolved=/resolved/requirements.txt

resolve_with_uv() {
    set_uv_options requested.txt
    # Those that are requested without hashes get them.
    uv_options=${uv_options%%--require-hashes*}
    set --
    if [ -e hashes ]; then set -- --generate-hashes; fi
    while read -r name; do
        case $name in
            '') ;;
            '*') set -- "$@" --upgrade ;;
            *) set -- "$@" "--upgrade-package=$name" ;;
        esac
    done <upgrade-names.txt
    # uv keeps the versions of the existing output file.
    cp installed.txt "$resolved"
    run_uv pip compile --quiet --no-header --no-annotate $uv_options $constraints "$@" \
        --output-file "$resolved" requested.txt >/dev/null
}

# pip resolves only by installing: what is installed and its upgrades into one environment, what is requested, with the
# versions of the first, into another.
resolve_with_pip() {
    # pip refuses a mixture of requirements with and without hashes; what is chosen here is installed with all hashes.
    sed -e 's/ --hash=[^ ]*//g' -e '/^--require-hashes/d' requested.txt >"$work/requested.txt"
    python3 -m venv "$work/upgraded"
    python3 -m venv "$work/needed"
    if grep -qx '\*' upgrade-names.txt; then # nothing is kept, so it does not matter whether it can still be installed
        pip_in upgraded install --quiet --upgrade --upgrade-strategy eager $constraints --requirement "$work/requested.txt"
    elif has_requirements upgrade-lines.txt; then
        pip_in upgraded install --quiet --requirement installed.txt
        pip_in upgraded install --quiet --upgrade $constraints --requirement upgrade-lines.txt
    else
        pip_in upgraded install --quiet --requirement installed.txt
        pip_in upgraded install --quiet $constraints --requirement "$work/requested.txt"
    fi
    pip_in upgraded freeze --all >"$work/upgraded.txt"
    # An address is as it is requested: pip takes one with a digest or without the user name for another one.
    sed '/ @ /d' "$work/upgraded.txt" >"$work/kept.txt"
    pip_in needed install --quiet --constraint "$work/kept.txt" --requirement "$work/requested.txt"
    pip_in needed freeze --all >"$work/list"
    "$work/needed/bin/python" -I "$here/needed_tools.py" >"$work/needed.txt"
    if [ -e hashes ]; then hash_packages "$work/list"; else cat "$work/list"; fi >"$resolved"
    cat "$work/needed.txt" >>"$resolved"
}

pip_in() {
    environment=$1
    shift
    with_variables "$work/$environment/bin/python" -m pip "$@"
}

mkdir -p "${resolved%/*}"
cd "$requirements"
find_uv requested.txt
set_constraints constraints.txt
if has_requirements upgrade-names.txt; then forget_pages; fi
if [ "$uv" ]; then resolve_with_uv || pip_instead; fi
if [ ! "$uv" ]; then resolve_with_pip; fi
