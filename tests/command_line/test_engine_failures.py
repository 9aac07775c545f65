"""An engine that is missing, stopped, forbidden, full or not supported: one message, and exit code 125."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Machine

# Recorded message: exit code, and what pydock's message contains.
FAILURES = {
    "daemon-down": (125, "The Docker engine is not running. Start it"),
    "permission-denied": (125, "usermod -aG docker"),
    "no-buildx": (125, "docker-buildx-plugin"),
    "disk-full": (125, "docker system prune"),
    "registry-unreachable": (125, "its registry cannot be reached"),
    "index-unreachable": (1, "The package index cannot be reached; nothing was changed. Check the network"),
    "index-certificate-unknown": (1, "PYDOCK_CA_BUNDLE=/path/to/ca.pem"),
    "version-conflict": (1, "No set of packages meets all requirements"),
    "step-failed": (
        1,
        "A step of the dockerfile failed; nothing was changed.\n/bin/sh: 1: frobnicate: not found",
    ),
    "layer-missing": (1, "The build failed:\nError response from daemon: layer does not exist"),
}
# Every command that needs the engine.
COMMANDS = {
    "create": ["create", "new", "3.12"],
    "shell": ["shell", "ds"],
    "run": ["run", "ds", "true"],
    "install": ["install", "ds", "six"],
    "uninstall": ["uninstall", "ds", "six"],
    "update": ["update", "ds"],
    "build": ["build", "ds"],
    "envs": ["envs"],
    "delete": ["delete", "ds", "--yes"],
    "envs --all": ["envs", "--all"],
    "clean": ["clean", "--yes"],
}
every_command = pytest.mark.parametrize("command", COMMANDS)


@pytest.fixture
def ds(machine: Machine) -> Machine:
    machine.add_environment("ds", "six==1.16.0", requested="six\n")
    return machine


@pytest.mark.parametrize("failure", FAILURES)
def test_failed_build_explains_the_cause(ds: Machine, failure: str) -> None:
    code, words = FAILURES[failure]
    ended = ds.pydock("build", "ds", FAKE_DOCKER_FAIL=f"build:{failure}")
    assert ended.code == code
    assert words in ended.err
    assert ended.out == ""


@every_command
def test_stopped_engine_is_reported_by_every_command(ds: Machine, command: str) -> None:
    before, engine = ds.home_and_project(), ds.state()
    ended = ds.pydock(*COMMANDS[command], FAKE_DOCKER_FAIL="*:daemon-down")
    assert (ended.code, ended.out) == (125, "")
    assert FAILURES["daemon-down"][1] in ended.err
    assert ended.err.count("\n") == 1
    assert ds.files("new") == {}
    if command != "create":  # which makes a folder for the first environment
        assert ds.home_and_project() == before
    assert ds.state() == engine


@every_command
def test_missing_client_is_reported_by_every_command(ds: Machine, command: str) -> None:
    ended = ds.pydock(*COMMANDS[command], PATH=str(ds.project))
    assert ended.code == 125
    assert ended.err == (
        "Command 'docker' not found on PATH. Install Docker (https://docs.docker.com/engine/install/).\n"
    )
    assert ds.files("new") == {}


def test_missing_client_of_the_settings_is_named(ds: Machine) -> None:
    ended = ds.pydock("envs", PYDOCK_ENGINE="frobnicate --tls")
    assert ended.code == 125
    assert "Command 'frobnicate' not found on PATH" in ended.err
    assert "the setting 'engine'" in ended.err


def test_client_that_is_not_executable(ds: Machine) -> None:
    ds.client.chmod(0o644)
    ended = ds.pydock("run", "ds", "true", PATH=str(ds.bin))
    assert ended.code == 125
    assert ended.err == "Cannot start docker: Permission denied.\n"


def test_home_folder_that_cannot_be_written(machine: Machine) -> None:
    (machine.home / ".pydock").write_text("a file")
    ended = machine.pydock("create", "new", "3.12")
    assert ended.code == 1
    assert f"Cannot write {machine.home}/.pydock" in ended.err
    assert machine.calls() == []


def _assert_podman_is_refused(machine: Machine, *argv: str, **variables: str) -> None:
    machine.client.rename(machine.bin / "podman")
    before = machine.home_and_project()
    ended = machine.pydock(*argv, **variables)
    assert (ended.code, ended.out) == (125, "")
    assert ended.err.startswith("Podman is not supported yet (setting 'engine' is '")
    assert ended.err.count("\n") == 1
    assert machine.calls() == []
    assert machine.home_and_project() == before
    assert list(machine.temporary.iterdir()) == []


@every_command
def test_podman_is_refused_by_every_command(ds: Machine, command: str) -> None:
    _assert_podman_is_refused(ds, *COMMANDS[command], PYDOCK_ENGINE="podman")


@pytest.mark.parametrize("command", ["install", "run"])
@pytest.mark.parametrize("engine", ["sudo podman", "/usr/bin/podman", "podman-remote"])
def test_podman_is_refused_whatever_its_path(ds: Machine, command: str, engine: str) -> None:
    ds.add_sudo()
    _assert_podman_is_refused(ds, *COMMANDS[command], PYDOCK_ENGINE=engine)


@pytest.mark.parametrize("command", ["install", "run"])
@pytest.mark.parametrize("value", ["podman", "[sudo, podman]"])
def test_podman_is_refused_in_a_settings_file(ds: Machine, command: str, value: str) -> None:
    (ds.home / ".pydock.yaml").write_text(f"engine: {value}\n")
    _assert_podman_is_refused(ds, *COMMANDS[command])


def test_podman_is_refused_in_a_dry_run(ds: Machine) -> None:
    _assert_podman_is_refused(ds, "--dry", "install", "ds", "six", PYDOCK_ENGINE="podman")


def test_config_works_with_podman(ds: Machine) -> None:
    ended = ds.ok("config", PYDOCK_ENGINE="podman")
    assert "podman" in ended.out
    assert ended.err == ""
