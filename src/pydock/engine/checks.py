"""What `pydock doctor` concludes: each function makes one check from what is known already.

A check is passed, failed, or skipped because it depends on another or does not apply. A failed one has the command to type.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from pydock.engine.compose_cache import INSTALL_COMPOSE
from pydock.engine.configuration import CA_VARIABLES
from pydock.engine.endpoint import LOCAL_ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydock.engine.build_secrets import Network

# In the order in which they are shown.
NAMES = (
    "settings",
    "home",
    "client",
    "engine",
    "permission",
    "buildx",
    "compose",
    "location",
    "files",
    "selinux",
    "network",
    "index",
    "disk",
    "leftovers",
)
OLDEST = 23  # the engine that brings BuildKit as its default
NEEDED_AT_HOME = 1 << 20  # bytes: an environment has a few small files
LOOPBACK = ("localhost", "127.", "::1")
DESKTOPS = ("Docker Desktop", "OrbStack", "Rancher Desktop")
VIRTUAL_MACHINES = ("colima", "/.docker/run/", "/.docker/desktop/", "/.lima/", "/.rd/", "/.orbstack/")


class Check(NamedTuple):
    """One check: `ok` is None if it was skipped. The hint of a failed one is the command to type."""

    name: str
    ok: bool | None
    detail: str
    hint: str = ""

    def as_json(self) -> dict[str, Any]:
        return self._asdict()


def home_check(folder: str, needed: int = NEEDED_AT_HOME) -> Check:
    """Return whether environments can be written to a folder that may not be there yet: permission, and free bytes."""
    place = folder
    while not os.path.lexists(place):
        place = os.path.dirname(place)
    if not os.access(place, os.W_OK | os.X_OK):
        return Check("home", False, f"You cannot write to {place}.", f"ls -ld {shlex.quote(place)}")
    status = os.statvfs(place)
    free = status.f_bavail * status.f_frsize
    if free < needed:
        detail = f"The file system of {place} is full, so environments cannot be written."
        return Check("home", False, detail, f"df -h {shlex.quote(place)}")
    return Check("home", True, f"{place} can be written to")


def read_info(text: str) -> dict[str, Any]:
    """Return what `docker info` printed as JSON, {} if it is not that."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) and ("ClientInfo" in found or "ServerVersion" in found) else {}


def client_check(client: Sequence[str], info: Mapping[str, Any]) -> Check:
    """Return whether the client is Docker's; `info` is {} if what it prints is not."""
    words = shlex.join(client)
    if not info:
        return Check(
            "client", False, f"`{words} info` does not print what Docker's client prints.", f"{words} info"
        )
    version = _text(_table(info, "ClientInfo"), "Version")
    return Check("client", True, f"{words} {version}".strip())


def engine_check(client: Sequence[str], info: Mapping[str, Any]) -> Check:
    """Return whether the engine, which has answered, is new enough."""
    version = _text(info, "ServerVersion")
    major = re.match(r"\d+", version)
    if not major:
        return Check(
            "engine", False, "The engine does not tell its version.", f"{shlex.join(client)} version"
        )
    if int(major.group()) < OLDEST:
        return Check(
            "engine",
            False,
            f"Docker Engine {version} is too old; pydock needs {OLDEST} or newer. Install a newer one "
            "(https://docs.docker.com/engine/install/).",
            f"{shlex.join(client)} version",
        )
    driver = _text(info, "Driver")
    return Check("engine", True, f"Docker Engine {version}{f', {driver}' if driver else ''}")


