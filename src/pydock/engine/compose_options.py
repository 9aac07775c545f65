"""What a service of a Compose file means as options of `docker run`: pure functions on Compose's canonical JSON.

`docker compose config --format json` has checked the file, so the shapes are Compose's
(https://docs.docker.com/reference/compose-file/services/). A key that has no equivalent is an error that names it.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from pydock import errors
from pydock.engine.argv import csv_record

if TYPE_CHECKING:
    from typing import Callable

LOOPBACK = "127.0.0.1"
MAX_VALUE = 60_000  # characters of a variable; the docker client reads env files in lines of at most 64 KiB
BUILD_ARGUMENTS = {"USER", "UID", "GID"}  # what pydock's own builds set
# What `docker compose run` does not apply either, or what pydock decides: the image, the command, the terminal.
NOT_FOR_RUNS = {
    "attach",
    "build",
    "command",
    "container_name",
    "depends_on",
    "deploy",
    "develop",
    "entrypoint",
    "image",
    "networks",
    "profiles",
    "pull_policy",
    "restart",
    "scale",
    "stdin_open",
    "tty",
}
ONE_VALUE = {
    "cgroup": "--cgroupns",
    "cgroup_parent": "--cgroup-parent",
    "cpu_count": "--cpu-count",
    "cpu_percent": "--cpu-percent",
    "cpu_period": "--cpu-period",
    "cpu_quota": "--cpu-quota",
    "cpu_rt_period": "--cpu-rt-period",
    "cpu_rt_runtime": "--cpu-rt-runtime",
    "cpu_shares": "--cpu-shares",
    "cpus": "--cpus",
    "cpuset": "--cpuset-cpus",
    "domainname": "--domainname",
    "hostname": "--hostname",
    "ipc": "--ipc",
    "isolation": "--isolation",
    "mac_address": "--mac-address",
    "mem_limit": "--memory",
    "mem_reservation": "--memory-reservation",
    "mem_swappiness": "--memory-swappiness",
    "memswap_limit": "--memory-swap",
    "oom_score_adj": "--oom-score-adj",
    "pid": "--pid",
    "pids_limit": "--pids-limit",
    "platform": "--platform",
    "runtime": "--runtime",
    "shm_size": "--shm-size",
    "stop_signal": "--stop-signal",
    "user": "--user",
    "userns_mode": "--userns",
    "uts": "--uts",
    "working_dir": "--workdir",
}
SWITCHES = {
    "init": "--init",
    "oom_kill_disable": "--oom-kill-disable",
    "privileged": "--privileged",
    "read_only": "--read-only",
}
MANY_VALUES = {
    "cap_add": "--cap-add",
    "cap_drop": "--cap-drop",
    "device_cgroup_rules": "--device-cgroup-rule",
    "dns": "--dns",
    "dns_opt": "--dns-option",
    "dns_search": "--dns-search",
    "expose": "--expose",
    "group_add": "--group-add",
    "security_opt": "--security-opt",
    "tmpfs": "--tmpfs",
}
PAIRS = {
    "annotations": "--annotation",
    "labels": "--label",
    "storage_opt": "--storage-opt",
    "sysctls": "--sysctl",
}


class Translation(NamedTuple):
    """A service as `docker run` takes it."""

    options: tuple[str, ...]
    variables: dict[str, str]  # for a private file, because a command line is no place for passwords
    inherited: tuple[str, ...]  # variables whose values the docker client takes from its own environment
    files: dict[str, str]  # place in the container -> content of a private file
    folders: tuple[str, ...]  # of this machine, mounted; Compose makes those that do not exist
    networks: tuple[str, ...]  # that must exist


class _Service:
    """Collects the options of one service."""

    def __init__(self, project: dict[str, Any], name: str) -> None:
        self.project = project
        self.name = name
        self.service: dict[str, Any] = project["services"][name]
        self.options: list[str] = []
        self.files: dict[str, str] = {}
        self.folders: list[str] = []
        self.networks: list[str] = []

    def refuse(self, key: str, why: str = "has no equivalent in `docker run`") -> errors.BadCompose:
        return errors.BadCompose(
            f"docker-compose.yml: '{key}' of service '{self.name}' {why}. pydock does not run a file of which it would "
            "ignore a part. Remove the key, or use `docker compose run`."
        )

    def only(self, key: str, found: Any, known: set[str]) -> dict[str, Any]:
        """Return a mapping that has only known keys, without the empty ones; raises for others."""
        values = {
            name: value for name, value in (found or {}).items() if value not in (None, "", [], {}, False)
        }
        for name in values:
            if name not in known and not name.startswith("x-"):
                raise self.refuse(f"{key}.{name}")
        return values


def translate(project: dict[str, Any], name: str, secrets: dict[str, str] | None = None) -> Translation:
    """Return a service of a project as options of `docker run`.

    `project` is Compose's canonical JSON, with `$$` already read as `$`. `secrets` are the values of variables that secrets and
    configs are made of. Raises `BadCompose` for a key that has no equivalent.
    """
    made = _Service(project, name)
    _check_build(made)
    for key, value in made.service.items():
        if key in NOT_FOR_RUNS or key.startswith("x-") or value is None:
            continue
        _translate_key(made, key, value, secrets or {})
    if made.service.get("entrypoint"):
        raise made.refuse("entrypoint", "would replace the command that `pydock run` is given")
    _deploy(made)
    _networks(made)
    variables, inherited = _environment(made)
    return Translation(
        tuple(made.options),
        variables,
        inherited,
        made.files,
        tuple(dict.fromkeys(made.folders)),
        tuple(made.networks),
    )


def _translate_key(made: _Service, key: str, value: Any, secrets: dict[str, str]) -> None:
    if key in ONE_VALUE:
        made.options += [ONE_VALUE[key], _no_service(made, key, _text(value))]
    elif key in SWITCHES:
        made.options.append(SWITCHES[key] if value else f"{SWITCHES[key]}=false")
    elif key in MANY_VALUES:
        for word in [value] if isinstance(value, str) else value:
            made.options += [MANY_VALUES[key], _text(word)]
    elif key in PAIRS:
        for word, text in value.items():
            made.options += [PAIRS[key], f"{word}={_text(text)}"]
    elif key in {"secrets", "configs"}:
        _files(made, key, value, secrets)
    elif key in OTHERS:
        OTHERS[key](made, value)
    elif value not in ([], {}, "", False, 0):
        raise made.refuse(key)


def _no_service(made: _Service, key: str, text: str) -> str:
    """Return the text, except for `service:NAME`, of which only Compose knows the container."""
    if text.startswith("service:"):
        raise made.refuse(f"{key}: {text}")
    return text


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check_build(made: _Service) -> None:
    """Refuse what pydock's own build of the image would leave out."""
    build = made.only("build", made.service.get("build"), {"args", "context", "dockerfile"})
    for name in build.get("args") or {}:
        if name not in BUILD_ARGUMENTS:
            raise made.refuse(
                f"build.args.{name}", "is not given to builds by pydock; set its default in the dockerfile"
            )


