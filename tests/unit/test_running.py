"""Where the engine is, what our terminal is, and who removes a container that is left."""

from __future__ import annotations

import hashlib
import io
import json
import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from pydock import errors, running
from pydock.docker_commands import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import MakeEnvironment, MakeSettings


def use_context(folder: Path, name: str, meta: object) -> None:
    """Make a context of that name, and choose it, as `docker context create` and `use` do."""
    place = folder / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    place.mkdir(parents=True)
    (place / "meta.json").write_text(json.dumps(meta))
    (folder / "config.json").write_text(json.dumps({"auths": {}, "currentContext": name}))


def endpoint(host: str) -> dict[str, Any]:
    return {"Name": "far", "Endpoints": {"docker": {"Host": host}}}


def test_the_endpoint_is_found_as_the_client_finds_it(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    assert running.engine_endpoint(home) == ""
    use_context(tmp_path / ".docker", "far", endpoint("ssh://far.example"))
    assert running.engine_endpoint(home) == "ssh://far.example"
    use_context(tmp_path / "other", "near", endpoint("unix:///run/near.sock"))
    assert (
        running.engine_endpoint({**home, "DOCKER_CONFIG": str(tmp_path / "other")}) == "unix:///run/near.sock"
    )
    assert running.engine_endpoint({**home, "DOCKER_CONTEXT": "default"}) == ""
    assert running.engine_endpoint({**home, "DOCKER_CONTEXT": "unknown"}) == ""
    assert (
        running.engine_endpoint({**home, "DOCKER_HOST": "tcp://h:1", "DOCKER_CONTEXT": "far"}) == "tcp://h:1"
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b'{"currentContext": ""}',
        b'{"currentContext": "default"}',
        b'{"currentContext": null}',
        b'{"currentContext": broken',
        b'["currentContext"]',
        b'"currentContext"',
        b"\xff",
    ],
)
def test_a_configuration_without_a_context(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config.json").write_bytes(content)
    assert running.engine_endpoint({"DOCKER_CONFIG": str(tmp_path)}) == ""


@pytest.mark.parametrize("meta", [{}, {"Endpoints": None}, {"Endpoints": {"docker": {}}}, []])
def test_a_context_without_an_endpoint(tmp_path: Path, meta: object) -> None:
    use_context(tmp_path, "odd", meta)
    assert running.engine_endpoint({"DOCKER_CONFIG": str(tmp_path)}) == ""


@pytest.mark.parametrize(
    "host",
    ["", "unix:///var/run/docker.sock", "tcp://localhost:2375", "tcp://127.0.0.1:2375", "tcp://[::1]:1"],
)
def test_an_engine_of_this_machine(make_settings: MakeSettings, host: str) -> None:
    running.check_local(make_settings(), {"DOCKER_HOST": host, "HOME": "/nowhere"})


@pytest.mark.parametrize("host", ["ssh://me@far.example", "tcp://192.0.2.1:2376", "tcp://far.example:2375"])
def test_an_engine_of_another_machine(make_settings: MakeSettings, host: str) -> None:
    variables = {"DOCKER_HOST": host}
    with pytest.raises(errors.EngineRemote, match="docker context use default") as caught:
        running.check_local(make_settings(), variables)
    assert host in caught.value.message
    with pytest.raises(errors.EngineRemote):
        running.check_local(make_settings(engine="sudo /usr/bin/docker"), variables)
    running.check_local(make_settings(engine="podman"), variables)


@pytest.mark.parametrize(
    ("streams", "expected"),
    [
        ({"fstat": True, 0: True, 1: True}, Terminal(stdin_open=True, interactive=True)),
        ({"fstat": True, 0: True, 1: False}, Terminal(stdin_open=True, interactive=False)),
        ({"fstat": True, 0: False, 1: True}, Terminal(stdin_open=True, interactive=False)),
        ({"fstat": False, 0: False, 1: True}, Terminal(stdin_open=False, interactive=False)),
    ],
)
def test_our_terminal(
    monkeypatch: pytest.MonkeyPatch, streams: dict[str | int, bool], expected: Terminal
) -> None:
    def fstat(number: int) -> None:
        assert number == 0
        if not streams["fstat"]:
            raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr(running, "_selinux_enforces", lambda: False)
    monkeypatch.setattr(running, "os", SimpleNamespace(fstat=fstat, isatty=streams.__getitem__))
    assert running.this_terminal() == expected


@pytest.mark.parametrize(("content", "enforces"), [("1", True), ("0", False), (None, False)])
def test_selinux(monkeypatch: pytest.MonkeyPatch, content: str | None, enforces: bool) -> None:
    def opened(path: str, encoding: str) -> io.StringIO:
        assert path == "/sys/fs/selinux/enforce"
        if content is None:
            raise FileNotFoundError
        return io.StringIO(content)

    monkeypatch.setattr(running, "open", opened, raising=False)
    assert running._selinux_enforces() is enforces


def test_every_container_has_a_name_of_its_own(make_environment: MakeEnvironment) -> None:
    environment = make_environment("py3.8")
    names = {running.container_name(environment) for _ in range(50)}
    assert len(names) == 50
    assert all(name.startswith("py3.8-") for name in names)


def test_the_watcher_removes_what_is_left(tmp_path: Path, make_settings: MakeSettings) -> None:
    client = tmp_path / "client"
    client.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/new; mv {tmp_path}/new {tmp_path}/said\n')
    client.chmod(0o755)
    held = running.leave_nothing_behind(make_settings(engine=str(client)), "ds-1")
    assert not os.get_inheritable(held)
    assert not (tmp_path / "said").exists()
    os.close(held)
    assert os.wait()[1] == 0
    assert (tmp_path / "said").read_text() == "rm --force ds-1\n"


@pytest.mark.parametrize("option", ["--detach", "-d"])
def test_nobody_watches_a_detached_container(make_settings: MakeSettings, option: str) -> None:
    os.close(running.leave_nothing_behind(make_settings(engine="/nowhere", run_options=[option]), "ds-1"))
    with pytest.raises(ChildProcessError):
        os.wait()
