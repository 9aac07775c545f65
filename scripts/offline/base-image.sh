#!/usr/bin/env bash
# Make python:VERSION available to the Docker engine, for each VERSION (a tag of the official
# image: 3.12, 3.8.18, 3.12-slim, 3.13-trixie, 3.12-alpine).
#
#   scripts/offline/base-image.sh [--nearest] VERSION...
#
# What the engine has is left alone, what a registry has is pulled. Only where no registry can
# be reached, a stand-in is built from what this machine has: an interpreter of pyenv, or
# Debian's own Python, on a Debian made by debootstrap.
#
#   --nearest   where VERSION cannot be had, provide the nearest minor version that can
#
# Prints the versions that it provided, one a line; everything else goes to stderr.

set -euo pipefail
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SCRIPTS=$(dirname "$HERE")
readonly HERE SCRIPTS
# shellcheck source-path=SCRIPTDIR source=../machine.sh
. "$SCRIPTS/machine.sh"

readonly BASE=pydock-stand-in-debian
readonly ALL_SUITES='bullseye bookworm trixie'

# Once a pull has failed for want of a registry, the next ones would too, perhaps after a time-out.
REGISTRY=unknown

# ---- what is there, what can be pulled ----------------------------------------------------

is_present() {
    docker image inspect --format '{{.Id}}' "$1" >/dev/null 2>&1
}

pull() {
    local tag=$1 answer
    [[ $REGISTRY != unreachable ]] || return 1
    say "pulling $tag"
    if answer=$(docker pull --quiet "$tag" 2>&1 >/dev/null); then
        REGISTRY=reachable
    elif [[ $answer =~ manifest.*(unknown|not\ found)|"$tag: not found" ]]; then
        REGISTRY=reachable
        return 1
    else
        REGISTRY=unreachable
        say "no registry can be reached: $(tail -n 1 <<<"$answer")"
        return 1
    fi
}

# ---- what a stand-in could be made of -----------------------------------------------------

# Sets PYTHON (3.12 or 3.12.1), FLAVOUR (debian or busybox) and SUITE ('' where the tag names none).
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
    local folder
    for folder in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/* "$HOME"/.pyenv/versions/*; do
        [[ ${folder##*/} =~ ^3\.[0-9]+\.[0-9]+$ ]] || continue
        [[ -x $folder/bin/python$(minor_of "${folder##*/}") ]] || continue
        printf '%s\t%s\n' "${folder##*/}" "$folder"
    done | sort -u -V -k 1,1
}

# The folder of the newest patch release that fits, or nothing.
pyenv_interpreter() {
    pyenv_interpreters | awk -F '\t' -v wanted="$1" '
        $1 == wanted || index($1, wanted ".") == 1 { folder = $2 }
        END { if (folder) print folder; else exit 1 }'
}

# Unknown ones are taken for the newest.
suite_number() {
    case $1 in
        bullseye) echo 11 ;;
        bookworm) echo 12 ;;
        *) echo 13 ;;
    esac
}

# An interpreter of this machine runs where the C library is the same or newer, not where it is older.
suite_runs_interpreters() {
    [[ $(suite_number "$1") -ge $(suite_number "$(os_release VERSION_CODENAME)") ]]
}

debians_python() {
    case $1 in
        bullseye) echo 3.9 ;;
        bookworm) echo 3.11 ;;
        trixie) echo 3.13 ;;
    esac
}

suite_with_python() {
    local suite
    for suite in $ALL_SUITES; do
        [[ $(debians_python "$suite") != "$1" ]] || echo "$suite"
    done
}

default_suite() {
    if suite_runs_interpreters bookworm; then echo bookworm; else echo trixie; fi
}

# Sets INTERPRETER to the folder to copy from ('' for Debian's own Python), and SUITE.
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
    # the busybox too is this machine's
    [[ $FLAVOUR != busybox ]] || suite_runs_interpreters "$suite" || return 1
    SUITE=$suite
}

what_can_be_had() {
    local suite list
    list=$(pyenv_interpreters | cut -f 1 | paste -s -d ' ' -)
    [[ -z $list ]] || printf '%s (pyenv), ' "$list"
    list=''
    for suite in $ALL_SUITES; do
        list+=", $(debians_python "$suite")-$suite"
    done
    printf '%s (Debian)\n' "${list#, }"
}

# ---- the Debian under it ------------------------------------------------------------------

libraries() {
    local suite=$1
    echo ca-certificates tzdata libsqlite3-0 libbz2-1.0 liblzma5 zlib1g libncursesw6 libexpat1 libuuid1
    case $suite in
        bullseye) echo libssl1.1 libffi7 libreadline8 ;;
        bookworm) echo libssl3 libffi8 libreadline8 ;;
        trixie) echo libssl3t64 libffi8 libreadline8t64 ;;
    esac
}

need_tool() {
    has "$1" && return
    { is_root && has apt-get; } || fail "$1 is needed to build a stand-in: install it, then run $0 again"
    say "installing $1"
    install_packages "$LOG" "$1" || fail "$1 could not be installed: mend what is said above"
}

