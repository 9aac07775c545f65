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
# If the new packages do not fit what is installed, resolve everything that was requested again.
if ! { install_packages --requirement wanted.txt --constraint constraints.txt && check_packages; }; then
    install_packages --requirement requested.txt
    check_packages
fi
compile_packages
mkdir -p "${list%/*}"
list_packages >"$list"
