# Functions shared by engine.sh and offline/base-image.sh. This file is sourced, not executed.
# shellcheck shell=bash

say() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
}

fail() {
    say "$@"
    exit 1
}

has() {
    command -v "$1" >/dev/null 2>&1
}

is_root() {
    [[ $EUID -eq 0 ]]
}

# A directory for locks, logs and PID files. Like the processes, it does not survive a reboot.
state_directory() {
    local directory=/run/pydock
    is_root || directory=${XDG_RUNTIME_DIR:-/tmp}/pydock-$EUID
    mkdir -p "$directory"
    chmod 0700 "$directory" 2>/dev/null || fail "$directory belongs to another user. Remove it and try again."
    printf '%s\n' "$directory"
}

# Only one instance may run at a time. The lock on file descriptor 9 is held until this process exits.
acquire_lock() {
    local lock=$1
    exec 9>"$lock"
    flock -n 9 && return
    say "Another ${0##*/} is running. Waiting for it to finish."
    flock -w 900 9 || fail "The other ${0##*/} did not finish within 15 minutes. Lock file: $lock"
}

# Prints nothing on success and the last lines of the output on failure.
run_logged() {
    local log=$1
    shift
    "$@" </dev/null >>"$log" 2>&1 && return
    say "Command failed: $*"
    tail -n 15 "$log" | sed 's/^/    /' >&2
    say "Full output: $log"
    return 1
}

apt_get() {
    DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
        apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold "$@"
}

# An update fails if any source is unreachable, even one that is not needed. The error is ignored,
# because the install that follows fails if a needed source is missing.
install_packages() {
    local log=$1
    shift
    : >"$log"
    apt_get update </dev/null >>"$log" 2>&1 || true
    run_logged "$log" apt_get install --no-install-recommends "$@"
}

# Prints a field of /etc/os-release, for example VERSION_CODENAME.
os_release() {
    # shellcheck source=/dev/null
    (set +u; . /etc/os-release && printf '%s\n' "${!1}") 2>/dev/null || true
}

# Prints "URI<tab>keyring" of the Debian mirror in this machine's apt sources, which may be in either
# of apt's two formats. The keyring is empty if the sources do not name one.
debian_source() {
    local suite
    suite=$(os_release VERSION_CODENAME)
    # shellcheck disable=SC2016 # the dollar signs are awk's
    find /etc/apt/sources.list /etc/apt/sources.list.d -maxdepth 1 -type f \
        \( -name '*.sources' -o -name '*.list' \) ! -name 'pydock-*' -print0 2>/dev/null |
        xargs -0 -r awk -v suite="$suite" '
            function found(uri, keyring) {
                if (keyring !~ /^\//) keyring = ""
                if (!printed++) print uri "\t" keyring
            }
            function end_of_stanza() {
                if (types ~ /(^| )deb( |$)/ && enabled !~ /no|false/ &&
                    (" " suites " ") ~ (" " suite " ") && (" " components " ") ~ / main /) {
                    split(uris, list, " ")
                    found(list[1], signed_by)
                }
                types = uris = suites = components = signed_by = enabled = ""
            }
            FNR == 1 { end_of_stanza(); deb822 = FILENAME ~ /\.sources$/ }
            { sub(/\r$/, "") }
            /^[ \t]*#/ { next }
            deb822 && /^[ \t]*$/ { end_of_stanza(); next }
            deb822 {
                field = tolower($1); value = $0; sub(/^[^:]*:[ \t]*/, "", value); gsub(/[ \t]+/, " ", value)
                if (field == "types:") types = value
                if (field == "uris:") uris = value
                if (field == "suites:") suites = value
                if (field == "components:") components = value
                if (field == "signed-by:") signed_by = value
                if (field == "enabled:") enabled = tolower(value)
                next
            }
            $1 == "deb" {
                keyring = ""
                if (match($0, /\[[^]]*\]/)) {
                    options = substr($0, RSTART + 1, RLENGTH - 2)
                    sub(/\[[^]]*\]/, "")
                    if (match(options, /signed-by=[^ ]+/)) keyring = substr(options, RSTART + 10, RLENGTH - 10)
                }
                if ($3 == suite && (" " $0 " ") ~ / main /) found($2, keyring)
            }
            END { end_of_stanza() }'
}
