#!/usr/bin/env bash
# Make a Docker engine with buildx answer on this machine.
#
#   scripts/engine.sh          use the one that runs, else start the one that is installed,
#                              else (root on Debian or Ubuntu) install one and start it
#   scripts/engine.sh --stop   stop the engine, if it is one that this script started

set -euo pipefail
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
# shellcheck source-path=SCRIPTDIR source=machine.sh
. "$(dirname "${BASH_SOURCE[0]}")/machine.sh"

readonly SECONDS_TO_START=60
readonly SECONDS_TO_STOP=30

engine_answers() {
    has docker && timeout 10 docker version >/dev/null 2>&1
}

buildx_works() {
    has docker && timeout 10 docker buildx version >/dev/null 2>&1
}

# ---- what nothing done here would mend ----------------------------------------------------

address_in_use() {
    docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null ||
        printf '%s\n' "${DOCKER_HOST:-unix:///var/run/docker.sock}"
}

refuse_another_machines_engine() {
    local address
    address=$(address_in_use)
    case $address in
        unix:///var/run/docker.sock | unix:///run/docker.sock) ;;
        *) fail "the engine at $address does not answer, and it is not one that can be started" \
            "here: start it, or turn to this machine's own (unset DOCKER_HOST, docker context use default)" ;;
    esac
}

refuse_without_root() {
    ! is_root || return 0
    if engine_answers; then
        fail "the engine answers, but its buildx plugin is missing, and only root can install it: sudo $0"
    fi
    if [[ $(docker version 2>&1) == *'permission denied'* ]]; then
        fail "an engine runs, but $(id -un) may not talk to it:" \
            "sudo usermod -aG docker $(id -un), then log in again"
    fi
    fail "no Docker engine answers, and only root can start or install one: sudo $0"
}

# ---- install ------------------------------------------------------------------------------

is_debian_12() {
    [[ $(os_release ID) == debian && $(os_release VERSION_ID) == 12 ]]
}

system_is_known() {
    local version
    has apt-get || return 1
    version=$(os_release VERSION_ID)
    case $(os_release ID) in
        # testing and unstable have no number
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

# Debian 12's own engine is 20.10, without buildx. Debian 13's packages run on Debian 12; the
# pin takes these few from there and leaves everything else as it is.
add_debian_13_source() {
    local mirror keyring
    IFS=$'\t' read -r mirror keyring < <(debian_source) ||
        fail "cannot tell which Debian mirror this machine uses: nothing in /etc/apt/sources.list*" \
            "fits; install Docker Engine 23 or newer with buildx by hand"
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

install_what_is_missing() {
    local what=$1
    shift
    system_is_known ||
        fail "$what is missing, and this script installs it only on Debian 12 or newer and Ubuntu" \
            "22.04 or newer: install Docker Engine 23 or newer with buildx by hand"
    say "installing $what"
    ! is_debian_12 || add_debian_13_source
    install_packages "$STATE/install.log" "$@" ||
        fail "$what could not be installed: mend what is said above, then run $0 again"
    hash -r
}

install_engine() {
    local packages
    read -r -d '' -a packages < <(engine_packages) || true
    install_what_is_missing "Docker Engine" "${packages[@]}"
}

# ---- start and stop -----------------------------------------------------------------------

# The number of the process alone could be another's by now; with its start time it is not.
start_time_of() {
    sed -e 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20
}

our_process_runs() {
    local pid start_time
    read -r pid start_time 2>/dev/null <"$PID_FILE" &&
        [[ -n $start_time && $(start_time_of "$pid") == "$start_time" ]]
}

# It must outlive whoever called us, and must not hold anything of theirs open: their
# terminal, their pipes (a caller that reads to the end would wait for ever), our own lock.
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

wait_for_answer() {
    local started=$SECONDS
    until engine_answers; do
        [[ $((SECONDS - started)) -lt $SECONDS_TO_START ]] || return 1
        ! [[ -e $PID_FILE ]] || our_process_runs || return 1
        sleep 0.2
    done
}

start_engine() {
    say "starting the engine"
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
    wait_for_answer && return
    tail -n 15 "$ENGINE_LOG" | sed 's/^/    /' >&2
    fail "the engine was started but does not answer; its last lines are above, all of them in" \
        "$ENGINE_LOG (inside a container it needs --privileged, or the outer engine's socket)"
}

stop_engine() {
    if ! our_process_runs; then
        say "no engine that this script started is running; nothing to stop"
        return
    fi
    local pid started=$SECONDS
    read -r pid _ <"$PID_FILE"
    say "stopping the engine"
    kill "$pid"
    while our_process_runs; do
        [[ $((SECONDS - started)) -lt $SECONDS_TO_STOP ]] ||
            fail "the engine (process $pid) did not stop within $SECONDS_TO_STOP seconds; its log: $ENGINE_LOG"
        sleep 0.2
    done
    rm -f "$PID_FILE"
}

make_engine_answer() {
    if ! engine_answers; then
        if ! has docker || ! has dockerd; then
            install_engine
        fi
        # a package may have started it
        engine_answers || start_engine
    fi
    buildx_works || install_what_is_missing "Docker's buildx plugin" "$(buildx_package)"
    buildx_works || fail "'docker buildx' still does not work; what it says: docker buildx version"
}

read_state() {
    STATE=$(state_folder)
    PID_FILE=$STATE/dockerd.pid
    ENGINE_LOG=$STATE/dockerd.log
}

main() {
    case ${1-} in
        '')
            ! { engine_answers && buildx_works; } || return 0
            [[ $(uname -s) == Linux ]] ||
                fail "no Docker engine answers: start Docker Desktop (or colima), then run $0 again"
            engine_answers || refuse_another_machines_engine
            refuse_without_root
            read_state
            wait_for_turn "$STATE/engine.lock"
            make_engine_answer
            ;;
        --stop)
            read_state
            wait_for_turn "$STATE/engine.lock"
            stop_engine
            ;;
        *)
            sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
            exit 2
            ;;
    esac
}

main "$@"
