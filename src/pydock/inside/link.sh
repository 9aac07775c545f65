#!/bin/sh
# Link projects: install their editable wheels, without the packages that they need, which requirements.txt has.
#
#   projects.txt  the wheels, as requirements
#   links         their names and the folders of the projects
set -eu
. "${0%/*}/installer.sh"

cd "$requirements"
find_uv projects.txt
record_conflicts
remove_old_links
install_packages projects.txt --no-deps
mark_links
compile_packages
check_packages ||
    echo "warning: requirements.txt lacks what a linked project needs. \`pydock install NAME -e PATH\` adds it."
