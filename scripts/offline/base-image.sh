#!/usr/bin/env bash
# Make python:VERSION available to the Docker engine, for each VERSION (a tag of the official
# image: 3.12, 3.8.18, 3.12-slim, 3.13-trixie, 3.12-alpine).
#
#   scripts/offline/base-image.sh [--nearest] VERSION...
#
# An image that the engine already has is left unchanged. Otherwise the image is pulled. If no
# registry can be reached, a stand-in is built from a pyenv interpreter or Debian's own Python, on
# a Debian made with debootstrap.
#
#   --nearest   if VERSION is not available, provide the nearest minor version that is
#
# Prints the versions that are now available, one per line. Everything else goes to stderr.

set -euo pipefail
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SCRIPTS=$(dirname "$HERE")
readonly HERE SCRIPTS
# shellcheck source-path=SCRIPTDIR source=../machine.sh
. "$SCRIPTS/machine.sh"

readonly BASE=pydock-stand-in-debian
readonly ALL_SUITES='bullseye bookworm trixie'

# Remembered after the first pull, because each pull from an unreachable registry may wait for a timeout.
REGISTRY=unknown

# ---- existing and pulled images -----------------------------------------------------------

is_present() {
    docker image inspect --format '{{.Id}}' "$1" >/dev/null 2>&1
}

pull() {
    local tag=$1 answer
    [[ $REGISTRY != unreachable ]] || return 1
    say "Pulling $tag"
    if answer=$(docker pull --quiet "$tag" 2>&1 >/dev/null); then
        REGISTRY=reachable
    elif [[ $answer =~ manifest.*(unknown|not\ found)|"$tag: not found" ]]; then
        REGISTRY=reachable
        return 1
    else
        REGISTRY=unreachable
        say "No registry can be reached: $(tail -n 1 <<<"$answer")"
        return 1
    fi
}

# ---- the source of a stand-in -------------------------------------------------------------

# Sets PYTHON (3.12 or 3.12.1), FLAVOUR (debian or busybox) and SUITE (empty if the tag names none).
read_tag() {
    local tag=$1 word
    PYTHON=${tag%%-*} FLAVOUR=debian SUITE=''
    [[ $PYTHON =~ ^[0-9]+\.[0-9]+(\.[0-9]+)?$ ]] || return 1
    local words=()
    [[ $tag == "$PYTHON" ]] || IFS=- read -ra words <<<"${tag#*-}"
    for word in "${words[@]}"; do
        case $word in
            slim) ;;
            alpine*) FLAVOUR=busybox ;;
            bullseye | bookworm | trixie) SUITE=$word ;;
            *) return 1 ;;
        esac
    done
}

minor_of() {
    cut -d . -f 1,2 <<<"$1"
}

pyenv_interpreters() {
    local directory
    for directory in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/* "$HOME"/.pyenv/versions/*; do
        [[ ${directory##*/} =~ ^3\.[0-9]+\.[0-9]+$ ]] || continue
        [[ -x $directory/bin/python$(minor_of "${directory##*/}") ]] || continue
        printf '%s\t%s\n' "${directory##*/}" "$directory"
    done | sort -u -V -k 1,1
}

# Prints the directory of the newest matching patch release. Fails if there is none.
pyenv_interpreter() {
    pyenv_interpreters | awk -F '\t' -v wanted="$1" '
        $1 == wanted || index($1, wanted ".") == 1 { directory = $2 }
        END { if (directory) print directory; else exit 1 }'
}

# An unknown suite is treated as the newest.
suite_number() {
    case $1 in
        bullseye) echo 11 ;;
        bookworm) echo 12 ;;
        *) echo 13 ;;
    esac
}

# The interpreters of this machine require the same C library or a newer one.
suite_runs_interpreters() {
    [[ $(suite_number "$1") -ge $(suite_number "$(os_release VERSION_CODENAME)") ]]
}

debian_python() {
    case $1 in
        bullseye) echo 3.9 ;;
        bookworm) echo 3.11 ;;
        trixie) echo 3.13 ;;
    esac
}

suite_with_python() {
    local suite
    for suite in $ALL_SUITES; do
        [[ $(debian_python "$suite") != "$1" ]] || echo "$suite"
    done
}

default_suite() {
    if suite_runs_interpreters bookworm; then echo bookworm; else echo trixie; fi
}

