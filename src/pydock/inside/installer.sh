# What the other programs here share. Sourced, never run; POSIX sh, because images may have no bash.
# shellcheck shell=sh
#
# The build mounts this folder, a cache at /root/.cache, and if there are any the secrets /etc/pip.conf, /root/.netrc and
# /run/secrets/ca.pem. A step of pydock's own also mounts what it is to install, and CA certificates, at /requirements.
#
# The cache is the environment's own. Its packages can write to it, so no other environment may use it, and no program
# of pydock's is taken from it.

here=${0%/*}
requirements=/requirements
cache=/root/.cache
read -r installer <"$here/installer"

for certificates in "$requirements/ca.pem" /run/secrets/ca.pem; do
    if [ -f "$certificates" ]; then
        export SSL_CERT_FILE="$certificates" PIP_CERT="$certificates" GIT_SSL_CAINFO="$certificates"
        break
    fi
done
if [ -f /etc/pip.conf ]; then export PIP_CONFIG_FILE=/etc/pip.conf; fi
if [ -f /root/.netrc ]; then export NETRC=/root/.netrc; fi
export PIP_CACHE_DIR="$cache/pip" PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_BREAK_SYSTEM_PACKAGES=1
export UV_CACHE_DIR="$cache/uv" UV_LINK_MODE=copy UV_COMPILE_BYTECODE=0 UV_BREAK_SYSTEM_PACKAGES=1 UV_SYSTEM_PYTHON=1
export UV_PYTHON_DOWNLOADS=never
# The Python that the environment's programs find, which may be in a virtual environment of the base image.
UV_PYTHON=$(command -v python3) && export UV_PYTHON

# Removed at the end, so nothing of it is in the image.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TMPDIR="$work"

# uv does not read pip.conf; pydock writes the same settings for uv into its comments.
if [ -f /etc/pip.conf ]; then
    sed -n 's/^# uv: //p' /etc/pip.conf >"$work/uv.toml"
    if [ -s "$work/uv.toml" ]; then export UV_CONFIG_FILE="$work/uv.toml"; fi
fi

# find_uv FILE… - set $uv to the path of uv, or to nothing if pip installs: by the settings, before Python 3.8, without a uv that
# runs, or if a requirements file has an option that uv does not have.
find_uv() {
    uv=
    if [ "$installer" != uv ]; then return; fi
    if grep -Eqs -e '^--(prefer-binary|use-feature)' -e '[[:space:]].?--config-settings' "$@"; then return; fi
    case $(python3 -V) in "Python 3."[0-7].*) return ;; esac
    if "$here/uv" --version >/dev/null 2>&1; then uv=$here/uv; fi
}

# with_variables COMMAND… - run an installer with the variables that requirement lines name. pydock writes them into the
# comments of pip.conf. The function is a subshell, so no other program gets them.
with_variables() (
    if [ -f /etc/pip.conf ]; then
        while IFS= read -r line; do
            case $line in '# env: '*) export "${line#'# env: '}" ;; esac
        done </etc/pip.conf
    fi
    "$@"
)

# install_packages FILE CONSTRAINT… - install a requirements file, with options that name constraints files
install_packages() {
    file=$1
    shift
    if [ "$uv" ]; then
        install_with_uv "$file" "$@" || pip_instead
    fi
    if [ ! "$uv" ]; then with_variables python3 -m pip install --requirement "$file" "$@"; fi
    forget_values
}

install_with_uv() {
    file=$1
    shift
    set_uv_options "$file"
    case "$#$uv_options" in
        [1-9]*--require-hashes*) # uv wants hashes of constraints too, so it applies them before
            # shellcheck disable=SC2086 # words without blanks
            run_uv pip compile --quiet --no-deps ${uv_options%%--require-hashes*} "$@" "$file" >/dev/null || return
            set --
            ;;
    esac
    # shellcheck disable=SC2086 # words without blanks
    run_uv pip install --requirement "$file" $uv_options "$@"
}

# run_uv ARGUMENT… - run uv, and keep what it says on stderr in $work/said
run_uv() {
    rm -f "$work/failed"
    { with_variables "$uv" "$@" 2>&1 >&3 3>&- || : >"$work/failed"; } 3>&1 | tee "$work/said" >&2
    [ ! -e "$work/failed" ]
}

# pip_instead - let pip do the rest, if uv has failed because it does not read the file name of an old release; else end
pip_instead() {
    grep -q 'non-PEP 625-compliant' "$work/said" || exit 1
    echo "uv does not read the file name of an old release, so pip installs"
    uv=
}

# set_constraints FILE… - set $constraints to the options for these files; uv warns about an empty one
set_constraints() {
    constraints=
    for file; do
        if has_requirements "$file"; then constraints="$constraints --constraint $file"; fi
    done
}

# set_uv_options FILE - set $uv_options to what uv needs to be told, because it ignores these lines of a requirements file
set_uv_options() {
    uv_options=
    while read -r option value || [ "$option" ]; do
        case $option in
            --*=*) value=${option#*=} option=${option%%=*} ;;
        esac
        case $option in
            --pre) option=--prerelease=allow ;;
            --trusted-host) option=--allow-insecure-host=$value ;;
            --extra-index-url) option=--index-strategy=unsafe-best-match ;; # pip takes the best version of all indexes
            -i | --index-url) # it replaces the index of pip.conf, which uv would prefer
                if [ -e "$work/uv.toml" ]; then sed -i '/^index-url = /d' "$work/uv.toml"; fi
                continue
                ;;
            *) continue ;;
        esac
        case "$uv_options " in
            *" $option "*) ;; # uv refuses to be told twice
            *) uv_options="$uv_options $option" ;;
        esac
    done <"$1"
    # pip asks for all hashes as soon as there is one
    if grep -Eq -e '^--require-hashes|--hash' "$1"; then uv_options="$uv_options --require-hashes"; fi
}

# Write ${NAME} in place of the values of variables into what an installer recorded.
forget_values() {
    if ! grep -q '^# env: ' /etc/pip.conf 2>/dev/null; then return; fi
    python3 "$here/forget_values.py" "$work/start"
}

# forget_pages - ask the index again. It may have told uv to keep its pages for ten minutes, in which a new release is not seen.
# uv has no option for pages alone: with --refresh, it may download all wheels again.
forget_pages() {
    if [ "$uv" ]; then rm -rf "$UV_CACHE_DIR"/simple-v* "$UV_CACHE_DIR"/flat-index-v*; fi
}

# record_conflicts - write down which of the installed packages do not fit each other: those of the base image are as they are
record_conflicts() {
    conflicted=
    find_conflicts "$work/conflicts-before" || conflicted=1
}

# check_packages - fail if there are conflicts that record_conflicts has not found
check_packages() {
    if find_conflicts "$work/conflicts"; then return; fi
    if [ "$conflicted" ] && [ -s "$work/conflicts-before" ]; then
        grep -vxF -f "$work/conflicts-before" "$work/conflicts" >"$work/conflicts-new" || return 0
    else
        cp "$work/conflicts" "$work/conflicts-new"
    fi
    if [ -s "$work/conflicts-new" ]; then
        echo "Found $(($(wc -l <"$work/conflicts-new"))) incompatibilities" >&2
        cat "$work/conflicts-new" >&2
    fi
    return 1
}

# find_conflicts FILE - write one conflict per line; fail if there are any
find_conflicts() {
    if [ "$uv" ]; then
        "$uv" pip check >"$work/check" 2>&1
    else
        python3 -m pip check >"$work/check"
    fi && rm -f "$1" && return
    grep -Ev '^(Using|Checked|Found) ' "$work/check" >"$1" || true
    return 1
}

# list_packages - one name==version per line, with hashes if there are any, the tools that packages need, and the packages of
# the base image that lack something, which no installer could install
list_packages() {
    if [ "$uv" ]; then "$uv" pip freeze; else python3 -m pip freeze --all; fi >"$work/all"
    sed -e '/^-e /d' -e '/^#/d' "$work/all" >"$work/list" # without links
    python3 -I "$here/needed_tools.py" >"$work/needed.txt"
    if [ -e "$requirements/hashes" ]; then hash_packages "$work/list"; else cat "$work/list"; fi
    cat "$work/needed.txt"
    if [ -e "$work/conflicts" ]; then
        sed -n -e 's/^The package `\([^`]*\)`.*/# conflicted: \1/p' \
            -e 's/^\([^ `]*\) [^ `]* requires .*/# conflicted: \1/p' \
            -e 's/^\([^ `]*\) [^ `]* has requirement .*/# conflicted: \1/p' "$work/conflicts"
    fi
}

