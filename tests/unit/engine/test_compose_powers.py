"""What a docker-compose.yml opens of this machine, and what it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pydock import errors
from pydock.engine.compose_powers import powers_of
from pydock.engine.compose_sources import Sources, find_sources

if TYPE_CHECKING:
    from pathlib import Path

ROOT = "/project"
NOTHING = Sources((), (), (), (), ())


def powers(service: dict[str, Any], sources: Sources = NOTHING, **top: Any) -> tuple[str, ...]:
    config = {"services": {"env": {"image": "pydock-ds", "command": None, **service}}, **top}
    return powers_of(config, "env", sources, ROOT, {"AWS_KEY": "x", "UID": "5"})


def bind(source: str, **values: Any) -> dict[str, Any]:
    return {"volumes": [{"type": "bind", "source": source, "target": "/x", **values}]}


@pytest.mark.parametrize(
    "service",
    [
        {"ports": [{"target": 80, "published": "80"}, {"target": 81, "host_ip": "127.0.0.1"}]},
        bind("/project/data"),
        {"volumes": [{"type": "volume", "target": "/anonymous"}, {"type": "tmpfs", "target": "/t"}]},
        {"environment": {"A": "b"}, "mem_limit": "5", "tmpfs": ["/x"], "user": "1:1", "privileged": False},
        {"build": {"context": "/project/.pydock/envs/ds", "dockerfile": "dockerfile", "args": {"UID": "5"}}},
        {"network_mode": "none", "x-own": {"privileged": True}},
    ],
)
def test_harmless(service: dict[str, Any]) -> None:
    assert powers(service, NOTHING._replace(variables=("UID", "NOT_SET"), files=("/project/a.env",))) == ()


@pytest.mark.parametrize(
    ("service", "words"),
    [
        ({"privileged": True}, "set 'privileged' to True"),
        ({"cap_add": ["SYS_ADMIN"]}, "set 'cap_add' to ['SYS_ADMIN']"),
        ({"security_opt": ["seccomp:unconfined"]}, "set 'security_opt'"),
        ({"devices": [{"source": "/dev/sda"}]}, "set 'devices'"),
        ({"pid": "host"}, "set 'pid' to host"),
        ({"ipc": "host"}, "set 'ipc' to host"),
        ({"network_mode": "host"}, "set 'network_mode' to host"),
        ({"network_mode": "container:x"}, "set 'network_mode' to container:x"),
        ({"labels": {"traefik.enable": "true"}}, "set 'labels'"),
        ({"a_key_of_tomorrow": "x"}, "set 'a_key_of_tomorrow' to x"),
        (bind("/project/../etc"), "mount /project/../etc (it can write there)"),
        (bind("/", read_only=True), "mount /"),
        (bind("/project-2"), "mount /project-2"),
        (bind("/var/run/docker.sock"), "control the engine"),
        (bind("/project", bind={"propagation": "rshared"}), "change how /project is mounted"),
        ({"ports": [{"target": 80, "published": "80", "host_ip": "10.0.0.1"}]}, "port 80 (10.0.0.1)"),
        ({"build": {"context": "/elsewhere"}}, "build /elsewhere"),
        ({"build": {"context": "/project", "ssh": ["default"]}}, "build with 'ssh'"),
        ({"deploy": {"resources": {"reservations": {"devices": [{"count": -1}]}}}}, "use devices"),
    ],
)
def test_power_is_named(service: dict[str, Any], words: str) -> None:
    [found] = powers(service)
    assert words in found


def test_powers_of_the_project() -> None:
    volumes = {
        "v": {"name": "other_db"},
        "root": {"name": "p_root", "driver_opts": {"o": "bind", "device": "/"}},
    }
    used = [{"type": "volume", "source": name, "target": f"/{name}"} for name in volumes]
    found = powers(
        {"volumes": used},
        NOTHING._replace(
            variables=("AWS_KEY",), inherited=("TOKEN",), files=("/etc/passwd",), unknown=("`include`",)
        ),
        volumes=volumes,
        secrets={"s": {"file": "/root/.netrc"}},
        configs={"c": {"external": True}},
        networks={"n": {"name": "other", "external": True}, "m": {"name": "p_m", "driver": "macvlan"}},
        name="p",
    )
    assert found == (
        "read other files (`include`)",
        "read the file /etc/passwd",
        "read your variable AWS_KEY",
        "read your variable TOKEN",
        "use the volume 'other_db'",
        "use the volume 'p_root'",
        "mount {'o': 'bind', 'device': '/'} as a volume",
        "read the file /root/.netrc",
        "use 'c' in 'configs' of the engine",
        "join the network 'other'",
        "make the network 'm' with options",
    )


@pytest.mark.parametrize("used", [{"default": {"aliases": ["x"]}}, {"back": None}])
def test_network_of_a_name_that_the_file_chooses(used: dict[str, Any]) -> None:
    networks = {name: {"name": f"other_{name}", "ipam": {}} for name in used}
    found = powers({"networks": used}, name="other", networks=networks)
    assert found == (f"join the network 'other_{next(iter(used))}'",)


def test_default_network_is_harmless() -> None:
    top = {"default": {"name": "pydock-ds_default", "ipam": {}}}
    assert powers({"networks": {"default": None}}, name="pydock-ds", networks=top) == ()
    top["default"]["name"] = "another_default"
    assert powers({"networks": {"default": None}}, name="pydock-ds", networks=top) == (
        "join the network 'another_default'",
    )


def test_another_service_is_a_power() -> None:
    config = {"services": {"env": {}, "db": {"image": "postgres", "privileged": True}}}
    assert powers_of(config, "env", NOTHING, ROOT, {}) == (
        "run the service 'db', with the image postgres",
        "set 'privileged' to True",
    )


def test_link_out_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "link").symlink_to("/etc")
    config = {"services": {"env": bind(f"{tmp_path}/p/link")}}
    [found] = powers_of(config, "env", NOTHING, str(tmp_path / "p"), {})
    assert found.startswith(f"mount {tmp_path}/p/link")


def test_sources(tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text(
        "services:\n"
        "  env:\n"
        "    build: .\n"
        "    environment: {A: '${ONE:-1}$TWO', B: }\n"
        "    env_file: [a.env, {path: sub/b.env, required: false}]\n"
        "  other:\n"
        "    environment: [C, D=x]\n"
        "    env_file: c.env\n"
        "secrets: {s: {environment: THREE}}\n"
    )
    (tmp_path / "a.env").write_text("X=$FOUR\nE\n#F\n")
    (tmp_path / ".env").write_text("FIVE=$SIX\n")
    (tmp_path / "docker-compose.override.yml").write_text("services: {env: {hostname: $SEVEN}}\n")
    found = find_sources(str(tmp_path))
    assert found.compose_files == tuple(
        str(tmp_path / name) for name in ("docker-compose.yml", "docker-compose.override.yml")
    )
    assert set(found.variables) == {"ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN"}
    assert found.inherited == ("B", "C", "E")
    assert found.unknown == ()
    names = {path.removeprefix(f"{tmp_path}/") for path in found.files}
    assert {
        "docker-compose.yml",
        "docker-compose.override.yml",
        ".env",
        "a.env",
        "sub/b.env",
        "c.env",
        "compose.yaml",
    } <= names


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("include: [other.yml]", "`include`"),
        ("services: {env: {extends: {file: x.yml, service: y}}}", "`extends`"),
        ("services: {env: {env_file: '${X}.env'}}", "a variable in the path of an `env_file`"),
        ("services: {env: {ports: !reset []}}", "what only Compose can read"),
        ("services: {env: {label_file: x}}", "`label_file`"),
    ],
)
def test_sources_that_are_not_all_known(tmp_path: Path, text: str, unknown: str) -> None:
    (tmp_path / "docker-compose.yml").write_text(text)
    assert find_sources(str(tmp_path)).unknown == (unknown,)


@pytest.mark.parametrize(
    "text", ["", "[]", "services: []", "services: {env: 3}", "services: {env: {environment: 3}}"]
)
def test_sources_of_a_file_that_compose_refuses(tmp_path: Path, text: str) -> None:
    (tmp_path / "docker-compose.yml").write_text(text)
    assert find_sources(str(tmp_path)).variables == ()


def test_file_that_compose_would_prefer(tmp_path: Path) -> None:
    for name in ("docker-compose.yml", "compose.yaml"):
        (tmp_path / name).write_text("services: {}\n")
    with pytest.raises(errors.BadCompose, match=r"both docker-compose\.yml and compose\.yaml"):
        find_sources(str(tmp_path))


def test_files_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_bytes(b"\xff")
    with pytest.raises(errors.BadCompose, match="not valid UTF-8"):
        find_sources(str(tmp_path))
    (tmp_path / "docker-compose.yml").unlink()
    (tmp_path / "docker-compose.yml").symlink_to("nowhere")
    with pytest.raises(errors.BadCompose, match="was not found"):
        find_sources(str(tmp_path))