# Sets SUITE and INTERPRETER, the directory to copy from (empty for Debian's own Python).
choose_source() {
    local suite
    suite=${SUITE:-$(default_suite)}
    if INTERPRETER=$(pyenv_interpreter "$PYTHON") && suite_runs_interpreters "$suite"; then
        SUITE=$suite
        return
    fi
    INTERPRETER=''
    suite=$(suite_with_python "$PYTHON")
    [[ -n $suite && (-z $SUITE || $SUITE == "$suite") ]] || return 1
    # busybox is this machine's too
    [[ $FLAVOUR != busybox ]] || suite_runs_interpreters "$suite" || return 1
    SUITE=$suite
}

available_versions() {
    local suite list
    list=$(pyenv_interpreters | cut -f 1 | paste -s -d ' ' -)
    [[ -z $list ]] || printf '%s (pyenv), ' "$list"
    list=''
    for suite in $ALL_SUITES; do
        list+=", $(debian_python "$suite")-$suite"
    done
    printf '%s (Debian)\n' "${list#, }"
}

# ---- the Debian base ----------------------------------------------------------------------

libraries() {
    local suite=$1
    echo ca-certificates tzdata libsqlite3-0 libbz2-1.0 liblzma5 zlib1g libncursesw6 libexpat1 libuuid1
    case $suite in
        bullseye) echo libssl1.1 libffi7 libreadline8 ;;
        bookworm) echo libssl3 libffi8 libreadline8 ;;
        trixie) echo libssl3t64 libffi8 libreadline8t64 ;;
    esac
}

require_tool() {
    has "$1" && return
    { is_root && has apt-get; } || fail "$1 is required to build a stand-in. Install it, then run $0 again."
    say "Installing $1"
    install_packages "$LOG" "$1" || fail "Installing $1 failed. Fix the problem shown above, then run $0 again."
}

# Removes files that are specific to this machine, and files that only take up space.
tidy_debian() {
    local root=$1
    rm -rf "$root"/etc/{resolv.conf,hostname} "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* \
        "$root"/var/log/* "$root"/usr/share/{man,info,locale}/* "$root"/tmp/*
    find "$root/usr/share/doc" -type f ! -name copyright -delete
    # the URL of a mirror may contain a password
    sed -i -E 's#(://)[^/@ ]*@#\1#' "$root/etc/apt/sources.list"
}

# Runs in its own mount namespace, so that no /proc stays mounted in the new root after a failure.
bootstrap() {
    local suite=$1 root=$2 mirror=$3 keyring=$4 packages=$5
    unshare --mount debootstrap --variant=minbase --force-check-gpg ${keyring:+--keyring="$keyring"} \
        --include="$packages" "$suite" "$root" "$mirror"
}

import_debian() {
    local root=$1 image=$2 suite=$3
    tar -C "$root" --numeric-owner -c . | docker import \
        --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
        --change 'CMD ["bash"]' \
        --change 'LABEL pydock.stand-in="true"' \
        --change "LABEL org.opencontainers.image.description=\"Debian $suite, made with debootstrap: the base of pydock's stand-ins for the official Python images\"" \
        - "$image"
}

make_debian() {
    local image=$1 suite=$2 packages=$3 mirror keyring root=$WORK/debian
    ! is_present "$image" || return 0
    is_root || fail "Only root can build the Debian base of a stand-in: sudo $0 $ARGUMENTS"
    IFS=$'\t' read -r mirror keyring < <(debian_source) ||
        fail "No registry can be reached, and a stand-in can be built only on Debian with a mirror in" \
            "/etc/apt/sources.list*. Load the image python:$PYTHON with 'docker load' instead."
    require_tool debootstrap
    say "Building Debian $suite"
    run_logged "$LOG" bootstrap "$suite" "$root" "$mirror" "$keyring" "${packages// /,}" ||
        fail "Building Debian $suite failed. Fix the problem shown above, then run $0 again."
    tidy_debian "$root"
    run_logged "$LOG" import_debian "$root" "$image" "$suite" ||
        fail "Importing Debian $suite into the Docker engine failed. The error is shown above."
    rm -rf --one-file-system "$root"
}

# ---- Python -------------------------------------------------------------------------------

