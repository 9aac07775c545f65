"""What a service of Compose's canonical JSON means as options of `docker run`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pydock import errors
from pydock.engine.compose_options import translate

if TYPE_CHECKING:
    from pathlib import Path


def project_of(service: dict[str, Any], **top: Any) -> dict[str, Any]:
    """Return a project with one service, as `docker compose config --format json` prints it."""
    default = {"default": {"name": "pydock-ds_default", "ipam": {}}}
    rest = {"command": None, "entrypoint": None, "image": "pydock-ds", "networks": {"default": None}}
    found = {"networks": default, "volumes": {}, "secrets": {}, "configs": {}, **top}
    return {"name": "pydock-ds", **found, "services": {"env": {**rest, **service}}}


MOUNT = "--mount"
OPTIONS: dict[str, tuple[Any, list[str]]] = {
    "ports": (
        [
            {"mode": "ingress", "target": 8888, "published": "8888", "protocol": "tcp"},
            {"mode": "ingress", "host_ip": "10.0.0.1", "target": 53, "published": "53", "protocol": "udp"},
            {"mode": "ingress", "host_ip": "::1", "target": 80, "published": 8080},
            {"target": 7000, "published": "7000-7010", "protocol": "tcp"},
            {"mode": "ingress", "target": 9000, "protocol": "tcp"},
        ],
        [
            *("--publish", "127.0.0.1:8888:8888/tcp", "--publish", "10.0.0.1:53:53/udp"),
            *("--publish", "[::1]:8080:80/tcp", "--publish", "127.0.0.1:7000-7010:7000/tcp"),
            *("--publish", "127.0.0.1::9000/tcp"),
        ],
    ),
    "volumes": (
        [
            {
                "type": "bind",
                "source": "/a,b",
                "target": "/w",
                "read_only": True,
                "bind": {"create_host_path": True},
            },
            {"type": "bind", "source": "/c", "target": "/c", "bind": {"propagation": "rshared"}},
            {"type": "volume", "source": "data", "target": "/d", "volume": {}},
            {
                "type": "volume",
                "source": "theirs",
                "target": "/e",
                "volume": {"nocopy": True, "subpath": "x"},
            },
            {"type": "volume", "source": "nfs", "target": "/n"},
            {"type": "volume", "target": "/anonymous", "volume": {}},
            {"type": "tmpfs", "target": "/t", "tmpfs": {"size": "67108864", "mode": 0o1777}},
        ],
        [
            *(MOUNT, 'type=bind,"source=/a,b",target=/w,readonly'),
            *(MOUNT, "type=bind,source=/c,bind-propagation=rshared,target=/c"),
            MOUNT,
            (
                "type=volume,source=pydock-ds_data,volume-label=com.docker.compose.project=pydock-ds,"
                "volume-label=com.docker.compose.volume=data,target=/d"
            ),
            *(MOUNT, "type=volume,volume-nocopy,volume-subpath=x,source=theirs,target=/e"),
            MOUNT,
            (
                "type=volume,source=pydock-ds_nfs,volume-driver=local,volume-opt=type=nfs,"
                "volume-label=com.docker.compose.project=pydock-ds,volume-label=com.docker.compose.volume=nfs,target=/n"
            ),
            *(MOUNT, "type=volume,target=/anonymous"),
            *(MOUNT, "type=tmpfs,tmpfs-size=67108864,tmpfs-mode=1777,target=/t"),
        ],
    ),
    "tmpfs": (["/run:size=5m", "/x"], ["--tmpfs", "/run:size=5m", "--tmpfs", "/x"]),
    "devices": (
        [
            {"source": "/dev/null", "target": "/dev/n", "permissions": "rwm"},
            {"source": "vendor.com/class=name", "target": "vendor.com/class=name", "permissions": "rwm"},
            "/dev/zero:/dev/zero",
        ],
        [
            "--device",
            "/dev/null:/dev/n:rwm",
            "--device",
            "vendor.com/class=name",
            "--device",
            "/dev/zero:/dev/zero",
        ],
    ),
    "gpus": (
        [
            {"count": -1},
            {"count": 2},
            {"device_ids": ["0", "2"], "driver": "nvidia", "capabilities": ["gpu", "utility"]},
        ],
        ["--gpus", "all", "--gpus", "2", "--gpus", '"device=0,2",driver=nvidia,"capabilities=gpu,utility"'],
    ),
    "shm_size": ("2147483648", ["--shm-size", "2147483648"]),
    "mem_limit": ("536870912", ["--memory", "536870912"]),
    "cpus": (1.5, ["--cpus", "1.5"]),
    "ulimits": (
        {"nofile": {"soft": 100, "hard": 200}, "nproc": 5},
        ["--ulimit", "nofile=100:200", "--ulimit", "nproc=5"],
    ),
    "extra_hosts": (
        ["a=1.2.3.4", "b=::1", "c:host-gateway"],
        ["--add-host", "a:1.2.3.4", "--add-host", "b:::1", "--add-host", "c:host-gateway"],
    ),
    "cap_add": (["SYS_PTRACE"], ["--cap-add", "SYS_PTRACE"]),
    "working_dir": ("/w", ["--workdir", "/w"]),
    "network_mode": ("host", ["--network", "host"]),
    "privileged": (True, ["--privileged"]),
    "init": (False, ["--init=false"]),
    "labels": ({"a": "b"}, ["--label", "a=b"]),
    "dns": ("1.1.1.1", ["--dns", "1.1.1.1"]),
    "group_add": (["5"], ["--group-add", "5"]),
    "logging": ({"driver": "none"}, ["--log-driver=none"]),
    "healthcheck": (
        {"test": ["CMD", "echo", "a b"], "interval": "5s", "start_period": "1m30s", "retries": 3},
        [
            *("--health-cmd", "echo 'a b'", "--health-interval", "5s"),
            *("--health-start-period", "1m30s", "--health-retries", "3"),
        ],
    ),
    "stop_grace_period": ("1m30s", ["--stop-timeout", "90"]),
    "deploy": (
        {
            "replicas": 3,
            "placement": {},
            "resources": {
                "limits": {"cpus": 0.5, "memory": "52428800", "pids": 5},
                "reservations": {"memory": "20971520", "devices": [{"driver": "nvidia", "count": -1}]},
            },
        },
        [
            *(
                "--cpus",
                "0.5",
                "--memory",
                "52428800",
                "--pids-limit",
                "5",
                "--memory-reservation",
                "20971520",
            ),
            *("--gpus", "count=all,driver=nvidia"),
        ],
    ),
    # `docker compose run` does not apply these either, or pydock decides
    "restart": ("always", []),
    "container_name": ("x", []),
    "depends_on": ({"db": {"condition": "service_started"}}, []),
    "command": (["python"], []),
    "tty": (True, []),
    "x-own": ({"a": 1}, []),
}
VOLUMES = {
    "data": {"name": "pydock-ds_data"},
    "theirs": {"name": "theirs", "external": True},
    "nfs": {"name": "pydock-ds_nfs", "driver": "local", "driver_opts": {"type": "nfs"}},
}


@pytest.mark.parametrize("key", OPTIONS)
def test_key_as_options(key: str) -> None:
    value, expected = OPTIONS[key]
    service = {key: value, **({"networks": None} if key == "network_mode" else {})}
    assert list(translate(project_of(service, volumes=VOLUMES), "env").options) == expected


@pytest.mark.parametrize(
    ("service", "named"),
    [
        ({"links": ["db"]}, "'links'"),
        ({"volumes_from": ["db"]}, "'volumes_from'"),
        ({"blkio_config": {"weight": 300}}, "'blkio_config'"),
        ({"some_new_key": 1}, "'some_new_key'"),
        ({"entrypoint": ["tini"]}, "'entrypoint'"),
        ({"network_mode": "service:db"}, "'network_mode: service:db'"),
        ({"build": {"context": "/e", "target": "dev"}}, "'build.target'"),
        ({"build": {"context": "/e", "args": {"VERSION": "3.13"}}}, "'build.args.VERSION'"),
        ({"deploy": {"placement": {"constraints": ["x"]}}}, "'deploy.placement'"),
        ({"deploy": {"resources": {"limits": {"new": 1}}}}, "'deploy.resources.limits.new'"),
        ({"environment": {"KEY": "a\nb"}}, "'environment.KEY'"),
        ({"environment": {"A B": "x"}}, "'environment.A B'"),
        ({"environment": {"#A": "x"}}, "'environment.#A'"),
        ({"pid": "service:db"}, "'pid: service:db'"),
        ({"volumes": [{"type": "npipe", "source": "x", "target": "y"}]}, "'volumes: type npipe'"),
        ({"volumes": [{"type": "bind", "source": "/x", "target": "/y", "bind": {"selinux": "z"}}]}, "'volumes.bind.selinux'"),
        ({"secrets": [{"source": "s", "mode": 256}]}, "'secrets.mode'"),
        ({"secrets": [{"source": "s"}]}, "'secrets of the project, s.external'"),
        ({"ports": [{"target": 1, "new": "x"}]}, "'ports.new'"),
        ({"networks": {"default": {"priority": 5}}}, "'networks.default.priority'"),
        ({"healthcheck": {"new": 1}}, "'healthcheck.new'"),
        ({"extra_hosts": ["only-a-name"]}, "'extra_hosts'"),
    ],
)  # fmt: skip
def test_key_without_equivalent_is_named(service: dict[str, Any], named: str) -> None:
    project = project_of(service, secrets={"s": {"name": "s", "external": True}})
    with pytest.raises(errors.BadCompose) as refused:
        translate(project, "env")
    assert named in refused.value.message
    assert "`docker compose run`" in refused.value.message


def test_variables_are_not_on_the_command_line() -> None:
    made = translate(project_of({"environment": {"A": "x$y", "B": None, "N": 3, "T": True}}), "env")
    assert made.options == ()
    assert made.variables == {"A": "x$y", "N": "3", "T": "true"}
    assert made.inherited == ("B",)


def test_secrets_and_configs(tmp_path: Path) -> None:
    file = tmp_path / "s1"
    file.write_text("x")
    service = {
        "secrets": [{"source": "s1", "target": "/run/secrets/s1"}, {"source": "s2", "target": "other"}],
        "configs": [{"source": "c1"}],
    }
    secrets = {"s1": {"name": "p_s1", "file": str(file)}, "s2": {"name": "p_s2", "environment": "TOKEN"}}
    project = project_of(service, secrets=secrets, configs={"c1": {"name": "p_c1", "content": "hi"}})
    made = translate(project, "env", {"TOKEN": "secret"})
    assert made.options == (MOUNT, f"type=bind,source={file},target=/run/secrets/s1,readonly")
    assert made.files == {"/run/secrets/other": "secret", "/c1": "hi"}
    with pytest.raises(errors.BadCompose, match="variable TOKEN"):
        translate(project, "env")
    file.unlink()
    with pytest.raises(errors.BadCompose, match="s1, the file of 's1' in 'secrets', was not found"):
        translate(project, "env", {"TOKEN": "secret"})


def test_folders_that_compose_would_make() -> None:
    bind = {"type": "bind", "source": "/a", "target": "/a", "bind": {"create_host_path": True}}
    other = {"type": "bind", "source": "/b", "target": "/b"}
    assert translate(project_of({"volumes": [bind, other]}), "env").folders == ("/a",)


def test_default_network_alone_is_not_joined() -> None:
    assert translate(project_of({}), "env").networks == ()


def test_networks_with_other_services() -> None:
    project = project_of(
        {
            "networks": {
                "default": None,
                "back": {"aliases": ["me"], "ipv4_address": "10.1.0.4", "driver_opts": {"a": "b"}},
            }
        }
    )
    project["services"]["db"] = {"image": "postgres"}
    project["networks"]["back"] = {"name": "shared", "external": True}
    made = translate(project, "env")
    assert made.networks == ("pydock-ds_default", "shared")
    assert made.options == (
        *("--network", "pydock-ds_default"),
        *("--network", "name=shared,alias=me,ip=10.1.0.4,driver-opt=a=b"),
    )
