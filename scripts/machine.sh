# What engine.sh and offline/base-image.sh both ask of the machine. Sourced, never run.
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

# A folder of our own for locks, logs and pid files: gone after a restart, as the processes are.
state_folder() {
    local folder=/run/pydock
    is_root || folder=${XDG_RUNTIME_DIR:-/tmp}/pydock-$EUID
    mkdir -p "$folder"
    chmod 0700 "$folder" 2>/dev/null || fail "$folder belongs to somebody else; remove it and try again"
    printf '%s\n' "$folder"
}

# One at a time: the lock stays until this process ends, file descriptor 9 with it.
wait_for_turn() {
    local lock=$1
    exec 9>"$lock"
    flock -n 9 && return
    say "another ${0##*/} is at work, waiting for it"
    flock -w 900 9 || fail "the other ${0##*/} did not finish within 15 minutes; lock: $lock"
}

# Silent when all goes well; the last lines of the output when it does not.
run_logged() {
    local log=$1
    shift
    "$@" </dev/null >>"$log" 2>&1 && return
    say "this failed: $*"
    tail -n 15 "$log" | sed 's/^/    /' >&2
    say "the whole output: $log"
    return 1
}

apt_get() {
    DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
        apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold "$@"
}

# Sources that cannot be reached make an update fail though the ones that matter were read:
# the install that follows is the judge.
install_packages() {
    local log=$1
    shift
    : >"$log"
    apt_get update </dev/null >>"$log" 2>&1 || true
    run_logged "$log" apt_get install --no-install-recommends "$@"
}

# The value of a field of /etc/os-release, e.g. VERSION_CODENAME.
os_release() {
    # shellcheck source=/dev/null
    (set +u; . /etc/os-release && printf '%s\n' "${!1}") 2>/dev/null || true
}

# "URI<tab>keyring" of the mirror that this machine itself takes its Debian packages from, in
# either of apt's two formats. The keyring is empty where the sources name none.
debian_source() {
    local suite
    suite=$(os_release VERSION_CODENAME)
    # shellcheck disable=SC2016 # awk's own dollars
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