# Uses the layout of the official images. site-packages is left out, because packages installed
# on this machine do not belong in a base image.
copy_interpreter() {
    local from=$1 to=$2 minor=$3 file
    local programs=() wanted=()
    for file in "$from"/bin/{python"$minor"{,m},python"$minor"{,m}-config,pydoc"$minor",idle"$minor"}; do
        [[ ! -f $file ]] || programs+=("bin/${file##*/}")
    done
    for file in "$from"/{include/python"$minor"*,lib/python"$minor",lib/libpython*.so*,lib/pkgconfig/python*}; do
        [[ ! -e $file ]] || wanted+=("${file#"$from"/}")
    done
    mkdir -p "$to"
    tar -C "$from" -c --exclude=__pycache__ --exclude='*.py[co]' --exclude=test --exclude=tests \
        --exclude=idle_test --exclude='libpython*.a' --exclude='site-packages/*' \
        "${programs[@]}" "${wanted[@]}" | tar -C "$to" -x --no-same-owner
    local name
    for name in python pydoc idle; do
        ln -s "$name$minor" "$to/bin/${name}3"
        ln -s "${name}3" "$to/bin/$name"
    done
    ln -s "python$minor-config" "$to/bin/python3-config"
    ln -s python3-config "$to/bin/python-config"
    if has strip; then
        find "$to" -type f \( -name '*.so' -o -name '*.so.*' -o -name "python$minor" \) \
            -exec strip --strip-unneeded {} + 2>/dev/null || true
    fi
    # scripts contain the path in their first line, and sysconfig for building extension modules
    { grep -rlIF "$from" "$to" || true; } | xargs -r sed -i "s#$from#/usr/local#g"
}

interpreter_steps() {
    cat <<'STEPS'
COPY python /usr/local
RUN --network=none ldconfig && python3 -c 'import ssl, zlib' \
    && python3 -m ensurepip --default-pip && python --version && pip --version
STEPS
}

# Debian's pip refuses to install into a Python managed by apt. The official images have no such check.
debian_python_steps() {
    cat <<'STEPS'
RUN --network=none rm -f /usr/lib/python3*/EXTERNALLY-MANAGED \
    && for name in python python3; do ln -s /usr/bin/python3 /usr/local/bin/$name; done \
    && for name in pip pip3; do ln -s /usr/bin/pip3 /usr/local/bin/$name; done \
    && python --version && pip --version
STEPS
}

busybox_steps() {
    cat <<'STEPS'
COPY busybox busybox-root.sh /
RUN --network=none sh /busybox-root.sh /rootfs
FROM scratch
COPY --from=debian /rootfs /
STEPS
}

# Not busybox-static: its shell prefers its own applets, such as dpkg, to the programs on PATH.
fetch_busybox() {
    local to=$1 directory=$WORK/busybox-package
    mkdir "$directory"
    if ! download_package busybox "$directory" </dev/null >>"$LOG" 2>&1; then
        apt_get update </dev/null >>"$LOG" 2>&1 || true
        run_logged "$LOG" download_package busybox "$directory" ||
            fail "Downloading Debian's busybox package failed. The error is shown above."
    fi
    dpkg-deb -x "$directory"/*.deb "$directory/files"
    find "$directory/files" -type f -path '*/bin/busybox' -exec cp {} "$to" \;
}

download_package() {
    (cd "$2" && apt-get -q download "$1")
}

write_dockerfile() {
    local image=$1 version=$2 description=$3
    echo "FROM $image AS debian"
    if [[ -n $INTERPRETER ]]; then interpreter_steps; else debian_python_steps; fi
    [[ $FLAVOUR != busybox ]] || busybox_steps
    cat <<END
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \\
    LANG=C.UTF-8 PYTHON_VERSION=$version
LABEL pydock.stand-in="true" \\
    org.opencontainers.image.description="$description"
CMD ["python3"]
END
}

describe() {
    local tag=$1 version=$2 origin userland
    origin="Debian's Python"
    [[ -z $INTERPRETER ]] || origin="a pyenv interpreter"
    userland="Debian $SUITE without compilers"
    [[ $FLAVOUR != busybox ]] || userland="a busybox userland with glibc, not musl, and no package manager"
    echo "A stand-in for $tag, not the official image: Python $version ($origin) on $userland"
}

build() {
    local tag=$1 context=$2
    # only the builder with the docker driver can use images of the engine
    docker buildx build --builder "$(docker context show)" --progress plain \
        --file "$context/dockerfile" --tag "$tag" "$context"
}