def _environment(made: _Service) -> tuple[dict[str, str], tuple[str, ...]]:
    variables: dict[str, str] = {}
    inherited: list[str] = []
    for name, value in (made.service.get("environment") or {}).items():
        if not name or name[0] in "#\ufeff" or any(sign.isspace() for sign in name):
            raise made.refuse(f"environment.{name}", "has a name that Docker's env files cannot have")
        if value is None:
            inherited.append(name)
            continue
        text = _text(value)
        if "\n" in text or "\r" in text or len(text) > MAX_VALUE:
            raise made.refuse(
                f"environment.{name}",
                "has several lines or is very long, which Docker's env files cannot have; use `secrets` or `configs`",
            )
        variables[name] = text
    return variables, tuple(inherited)


def _ports(made: _Service, ports: list[dict[str, Any]]) -> None:
    for port in ports:
        made.only(
            "ports", port, {"target", "published", "host_ip", "protocol", "mode", "name", "app_protocol"}
        )
        address = port.get("host_ip") or LOOPBACK
        if ":" in address and not address.startswith("["):
            address = f"[{address}]"
        made.options += [
            "--publish",
            f"{address}:{port.get('published') or ''}:{port['target']}/{port.get('protocol') or 'tcp'}",
        ]


def _volumes(made: _Service, volumes: list[dict[str, Any]]) -> None:
    for volume in volumes:
        kind = volume["type"]
        if kind not in VOLUME_KINDS:
            raise made.refuse(f"volumes: type {kind}")
        known = {"type", "source", "target", "read_only", kind}
        made.only("volumes", volume, known | {"bind", "volume", "tmpfs", "consistency"})
        fields = [f"type={kind}", *VOLUME_KINDS[kind](made, volume), f"target={volume['target']}"]
        if volume.get("read_only"):
            fields.append("readonly")
        made.options += ["--mount", csv_record(*fields)]


def _bind(made: _Service, volume: dict[str, Any]) -> list[str]:
    options = made.only("volumes.bind", volume.get("bind"), {"create_host_path", "propagation"})
    if options.get("create_host_path"):
        made.folders.append(volume["source"])
    fields = [f"source={volume['source']}"]
    return [*fields, f"bind-propagation={options['propagation']}"] if "propagation" in options else fields