# What is this machine's alone must not come along, and what only takes room need not.
tidy_debian() {
    local root=$1
    rm -rf "$root"/etc/{resolv.conf,hostname} "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* \
        "$root"/var/log/* "$root"/usr/share/{man,info,locale}/* "$root"/tmp/*
    find "$root/usr/share/doc" -type f ! -name copyright -delete
    # a mirror may be named with a password
    sed -i -E 's#(://)[^/@ ]*@#\1#' "$root/etc/apt/sources.list"
}

# In a mount namespace of its own, so that no /proc stays mounted in there whatever happens.
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
        --change "LABEL org.opencontainers.image.description=\"Debian $suite, made by debootstrap: what pydock's stand-ins for Python's official images are built on\"" \
        - "$image"
}

make_debian() {
    local image=$1 suite=$2 packages=$3 mirror keyring root=$WORK/debian
    ! is_present "$image" || return 0
    is_root || fail "only root can make the Debian for a stand-in: sudo $0 $ARGUMENTS"
    IFS=$'\t' read -r mirror keyring < <(debian_source) ||
        fail "no registry can be reached, and a stand-in can be built only on Debian (with its" \
            "mirror in /etc/apt/sources.list*): docker load the image python:$PYTHON instead"
    need_tool debootstrap
    say "making a Debian $suite"
    run_logged "$LOG" bootstrap "$suite" "$root" "$mirror" "$keyring" "${packages// /,}" ||
        fail "Debian $suite could not be made: mend what is said above, then run $0 again"
    tidy_debian "$root"
    run_logged "$LOG" import_debian "$root" "$image" "$suite" ||
        fail "the Debian made could not be brought into the engine: see above"
    rm -rf --one-file-system "$root"
}

# ---- the Python on it ---------------------------------------------------------------------

# As the official images have it, and with an empty site-packages: what was installed into the
# machine's own interpreter, or was changed in it, is no part of a plain Python.
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
    # first lines of scripts, and what builds of extension modules read
    { grep -rlIF "$from" "$to" || true; } | xargs -r sed -i "s#$from#/usr/local#g"
}

interpreter_steps() {
    cat <<'STEPS'
COPY python /usr/local
RUN --network=none ldconfig && python3 -c 'import ssl, zlib' \
    && python3 -m ensurepip --default-pip && python --version && pip --version
STEPS
}

# Debian's pip refuses to install beside apt; in an official image there is nothing beside it.
debians_python_steps() {
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
RUN --network=none sh /busybox-root.sh /root-folder
FROM scratch
COPY --from=debian /root-folder /
STEPS
}

# Not busybox-static: its shell runs its own applets, dpkg among them, before what is on PATH.
fetch_busybox() {
    local to=$1 folder=$WORK/busybox-package
    mkdir "$folder"
    if ! download_package busybox "$folder" </dev/null >>"$LOG" 2>&1; then
        apt_get update </dev/null >>"$LOG" 2>&1 || true
        run_logged "$LOG" download_package busybox "$folder" ||
            fail "Debian's package busybox could not be fetched: see above"
    fi
    dpkg-deb -x "$folder"/*.deb "$folder/files"
    find "$folder/files" -type f -path '*/bin/busybox' -exec cp {} "$to" \;
}

download_package() {
    (cd "$2" && apt-get -q download "$1")
}

write_dockerfile() {
    local image=$1 version=$2 description=$3
    echo "FROM $image AS debian"
    if [[ -n $INTERPRETER ]]; then interpreter_steps; else debians_python_steps; fi
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
    [[ -z $INTERPRETER ]] || origin="an interpreter of pyenv"
    userland="Debian $SUITE without compilers"
    [[ $FLAVOUR != busybox ]] || userland="a busybox userland with glibc, not musl, and no package manager"
    echo "A stand-in for $tag, not the official image: Python $version ($origin) on $userland"
}

build() {
    local tag=$1 context=$2
    # the builder of the docker driver is the one that sees the engine's own images
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
    say "building $tag: $description"
    run_logged "$LOG" build "$tag" "$context" ||
        fail "the stand-in for $tag could not be built: see above"
}

# ---- one version after the other ----------------------------------------------------------

# Sets PROVIDED, '' where VERSION cannot be had. Not a status: in a condition, 'set -e' would be
# off for everything below it.
provide() {
    local version=$1
    PROVIDED=''
    if is_present "python:$version" || pull "python:$version"; then
        PROVIDED=$version
    # a registry that answers has the last word on which tags there are
    elif [[ $REGISTRY == unreachable ]] && read_tag "$version" && choose_source; then
        build_stand_in "python:$version"
        PROVIDED=$version
    fi
}

# The asked minor without its patch number first, then one off, two off, …, the newer first.
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
        say "python:$version cannot be had; provided python:$neighbour instead"
        return
    done
}

explain_failure() {
    local version=$1
    if [[ $REGISTRY == reachable ]]; then
        say "there is no python:$version: the registry does not know it"
    else
        say "python:$version cannot be had: no registry can be reached, and nothing here makes a stand-in" \
            "for it; what can be had: $(what_can_be_had)"
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
    state=$(state_folder)
    LOG=$state/base-image.log
    wait_for_turn "$state/base-image.lock"
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