build_stand_in() {
    local tag=$1 packages image=$BASE:$SUITE version context=$WORK/context
    packages=$(libraries "$SUITE" | paste -s -d ' ' -)
    rm -rf --one-file-system "${WORK:?}"/*
    mkdir "$context"
    if [[ -n $INTERPRETER ]]; then
        version=${INTERPRETER##*/}
    else
        image+=-python
        packages+=' python3 python3-venv python3-pip python3-setuptools python3-wheel'
    fi
    make_debian "$image" "$SUITE" "$packages"
    if [[ -n $INTERPRETER ]]; then
        copy_interpreter "$INTERPRETER" "$context/python" "$(minor_of "$version")"
    else
        version=$(docker run --rm --network none "$image" python3 -c 'import platform; print(platform.python_version())')
    fi
    if [[ $FLAVOUR == busybox ]]; then
        fetch_busybox "$context/busybox"
        cp "$HERE/busybox-root.sh" "$context"
    fi
    local description
    description=$(describe "$tag" "$version")
    write_dockerfile "$image" "$version" "$description" >"$context/dockerfile"
    say "Building $tag: $description"
    run_logged "$LOG" build "$tag" "$context" ||
        fail "Building the stand-in for $tag failed. The error is shown above."
}

# ---- main ---------------------------------------------------------------------------------

# Sets PROVIDED, empty if VERSION is not available. The result is not an exit status, because testing
# the status in a condition would disable 'set -e' inside the function.
provide() {
    local version=$1
    PROVIDED=''
    if is_present "python:$version" || pull "python:$version"; then
        PROVIDED=$version
    # if a registry can be reached, a tag that it does not have is not replaced by a stand-in
    elif [[ $REGISTRY == unreachable ]] && read_tag "$version" && choose_source; then
        build_stand_in "python:$version"
        PROVIDED=$version
    fi
}

# Prints the requested minor version without its patch number, then the minor versions around it in
# order of distance, the newer one first.
neighbours() {
    local version=$1 major minor patch rest distance
    rest=${version#"${version%%-*}"}
    IFS=. read -r major minor patch <<<"${version%%-*}"
    [[ -z $patch ]] || echo "$major.$minor$rest"
    for distance in {1..12}; do
        echo "$major.$((minor + distance))$rest"
        [[ $minor -lt $distance ]] || echo "$major.$((minor - distance))$rest"
    done
}

provide_nearest() {
    local version=$1 neighbour
    [[ ${version%%-*} =~ ^[0-9]+\.[0-9]+(\.[0-9]+)?$ ]] || return 0
    for neighbour in $(neighbours "$version"); do
        provide "$neighbour"
        [[ -n $PROVIDED ]] || continue
        say "python:$version is not available. Using python:$neighbour instead."
        return
    done
}

explain_failure() {
    local version=$1
    if [[ $REGISTRY == reachable ]]; then
        say "python:$version is not available: the registry has no such tag."
    else
        say "python:$version is not available: no registry can be reached and no stand-in can be built for it." \
            "Available versions: $(available_versions)"
    fi
}

all_are_present() {
    local version
    has docker || return 1
    for version; do
        is_present "python:$version" || return 1
    done
}

prepare() {
    "$SCRIPTS/engine.sh"
    local state
    state=$(state_directory)
    LOG=$state/base-image.log
    acquire_lock "$state/base-image.lock"
    : >"$LOG"
    WORK=$(mktemp -d "${TMPDIR:-/var/tmp}/pydock-stand-in.XXXXXX")
    trap 'rm -rf --one-file-system "$WORK"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

usage() {
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

main() {
    local nearest='' version failures=0
    ARGUMENTS=$*
    if [[ ${1-} == --nearest ]]; then
        nearest=yes
        shift
    fi
    [[ $# -gt 0 ]] || usage
    for version; do
        [[ $version =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]*$ ]] || usage
    done
    if ! all_are_present "$@"; then
        prepare
    fi
    for version; do
        provide "$version"
        [[ -n $PROVIDED || -z $nearest ]] || provide_nearest "$version"
        if [[ -n $PROVIDED ]]; then
            echo "$PROVIDED"
        else
            explain_failure "$version"
            failures=1
        fi
    done
    return "$failures"
}

main "$@"