def _named(made: _Service, volume: dict[str, Any]) -> list[str]:
    options = made.only("volumes.volume", volume.get("volume"), {"nocopy", "subpath"})
    fields = ["volume-nocopy"] if options.get("nocopy") else []
    fields += [f"volume-subpath={options['subpath']}"] if "subpath" in options else []
    name = volume.get("source")
    if not name:  # an anonymous volume
        return fields
    top = made.only(
        f"volumes of the project, {name}",
        made.project["volumes"][name],
        {"name", "external", "driver", "driver_opts", "labels"},
    )
    fields.append(f"source={top['name']}")
    if top.get("external"):
        return fields
    fields += [f"volume-driver={top['driver']}"] if "driver" in top else []
    fields += [f"volume-opt={option}={value}" for option, value in (top.get("driver_opts") or {}).items()]
    labels = {
        **(top.get("labels") or {}),
        "com.docker.compose.project": made.project["name"],
        "com.docker.compose.volume": name,
    }
    return [*fields, *(f"volume-label={label}={value}" for label, value in labels.items())]


def _tmpfs(made: _Service, volume: dict[str, Any]) -> list[str]:
    options = made.only("volumes.tmpfs", volume.get("tmpfs"), {"size", "mode"})
    fields = [f"tmpfs-size={options['size']}"] if "size" in options else []
    return [*fields, f"tmpfs-mode={int(options['mode']):o}"] if "mode" in options else fields


VOLUME_KINDS: dict[str, Callable[[_Service, dict[str, Any]], list[str]]] = {
    "bind": _bind,
    "volume": _named,
    "tmpfs": _tmpfs,
}


def _devices(made: _Service, devices: list[Any]) -> None:
    for device in devices:
        if isinstance(device, str):
            made.options += ["--device", device]
        elif "=" in device["source"]:  # the Container Device Interface: vendor.com/class=name
            made.options += ["--device", device["source"]]
        else:
            words = [
                device["source"],
                device.get("target") or device["source"],
                device.get("permissions") or "rwm",
            ]
            made.options += ["--device", ":".join(words)]


def _gpus(made: _Service, requests: list[dict[str, Any]]) -> None:
    for request in requests:
        found = made.only("gpus", request, {"count", "device_ids", "driver", "capabilities", "options"})
        count = found.pop("count", None)
        if count is not None and not found:
            made.options += ["--gpus", "all" if int(count) == -1 else str(count)]
            continue
        fields = [] if count is None else [f"count={'all' if int(count) == -1 else count}"]
        if "device_ids" in found:
            fields.append(f"device={','.join(found['device_ids'])}")
        if "driver" in found:
            fields.append(f"driver={found['driver']}")
        if "capabilities" in found:
            fields.append(f"capabilities={','.join(found['capabilities'])}")
        fields += [f"{name}={value}" for name, value in (found.get("options") or {}).items()]
        made.options += ["--gpus", csv_record(*fields)]


def _ulimits(made: _Service, limits: dict[str, Any]) -> None:
    for name, value in limits.items():
        text = f"{value['soft']}:{value['hard']}" if isinstance(value, dict) else str(value)
        made.options += ["--ulimit", f"{name}={text}"]


def _extra_hosts(made: _Service, hosts: list[str]) -> None:
    for entry in hosts:
        name, separator, address = entry.partition("=") if "=" in entry else entry.partition(":")
        if not separator:
            raise made.refuse("extra_hosts", f"has {entry!r}, which has no address")
        made.options += ["--add-host", f"{name}:{address}"]


def _logging(made: _Service, found: dict[str, Any]) -> None:
    values = made.only("logging", found, {"driver", "options"})
    made.options.append(f"--log-driver={values.get('driver') or 'json-file'}")
    for name, value in (values.get("options") or {}).items():
        made.options.append(f"--log-opt={name}={value}")


def _healthcheck(made: _Service, found: dict[str, Any]) -> None:
    known = {"test", "interval", "timeout", "start_period", "start_interval", "retries", "disable"}
    values = made.only("healthcheck", found, known)
    test = values.pop("test", [])
    if values.pop("disable", False) or test[:1] == ["NONE"]:
        made.options.append("--no-healthcheck")
        return
    if test:
        from shlex import join

        made.options += ["--health-cmd", join(test[1:]) if test[0] == "CMD" else test[1]]
    for name, value in values.items():
        made.options += [f"--health-{name.replace('_', '-')}", str(value)]


