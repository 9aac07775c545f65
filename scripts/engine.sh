#!/usr/bin/env bash
# Make sure that a Docker engine with buildx is running on this machine.
#
#   scripts/engine.sh          use the running engine. If none is running, start the installed
#                              one. If none is installed, install one (as root on Debian or Ubuntu).
#   scripts/engine.sh --stop   stop the engine, if this script started it

set -euo pipefail
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
# shellcheck source-path=SCRIPTDIR source=machine.sh
. "$(dirname "${BASH_SOURCE[0]}")/machine.sh"

readonly SECONDS_TO_START=60
readonly SECONDS_TO_STOP=30

engine_is_running() {
    has docker && timeout 10 docker version >/dev/null 2>&1
}

buildx_works() {
    has docker && timeout 10 docker buildx version >/dev/null 2>&1
}

# ---- problems that this script cannot fix -------------------------------------------------

engine_address() {
    docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null ||
        printf '%s\n' "${DOCKER_HOST:-unix:///var/run/docker.sock}"
}

refuse_remote_engine() {
    local address
    address=$(engine_address)
    case $address in
        unix:///var/run/docker.sock | unix:///run/docker.sock) ;;
        *) fail "The Docker engine at $address does not respond, and this script cannot start it." \
            "Start it, or switch to the local engine (unset DOCKER_HOST; docker context use default)." ;;
    esac
}

refuse_without_root() {
    ! is_root || return 0
    if engine_is_running; then
        fail "The Docker engine is running, but its buildx plugin is missing. Only root can install it: sudo $0"
    fi
    if [[ $(docker version 2>&1) == *'permission denied'* ]]; then
        fail "A Docker engine is running, but $(id -un) does not have permission to use it." \
            "Run 'sudo usermod -aG docker $(id -un)', then log in again."
    fi
    fail "No Docker engine is running. Only root can start or install one: sudo $0"
}

# ---- install ------------------------------------------------------------------------------

is_debian_12() {
    [[ $(os_release ID) == debian && $(os_release VERSION_ID) == 12 ]]
}

is_supported_system() {
    local version
    has apt-get || return 1
    version=$(os_release VERSION_ID)
    case $(os_release ID) in
        # testing and unstable have no version number
        debian) [[ ${version:-99} -ge 12 ]] ;;
        ubuntu) [[ ${version%%.*} -ge 22 ]] ;;
        *) false ;;
    esac
}

engine_packages() {
    echo docker.io iptables iproute2 docker-buildx
    case $(os_release ID) in
        debian) echo docker-cli docker-compose ;;
        ubuntu) echo docker-compose-v2 ;;
    esac
}

buildx_package() {
    if dpkg -s docker-ce-cli >/dev/null 2>&1; then
        echo docker-buildx-plugin
    else
        echo docker-buildx
    fi
}

# Debian 12 ships engine 20.10 without buildx. The packages of Debian 13 run on Debian 12. The pin
# selects only these packages from Debian 13.
add_debian_13_source() {
    local mirror keyring
    IFS=$'\t' read -r mirror keyring < <(debian_source) ||
        fail "No Debian mirror found in /etc/apt/sources.list*." \
            "Install Docker Engine 23 or newer with buildx manually."
    {
        printf 'Types: deb\nURIs: %s\nSuites: trixie\nComponents: main\n' "$mirror"
        [[ -z $keyring ]] || printf 'Signed-By: %s\n' "$keyring"
    } >/etc/apt/sources.list.d/pydock-trixie.sources
    cat >/etc/apt/preferences.d/pydock-trixie <<'PIN'
Package: *
Pin: release n=trixie
Pin-Priority: 100

Package: docker.io docker-cli docker-buildx docker-compose
Pin: release n=trixie
Pin-Priority: 990
PIN
}

install_missing() {
    local what=$1
    shift
    is_supported_system ||
        fail "$what is not installed. This script can install it only on Debian 12 or newer and Ubuntu" \
            "22.04 or newer. Install Docker Engine 23 or newer with buildx manually."
    say "Installing $what"
    ! is_debian_12 || add_debian_13_source
    install_packages "$STATE/install.log" "$@" ||
        fail "Installing $what failed. Fix the problem shown above, then run $0 again."
    hash -r
}

