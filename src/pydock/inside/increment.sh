#!/bin/sh
# Install new packages on top of an image, and list what is installed then.
#
#   wanted.txt       what is requested now, with the options of all requirements
#   constraints.txt  the version bounds of everything that was requested
#   requested.txt    everything that was requested, now and before
set -eu
. "${0%/*}/installer.sh"
list=/usr/local/share/requirements.txt

find_uv
cd "$requirements"
set -- --requirement wanted.txt
if has_requirements constraints.txt; then set -- "$@" --constraint constraints.txt; fi
install_packages "$@"
# If the new packages do not fit what is installed, resolve everything that was requested again. That could not help if
# the installation itself has failed, because everything that was requested includes what failed.
if ! check_packages; then
    install_packages --requirement requested.txt
    check_packages
fi
compile_packages
mkdir -p "${list%/*}"
list_packages >"$list"