def plugin_versions(info: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the client's plugins and their versions, None if the client does not tell."""
    plugins = _table(info, "ClientInfo").get("Plugins")
    if not isinstance(plugins, list):
        return None if "ClientInfo" not in info else {}
    found = [plugin for plugin in plugins if isinstance(plugin, dict)]
    return {_text(one, "Name"): _text(one, "Version") for one in found if not one.get("Err")}


def buildx_check(plugins: Mapping[str, str] | None) -> Check:
    """Return whether there is the plugin that builds images."""
    if plugins is None:
        return Check("buildx", None, "The client does not list its plugins.")
    if "buildx" in plugins:
        return Check("buildx", True, plugins["buildx"])
    return Check(
        "buildx",
        False,
        "Docker's buildx plugin was not found; pydock needs it to build images. It is in the package "
        "docker-buildx-plugin (from Docker) or docker-buildx (from your distribution).",
        "sudo apt-get install docker-buildx-plugin",
    )


def compose_check(plugins: Mapping[str, str] | None) -> Check:
    """Return whether there is the plugin that reads docker-compose.yml; most environments do not need it."""
    if plugins is not None and "compose" in plugins:
        return Check("compose", True, plugins["compose"])
    if plugins is None:
        return Check("compose", None, "The client does not list its plugins.")
    return Check(
        "compose",
        None,
        f"Not installed; only environments with a docker-compose.yml need it. {INSTALL_COMPOSE}",
    )


def location_check(endpoint: str, info: Mapping[str, Any], platform: str) -> Check:
    """Return where the engine is; one on another machine cannot mount folders of this one."""
    if endpoint and not endpoint.startswith(LOCAL_ENDPOINTS):
        return Check(
            "location",
            False,
            f"The engine is on another machine ({without_user(endpoint)}), so it cannot mount folders of this one.",
            "unset DOCKER_HOST DOCKER_CONTEXT; docker context use default",
        )
    system = _text(info, "OperatingSystem")
    desktop = next((name for name in DESKTOPS if name in system), "")
    if desktop or platform == "darwin" or any(word in endpoint for word in VIRTUAL_MACHINES):
        return Check("location", True, f"In a virtual machine of this computer ({desktop or system})")
    if is_rootless(info):
        return Check("location", True, "On this machine, rootless")
    return Check("location", True, "On this machine")


def is_rootless(info: Mapping[str, Any]) -> bool:
    """Return whether the engine runs as a user."""
    return any("rootless" in option for option in _security_options(info))


def selinux_check(info: Mapping[str, Any], *, enforces: bool) -> Check:
    """Return whether SELinux plays a part."""
    if not enforces:
        return Check("selinux", True, "Not enforced here")
    if any("name=selinux" in option for option in _security_options(info)):
        return Check(
            "selinux",
            True,
            "Enforced; runs use `--security-opt label=disable`, and no file gets another label",
        )
    return Check("selinux", True, "Enforced here, but not by the engine")


def _security_options(info: Mapping[str, Any]) -> list[str]:
    options = info.get("SecurityOptions")
    return [str(option) for option in options] if isinstance(options, list) else []


def network_check(
    network: Network, environ: Mapping[str, str], info: Mapping[str, Any], *, host_network: bool
) -> Check:
    """Return whether builds and runs can use the CA bundle and the proxies of this machine.

    `host_network`: they have this machine's network, and so its localhost.
    """
    for variable in CA_VARIABLES:
        path = environ.get(variable, "")
        if path and not os.path.isfile(path) and not network.ca_bundle:
            return Check("network", False, f"{variable} is {path}, which is not a file.", f"unset {variable}")
    for variable, value in network.proxies.items():
        host = _host_of(value)
        if variable.upper() != "NO_PROXY" and host.startswith(LOOPBACK) and not host_network:
            return Check(
                "network",
                False,
                f"{variable} is on {host}, which is the container itself for builds and runs. Use this machine's address, "
                "or this machine's network.",
                "export PYDOCK_BUILD_OPTIONS='--network host' PYDOCK_RUN_OPTIONS='--network host'",
            )
    parts = [f"CA bundle {network.ca_bundle}" if network.ca_bundle else "no CA bundle"]
    proxies = [name for name in network.proxies if name.upper() != "NO_PROXY"]
    engines = _text(info, "HttpsProxy") or _text(info, "HttpProxy")
    if proxies:
        parts.append(f"proxies {', '.join(proxies)}")
        if not engines:
            parts.append("the engine, which downloads base images, has none")
    elif engines:
        parts.append(f"no proxy, but the engine has one ({_host_of(engines)})")
    else:
        parts.append("no proxy")
    used = "Passed to builds and runs: " if network.ca_bundle or proxies else ""
    return Check("network", True, f"{used}{'; '.join(parts)}")


def remaps_users(info: Mapping[str, Any]) -> bool:
    """Return whether the engine gives containers other user ids."""
    return any("name=userns" in option for option in _security_options(info))


def in_order(checks: Sequence[Check], reason: str) -> list[Check]:
    """Return a check for each of the names; those that are missing were skipped for this reason."""
    found = {check.name: check for check in checks}
    return [found.get(name) or Check(name, None, reason) for name in NAMES]


def _host_of(address: str) -> str:
    try:
        return urlsplit(address if "://" in address else f"http://{address}").hostname or ""
    except ValueError:
        return ""


def without_user(endpoint: str) -> str:
    """Return an engine's address as it can be shown."""
    scheme, separator, rest = endpoint.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def _table(table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = table.get(name)
    return found if isinstance(found, dict) else {}


def _text(table: Mapping[str, Any], name: str) -> str:
    found = table.get(name)
    return found if isinstance(found, str) else ""
