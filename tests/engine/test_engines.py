"""The engine: missing, forbidden, remote, unsupported, or with another builder selected."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest

from .tools import Project, docker, images, inspect
from .users import SOCKET, ordinary_user

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REMOTE = "tcp://203.0.113.1:2375"  # reserved for documentation (TEST-NET-3)
COMMANDS = ["install", "uninstall", "update", "build", "run", "create"]


def words_for(command: str, name: str) -> list[str]:
    last = {"install": ["six"], "uninstall": ["six"], "run": ["true"], "create": ["3.12"]}.get(command, [])
    return [command, f"{name}-new" if command == "create" else name, *last]


@pytest.fixture(scope="module")
def user_without_docker() -> Iterator[Project]:
    """Return an ordinary user without permission to use the engine's socket."""
    if SOCKET.stat().st_mode & stat.S_IRWXO:
        pytest.skip("every user may use this engine's socket")
    with ordinary_user(may_use_docker=False) as project:
        yield project


@pytest.mark.parametrize("command", ["run", "shell"])
@pytest.mark.parametrize("how", ["variable", "context"])
def test_run_refuses_remote_engine(
    project: Project, ready: str, shared_home: Project, command: str, how: str, tmp_path: Path
) -> None:
    if how == "variable":
        variables = {"DOCKER_HOST": REMOTE}
    else:
        variables = {"DOCKER_CONFIG": str(tmp_path / "docker"), "DOCKER_CONTEXT": "remote"}
        words = ["context", "create", "remote", "--docker", f"host={REMOTE}"]
        docker(*words, environ={**project.environ, "DOCKER_CONFIG": variables["DOCKER_CONFIG"]})
    variables["HOME"] = str(shared_home.home)
    words = ["--global", command, ready, *(["true"] if command == "run" else [])]
    result = project.pydock(*words, variables=variables, check=False)
    assert result.returncode == 125
    assert REMOTE in result.stderr
    assert "another machine" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_engine_does_not_answer(project: Project, ready: str, shared_home: Project, command: str) -> None:
    variables = {"HOME": str(shared_home.home), "DOCKER_HOST": "unix:///nonexistent.sock"}
    result = project.pydock("--global", *words_for(command, ready), variables=variables, check=False)
    assert result.returncode == 125
    assert "The Docker engine is not running" in result.stderr
    assert not (shared_home.home / ".pydock" / "envs" / f"{ready}-new").exists()


@pytest.mark.parametrize("command", ["create", "run", "envs"])
def test_client_not_found(project: Project, ready: str, shared_home: Project, command: str) -> None:
    variables = {"HOME": str(shared_home.home), "PYDOCK_ENGINE": "no-such-docker"}
    words = ["envs"] if command == "envs" else words_for(command, ready)
    result = project.pydock("--global", *words, variables=variables, check=False)
    assert result.returncode == 125
    assert "no-such-docker" in result.stderr
    assert "Install Docker" in result.stderr


@pytest.mark.parametrize("command", [*COMMANDS, "envs", "delete", "shell"])
def test_podman_is_refused(project: Project, ready: str, shared_home: Project, command: str) -> None:
    variables = {"HOME": str(shared_home.home), "PYDOCK_ENGINE": "podman"}
    words = ["envs"] if command == "envs" else words_for(command, ready)
    result = project.pydock("--global", *words, variables=variables, check=False)
    assert result.returncode == 125
    assert "Podman is not supported yet" in result.stderr
    assert "PYDOCK_ENGINE" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("command", ["create", "envs", "run"])
def test_socket_permission_denied(user_without_docker: Project, command: str) -> None:
    project = user_without_docker
    name = project.new_name() if command == "create" else project.write_environment("FROM python:3.12\n")
    words = ["envs"] if command == "envs" else words_for(command, name)
    result = project.pydock(*words, check=False)
    assert result.returncode == 125
    assert "socket" in result.stderr
    assert "usermod -aG docker" in result.stderr


@pytest.mark.parametrize("how", ["variable", "selected"])
def test_selected_builder_is_ignored(project: Project, tmp_path: Path, how: str) -> None:
    """A builder with the container driver cannot use local images, and does not add its images to the engine."""
    config = tmp_path / "docker"
    variables = {"DOCKER_CONFIG": str(config)}
    environ = {**project.environ, **variables}
    words = ["buildx", "create", "--name", "pydock-test-builder", "--driver", "docker-container"]
    docker(*words, *(["--use"] if how == "selected" else []), environ=environ)
    if how == "variable":
        variables["BUILDX_BUILDER"] = "pydock-test-builder"
    name = project.create(variables=variables)
    project.pydock("install", name, "six", variables=variables)
    assert project.freeze(name) == project.requirements(name)
    assert len(images(name)) == 2


def test_extra_options_are_passed_to_docker(project: Project) -> None:
    variables = {"PYDOCK_RUN_OPTIONS": "--env GREETING='a  b' --network none"}
    name = project.create(variables={"PYDOCK_BUILD_OPTIONS": "--label pydock-test=yes"})
    assert inspect(f"pydock-{name}:latest")["Config"]["Labels"]["pydock-test"] == "yes"
    ran = project.pydock("run", name, "sh", "-c", 'echo "$GREETING"', variables=variables)
    assert ran.stdout == "a  b\n"


def test_images_have_one_manifest(project: Project) -> None:
    """Attestations would add a second manifest."""
    name = project.create()
    saved = json.loads(docker("image", "inspect", f"pydock-{name}:latest"))
    assert len(saved) == 1
    assert saved[0]["Os"] == "linux"