def _stop_grace_period(made: _Service, text: str) -> None:
    """Docker takes whole seconds: `1m30s` is 90."""
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
    seconds = sum(
        float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)(h|ms|us|µs|ns|m|s)", text)
    )
    made.options += ["--stop-timeout", str(max(1, round(seconds)))]


def _network_mode(made: _Service, mode: str) -> None:
    made.options += ["--network", _no_service(made, "network_mode", mode)]


OTHERS: dict[str, Callable[[_Service, Any], None]] = {
    "devices": _devices,
    "environment": lambda made, value: None,  # noqa: ARG005 - see `_environment`
    "extra_hosts": _extra_hosts,
    "gpus": _gpus,
    "healthcheck": _healthcheck,
    "logging": _logging,
    "network_mode": _network_mode,
    "ports": _ports,
    "stop_grace_period": _stop_grace_period,
    "ulimits": _ulimits,
    "volumes": _volumes,
}


def _files(made: _Service, key: str, used: list[dict[str, Any]], secrets: dict[str, str]) -> None:
    """Mount secrets or configs, which are files of this machine, or private files with their content."""
    for entry in used:
        made.only(key, entry, {"source", "target"})
        name = entry["source"]
        what = f"{key} of the project, {name}"
        top = made.only(what, made.project[key][name], {"name", "file", "content", "environment"})
        target = entry.get("target") or (f"/run/secrets/{name}" if key == "secrets" else f"/{name}")
        if not target.startswith("/"):
            target = os.path.join("/run/secrets" if key == "secrets" else "/", target)
        if "file" in top:
            if not os.path.isfile(top["file"]):
                raise errors.BadCompose(
                    f"docker-compose.yml: {top['file']}, the file of '{name}' in '{key}', was not found. Write it, or "
                    "correct its path."
                )
            fields = ["type=bind", f"source={top['file']}", f"target={target}", "readonly"]
            made.options += ["--mount", csv_record(*fields)]
        elif "environment" in top:
            if top["environment"] not in secrets:
                raise errors.BadCompose(
                    f"docker-compose.yml: variable {top['environment']}, of which '{name}' in '{key}' is made, is not "
                    "set. Set it."
                )
            made.files[target] = secrets[top["environment"]]
        elif "content" in top:
            made.files[target] = top["content"]
        else:
            raise made.refuse(f"{key}: {name}", "has no content")


def _deploy(made: _Service) -> None:
    deploy = made.only(
        "deploy", made.service.get("deploy"), {"resources", "placement", "replicas", "restart_policy", "mode"}
    )
    if deploy.get("placement"):
        raise made.refuse("deploy.placement")
    resources = made.only("deploy.resources", deploy.get("resources"), {"limits", "reservations"})
    limits = made.only("deploy.resources.limits", resources.get("limits"), {"cpus", "memory", "pids"})
    reserved = made.only(
        "deploy.resources.reservations", resources.get("reservations"), {"memory", "devices"}
    )
    for name, flag in (("cpus", "--cpus"), ("memory", "--memory"), ("pids", "--pids-limit")):
        if name in limits:
            made.options += [flag, str(limits[name])]
    if "memory" in reserved:
        made.options += ["--memory-reservation", str(reserved["memory"])]
    _gpus(made, reserved.get("devices") or [])


def companions(project: dict[str, Any], name: str) -> list[str]:
    """Return the names of the other services, sorted."""
    return sorted(set(project["services"]) - {name})


def _networks(made: _Service) -> None:
    """Join the service's networks. The default one alone is only needed to reach other services."""
    used: dict[str, Any] = made.service.get("networks") or {}
    if "network_mode" in made.service:
        return
    tops = {name: made.project["networks"][name] for name in used}
    plain = all(set(top) <= {"name", "ipam"} and not top.get("ipam") for top in tops.values())
    if (
        set(used) <= {"default"}
        and plain
        and not used.get("default")
        and not companions(made.project, made.name)
    ):
        return
    for name, attributes in used.items():
        known = {"aliases", "ipv4_address", "ipv6_address", "link_local_ips", "mac_address", "driver_opts"}
        values = made.only(f"networks.{name}", attributes, known)
        real = tops[name]["name"]
        fields = [f"alias={alias}" for alias in values.get("aliases", [])]
        for key, word in (("ipv4_address", "ip"), ("ipv6_address", "ip6"), ("mac_address", "mac-address")):
            fields += [f"{word}={values[key]}"] if key in values else []
        fields += [f"link-local-ip={address}" for address in values.get("link_local_ips", [])]
        fields += [
            f"driver-opt={option}={value}" for option, value in (values.get("driver_opts") or {}).items()
        ]
        made.options += ["--network", csv_record(f"name={real}", *fields) if fields else real]
        made.networks.append(real)
