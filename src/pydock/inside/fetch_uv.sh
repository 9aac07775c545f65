#!/bin/sh
# Download the wheel of uv that fits this machine to /wheels. pydock compares its checksum once more and unpacks it,
# because this image may be anybody's. Before Python 3.8 pip installs.
#
#   uv.txt  the version of uv, with the checksums of its files
set -eu
. "${0%/*}/installer.sh"

mkdir -p /wheels
case $(python3 -V) in "Python 3."[0-7].*) exit ;; esac
# A uv for musl is linked statically, so it runs with glibc too. For two machines there is none.
machine=$(uname -m)
case $machine in
    ppc64le | s390x) platform=manylinux2014_$machine ;;
    *) platform=musllinux_1_1_$machine ;;
esac
python3 -m pip download --quiet --no-cache-dir --no-deps --require-hashes --only-binary=:all: \
    --platform "$platform" --dest /wheels --requirement "$requirements/uv.txt"
