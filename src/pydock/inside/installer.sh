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

# Removed at the end, so nothing of it is in the image.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TMPDIR="$work"

# uv does not read pip.conf; pydock writes the same settings for uv into its comments.
if [ -f /etc/pip.conf ]; then
    sed -n 's/^# uv: //p' /etc/pip.conf >"$work/uv.toml"
    if [ -s "$work/uv.toml" ]; then export UV_CONFIG_FILE="$work/uv.toml"; fi
fi

# Sets $uv to the path of uv, or to nothing if pip installs: by the settings, before Python 3.8, or without a uv that runs.
find_uv() {
    uv=
    if [ "$installer" != uv ]; then return; fi
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
    if [ "$uv" ]; then echo "Compiling bytecode" && python3 -I "$here/compile_bytecode.py" "$work/start"; fi
}

has_requirements() {
    grep -q '^[[:space:]]*[^#[:space:]]' "$1"
}

: >"$work/start"
