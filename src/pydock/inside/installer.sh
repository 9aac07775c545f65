# What the other programs here share. Sourced, never run; POSIX sh, because images may have no bash.
# shellcheck shell=sh
#
# The build mounts this folder, a cache at /root/.cache, and if there are any the secrets /etc/pip.conf, /root/.netrc and
# /run/secrets/ca.pem. CA certificates may also be in this folder.

here=${0%/*}
cache=/root/.cache
read -r installer <"$here/installer"

for certificates in "$here/ca.pem" /run/secrets/ca.pem; do
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

# Removed at the end, so nothing of it is in the image.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TMPDIR="$work"

# uv does not read pip.conf; pydock writes the same settings for uv into its comments.
if [ -f /etc/pip.conf ]; then
    sed -n 's/^# uv: //p' /etc/pip.conf >"$work/uv.toml"
    if [ -s "$work/uv.toml" ]; then export UV_CONFIG_FILE="$work/uv.toml"; fi
fi

# Sets $uv to the path of uv, or to nothing if pip installs: by the settings, before Python 3.8, or if uv was not found.
find_uv() {
    uv=
    if [ "$installer" != uv ]; then return; fi
    case $(python3 -V) in "Python 3."[0-7].*) return ;; esac
    kept=$cache/pydock/$(uname -m)
    for library in /lib/ld-musl-*; do
        if [ -e "$library" ]; then kept=$kept-musl; fi
    done
    if [ ! -x "$kept/bin/uv" ]; then
        mkdir -p "$cache/pydock"
        new=$(mktemp -d "$cache/pydock/new.XXXXXX")
        python3 -m pip install --quiet --target "$new" uv && mv "$new" "$kept" || rm -rf "$new"
    fi
    if [ -x "$kept/bin/uv" ]; then uv=$kept/bin/uv; fi
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

# install_packages OPTION… - options that pip and uv share
install_packages() {
    if [ "$uv" ]; then with_variables "$uv" pip install "$@"; else with_variables python3 -m pip install "$@"; fi &&
        forget_values
}

# Write ${NAME} in place of the values of variables into what an installer recorded.
forget_values() {
    if ! grep -q '^# env: ' /etc/pip.conf 2>/dev/null; then return; fi
    python3 "$here/forget_values.py" "$work/start"
}

check_packages() {
    if [ "$uv" ]; then "$uv" pip check; else python3 -m pip check; fi
}

# list_packages - one name==version per line
list_packages() {
    if [ "$uv" ]; then "$uv" pip freeze; else python3 -m pip freeze --all; fi
}

# Compile what was installed since $work/start; pip has done so already.
compile_packages() {
    if [ "$uv" ]; then echo "Compiling bytecode" && python3 "$here/compile_bytecode.py" "$cache/pydock/bytecode" "$work/start"; fi
}

has_requirements() {
    grep -q '^[[:space:]]*[^#[:space:]]' "$1"
}

: >"$work/start"
