#!/bin/sh
# Install new packages on top of an image, and list what is installed then.
#
#   wanted.txt       what is requested now, with the options of all requirements
#   bounds.txt       the version bounds of everything that was requested
#   constraints.txt  those of constraints files
#   hashes           exists if every package must have its hashes
#   requested.txt    everything that was requested, now and before
#   replaced         the packages that come from a new wheel
#   links            the packages that are links: their names and the folders of the projects
set -eu
. "${0%/*}/installer.sh"
list=/usr/local/share/requirements.txt

cd "$requirements"
find_uv wanted.txt requested.txt
record_conflicts
forget_pages
set_constraints bounds.txt constraints.txt
remove_old_links
# shellcheck disable=SC2086 # words without blanks
install_packages wanted.txt $constraints
# If the new packages do not fit what is installed, resolve everything that was requested again. That could not help if
# the installation itself has failed, because everything that was requested includes what failed.
if ! check_packages; then
    set_constraints constraints.txt
    # shellcheck disable=SC2086
    install_packages requested.txt $constraints
    check_packages
fi
mark_links
compile_packages
mkdir -p "${list%/*}"
list_packages >"$list"
