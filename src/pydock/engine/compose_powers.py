"""What a docker-compose.yml opens of this machine: pure functions on Compose's canonical JSON.

A file that came with a repository is code. It may publish ports on this machine alone, mount folders of its own project, set
variables and limit resources. Everything else needs the user's trust, also what a later version of Compose adds.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pydock.trust import is_inside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Callable

    from pydock.engine.compose_sources import Sources

HARMLESS = {
    "build",
    "cap_drop",
    "command",
    "container_name",
    "cpu_count",
    "cpu_percent",
    "cpu_period",
    "cpu_quota",
    "cpu_shares",
    "cpus",
    "cpuset",
    "depends_on",
    "develop",
    "dns",
    "dns_opt",
    "dns_search",
    "domainname",
    "entrypoint",
    "environment",
    "expose",
    "extra_hosts",
    "healthcheck",
    "hostname",
    "image",
    "init",
    "mac_address",
    "mem_limit",
    "mem_reservation",
    "mem_swappiness",
    "memswap_limit",
    "networks",
    "pids_limit",
    "platform",
    "profiles",
    "pull_policy",
    "read_only",
    "restart",
    "scale",
    "shm_size",
    "stdin_open",
    "stop_grace_period",
    "stop_signal",
    "tmpfs",
    "tty",
    "ulimits",
    "user",
    "working_dir",
}
HARMLESS_NETWORK = {"attachable", "driver", "internal", "ipam", "labels", "name"}
HARMLESS_BUILD = {"args", "context", "dockerfile", "target"}
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
SOCKETS = {"docker.sock", "containerd.sock", "podman.sock"}
MAX_VALUE = 60  # characters of a value that a message shows


def powers_of(
    config: Mapping[str, Any], own: str, sources: Sources, root: str, environ: Mapping[str, str]
) -> tuple[str, ...]:
    """Return what the file would do that needs trust, each as words that follow "would".

    `own` is the environment's service. What is in the folder `root` is the file's to use.
    """
    found = [f"read other files ({name})" for name in sources.unknown]
    found += [f"read the file {path}" for path in sources.files if not _is_in(path, root)]
    given = [name for name in sources.variables if name in environ and name not in {"UID", "GID", "USER"}]
    for name in sorted({*given, *sources.inherited}):
        found.append(f"read your variable {name}")
    for name, service in config["services"].items():
        if name != own:
            image = service.get("image") or "one that it builds"
            found.append(f"run the service '{name}', with the image {image}")
        found += _service_powers(service, config, root)
    found += [*_file_powers(config, root), *_network_powers(config, own)]
    return tuple(dict.fromkeys(found))


def _file_powers(config: Mapping[str, Any], root: str) -> Iterator[str]:
    for kind in ("secrets", "configs"):
        for name, top in config.get(kind, {}).items():
            if "file" in top and not _is_in(top["file"], root):
                yield f"read the file {top['file']}"
            if top.get("external"):
                yield f"use '{name}' in '{kind}' of the engine"


def _network_powers(config: Mapping[str, Any], own: str) -> Iterator[str]:
    used: Mapping[str, Any] = config["services"].get(own, {}).get("networks") or {}
    for name, attributes in used.items():
        if (
            name != "default" or attributes
        ):  # the file chooses the network's name, which may be another project's
            yield f"join the network '{config['networks'][name]['name']}'"
    for name, top in config.get("networks", {}).items():
        if top.get("external") or top["name"] != f"{config.get('name')}_{name}":
            yield f"join the network '{top['name']}'"
        elif set(top) - HARMLESS_NETWORK or top.get("driver", "bridge") != "bridge":
            yield f"make the network '{name}' with options"


def _service_powers(service: Mapping[str, Any], config: Mapping[str, Any], root: str) -> Iterator[str]:
    for key, value in service.items():
        if value in (None, False, "", [], {}) or key.startswith("x-"):
            continue
        if key == "build":
            yield from _build(value, root)
        elif key == "volumes":
            yield from _volumes(value, config, root)
        elif key in POWERS:
            yield from POWERS[key](value)
        elif key not in HARMLESS:
            yield f"set '{key}' to {_shown(value)}"


def _build(build: Mapping[str, Any], root: str) -> Iterator[str]:
    context = str(build.get("context") or "")
    if not _is_in(context, root):
        yield f"build {context}"
    for key, value in build.items():
        if key not in HARMLESS_BUILD:
            yield f"build with '{key}' set to {_shown(value)}"


def _volumes(volumes: Any, config: Mapping[str, Any], root: str) -> Iterator[str]:
    for volume in volumes:
        source = volume.get("source") or ""
        if volume["type"] == "bind":
            if os.path.basename(source) in SOCKETS:
                yield f"control the engine, and with it this machine, through {source}"
            elif not _is_in(source, root):
                yield f"mount {source}{'' if volume.get('read_only') else ' (it can write there)'}"
            if (volume.get("bind") or {}).get("propagation"):
                yield f"change how {source} is mounted ('propagation')"
        elif volume["type"] == "volume" and source:
            top = config["volumes"][source]
            yield f"use the volume '{top['name']}'"
            if top.get("driver_opts") or top.get("driver", "local") != "local":
                yield f"mount {_shown(top.get('driver_opts') or top['driver'])} as a volume"
        elif volume["type"] not in {"volume", "tmpfs"}:
            yield f"mount {_shown(volume)}"


def _ports(ports: Any) -> Iterator[str]:
    for port in ports:
        address = port.get("host_ip")
        if address and address not in LOOPBACK:
            yield f"let other machines connect to port {port.get('published') or port['target']} ({address})"


def _deploy(deploy: Mapping[str, Any]) -> Iterator[str]:
    reserved = ((deploy.get("resources") or {}).get("reservations") or {}).get("devices")
    if reserved:
        yield f"use devices: {_shown(reserved)}"


def _network_mode(mode: str) -> Iterator[str]:
    if mode not in {"none", "bridge", "default"}:
        yield f"set 'network_mode' to {mode}"


POWERS: dict[str, Callable[[Any], Iterator[str]]] = {
    "configs": lambda _: iter(()),  # see `_file_powers`
    "deploy": _deploy,
    "network_mode": _network_mode,
    "ports": _ports,
    "secrets": lambda _: iter(()),
}


def _is_in(path: str, root: str) -> bool:
    return os.path.isabs(path) and is_inside(os.path.realpath(path), root)


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}…"