# hash_packages FILE - the pins of the file, with their hashes
hash_packages() {
    grep -v ' @ ' "$1" >"$work/pins" || true
    grep ' @ ' "$1" || true
    # Those of the base image may not be in the index, and are not recorded unless something asks for them.
    for tool in pip setuptools wheel distribute; do
        if ! grep -Eqi "^(# needed: )?$tool([][ <>=!~;@]|\$)" "$work/needed.txt" "$requirements/requested.txt"; then
            sed -i "/^$tool==/d" "$work/pins"
        fi
    done
    if [ "$uv" ]; then
        set_uv_options "$requirements/requested.txt"
        # shellcheck disable=SC2086 # words without blanks
        set -- ${uv_options%%--require-hashes*}
        grep -e '^--' "$requirements/requested.txt" | grep -v -e '^--require-hashes' >"$work/to-hash" || true
        cat "$work/pins" >>"$work/to-hash"
        with_variables "$uv" pip compile --quiet --no-header --no-annotate --no-deps --generate-hashes "$@" "$work/to-hash"
    else
        while read -r pin; do
            mkdir "$work/download"
            with_variables python3 -m pip download --quiet --no-deps --dest "$work/download" "$pin" >&2
            printf '%s %s\n' "$pin" "$(python3 -m pip hash "$work"/download/* | grep -e '^--hash')"
            rm -r "$work/download"
        done <"$work/pins"
    fi
}

# remove_old_links - remove the packages that are to be links, or come from a new wheel; pip keeps one of the same version
remove_old_links() {
    if [ "$uv" ]; then return; fi
    for names in links replaced; do
        if [ -s "$names" ]; then cut -f 1 "$names"; fi
    done >"$work/old"
    if [ -s "$work/old" ]; then python3 -m pip uninstall --quiet --yes --requirement "$work/old"; fi
}

mark_links() {
    if [ -s links ]; then python3 -I "$here/mark_editable.py" links; fi
}

# Compile what was installed since $work/start; pip has done so already.
compile_packages() {
    if [ "$uv" ]; then echo "Compiling bytecode" && python3 -I "$here/compile_bytecode.py" "$work/start"; fi
    if command -v pytest >/dev/null; then python3 -I "$here/rewrite_plugins.py" || :; fi
}

has_requirements() {
    grep -q '^[[:space:]]*[^#[:space:]]' "$1"
}

: >"$work/start"