install_engine() {
    local packages
    read -r -d '' -a packages < <(engine_packages) || true
    install_missing "Docker Engine" "${packages[@]}"
}

# ---- start and stop -----------------------------------------------------------------------

# The process ID may have been reused. ID and start time together identify the process.
start_time_of() {
    sed -e 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20
}

our_engine_is_running() {
    local pid start_time
    read -r pid start_time 2>/dev/null <"$PID_FILE" &&
        [[ -n $start_time && $(start_time_of "$pid") == "$start_time" ]]
}

# The engine must keep running after the caller exits. It must not inherit open files: not the
# terminal, not a pipe (the reader would wait forever for the end), not this script's lock.
start_in_background() {
    (
        cd /
        umask 022
        for fd in /proc/self/fd/*; do
            fd=${fd##*/}
            [[ $fd -le 2 ]] || exec {fd}>&-
        done
        exec setsid dockerd
    ) </dev/null >"$ENGINE_LOG" 2>&1 &
    printf '%s %s\n' "$!" "$(start_time_of "$!")" >"$PID_FILE"
}

wait_for_engine() {
    local started=$SECONDS
    until engine_is_running; do
        [[ $((SECONDS - started)) -lt $SECONDS_TO_START ]] || return 1
        ! [[ -e $PID_FILE ]] || our_engine_is_running || return 1
        sleep 0.2
    done
}

start_engine() {
    say "Starting the Docker engine"
    rm -f "$PID_FILE"
    if [[ -d /run/systemd/system ]]; then
        systemctl start docker </dev/null >"$ENGINE_LOG" 2>&1 9>&- || true
    elif [[ -e /run/openrc/softlevel ]]; then
        rc-service docker start </dev/null >"$ENGINE_LOG" 2>&1 9>&- || true
    elif [[ $(cat /proc/1/comm) == init && -x /etc/init.d/docker ]]; then
        service docker start </dev/null >"$ENGINE_LOG" 2>&1 9>&- || true
    else
        start_in_background
    fi
    wait_for_engine && return
    tail -n 15 "$ENGINE_LOG" | sed 's/^/    /' >&2
    fail "The Docker engine was started but does not respond. The end of its log is shown above. The full" \
        "log is $ENGINE_LOG. (Inside a container, the engine requires --privileged or the host's Docker socket.)"
}

stop_engine() {
    if ! our_engine_is_running; then
        say "No engine started by this script is running. Nothing to stop."
        return
    fi
    local pid started=$SECONDS
    read -r pid _ <"$PID_FILE"
    say "Stopping the Docker engine"
    kill "$pid"
    while our_engine_is_running; do
        [[ $((SECONDS - started)) -lt $SECONDS_TO_STOP ]] ||
            fail "The engine (process $pid) did not stop within $SECONDS_TO_STOP seconds. Log: $ENGINE_LOG"
        sleep 0.2
    done
    rm -f "$PID_FILE"
}

ensure_engine() {
    if ! engine_is_running; then
        if ! has docker || ! has dockerd; then
            install_engine
        fi
        # installing the package may have started it
        engine_is_running || start_engine
    fi
    buildx_works || install_missing "Docker's buildx plugin" "$(buildx_package)"
    buildx_works || fail "'docker buildx' still does not work. Run 'docker buildx version' to see the error."
}

set_paths() {
    STATE=$(state_directory)
    PID_FILE=$STATE/dockerd.pid
    ENGINE_LOG=$STATE/dockerd.log
}

main() {
    case ${1-} in
        '')
            ! { engine_is_running && buildx_works; } || return 0
            [[ $(uname -s) == Linux ]] ||
                fail "No Docker engine is running. Start Docker Desktop (or colima), then run $0 again."
            engine_is_running || refuse_remote_engine
            refuse_without_root
            set_paths
            acquire_lock "$STATE/engine.lock"
            ensure_engine
            ;;
        --stop)
            set_paths
            acquire_lock "$STATE/engine.lock"
            stop_engine
            ;;
        *)
            sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
            exit 2
            ;;
    esac
}

main "$@"
