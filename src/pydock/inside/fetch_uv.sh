#!/bin/sh
# Download the wheels of uv that fit this machine, for glibc and for musl, to /wheels. pydock compares their checksums
# once more and unpacks them itself, because this image may be anybody's. Before Python 3.8 pip installs.
#
#   uv.txt  the version of uv, with the checksums of its files
set -eu
. "${0%/*}/installer.sh"

fetch() {
    python3 -m pip download --quiet --no-cache-dir --no-deps --require-hashes --only-binary=:all: \
        --platform "$1_$(uname -m)" --dest /wheels --requirement "$requirements/uv.txt"
}

mkdir -p /wheels
case $(python3 -V) in "Python 3."[0-7].*) exit ;; esac
fetch manylinux2014
fetch musllinux_1_1 || echo "There is no uv for musl; pip installs there."
