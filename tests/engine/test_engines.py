"""Which engine: not there, not ours, not here, or with another builder selected."""

from __future__ import annotations

import getpass
import json
import os
import stat
from typing import TYPE_CHECKING

import pytest

from .people import SOCKET, ordinary_user
from .tools import Project, docker, images

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REMOTE = "tcp://203.0.113.1:2375"  # TEST-NET-3: nobody is there, and nobody is asked
SETTING_UP = ["install", "uninstall", "update", "build", "run", "create"]


def words_for(command: str, name: str) -> list[str]:
    last = {"install": ["six"], "uninstall": ["six"], "run": ["true"], "create": ["3.12"]}.get(command, [])
    return [command, f"{name}-new" if command == "create" else name, *last]


@pytest.fixture(scope="module")
def stranger() -> Iterator[Project]:
    """Return an ordinary user who may not use the engine's socket."""
    if SOCKET.stat().st_mode & stat.S_IRWXO:
        pytest.skip("everybody may use this engine's socket")
    with ordinary_user(may_use_docker=False) as project:
        yield project


@pytest.mark.parametrize("command", ["run", "shell"])
@pytest.mark.parametrize("how", ["variable", "context"])
def test_an_engine_elsewhere_is_refused_where_folders_are_mounted(
    project: Project, ready: str, shared_home: Project, command: str, how: str, tmp_path: Path
) -> None:
    if how == "variable":
        variables = {"DOCKER_HOST": REMOTE}
    else:
        variables = {"DOCKER_CONFIG": str(tmp_path / "docker"), "DOCKER_CONTEXT": "elsewhere"}
        words = ["context", "create", "elsewhere", "--docker", f"host={REMOTE}"]
        docker(*words, environ={**project.environ, "DOCKER_CONFIG": variables["DOCKER_CONFIG"]})
    variables["HOME"] = str(shared_home.home)
    words = ["--global", command, ready, *(["true"] if command == "run" else [])]
    result = project.pydock(*words, variables=variables, check=False)
    assert result.returncode == 125
    assert REMOTE in result.stderr
    assert "another machine" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", SETTING_UP)
def test_an_engine_that_does_not_answer(
    project: Project, ready: str, shared_home: Project, command: str
) -> None:
    variables = {"HOME": str(shared_home.home), "DOCKER_HOST": "unix:///nonexistent.sock"}
    result = project.pydock("--global", *words_for(command, ready), variables=variables, check=False)
    assert result.returncode == 125
    assert "does not answer" in result.stderr
    assert not (shared_home.home / ".pydock" / "envs" / f"{ready}-new").exists()


@pytest.mark.parametrize("command", ["create", "run", "envs"])
def test_a_client_that_is_not_there(project: Project, ready: str, shared_home: Project, command: str) -> None:
    variables = {"HOME": str(shared_home.home), "PYDOCK_ENGINE": "no-such-docker"}
    words = ["envs"] if command == "envs" else words_for(command, ready)
    result = project.pydock("--global", *words, variables=variables, check=False)
    assert result.returncode == 125
    assert "no-such-docker" in result.stderr
    assert "Install Docker" in result.stderr


@pytest.mark.parametrize("command", ["create", "envs", "run"])
def test_a_socket_that_is_not_ours(stranger: Project, command: str) -> None:
    name = stranger.new_name()
    if command != "create":
        stranger.environment(name).mkdir(parents=True)
        (stranger.environment(name) / "dockerfile").write_text("FROM python:3.12\n", encoding="utf-8")
        (stranger.environment(name) / "requirements.txt").touch()
    words = ["envs"] if command == "envs" else words_for(command, name)
    result = stranger.pydock(*words, check=False)
    assert result.returncode == 125
    assert "socket" in result.stderr
    assert "usermod -aG docker" in result.stderr


@pytest.mark.parametrize("how", ["variable", "selected"])
def test_another_builder_is_ignored(project: Project, tmp_path: Path, how: str) -> None:
    """A builder of the container driver sees neither local images nor does it give its own to the engine."""
    config = tmp_path / "docker"
    variables = {"DOCKER_CONFIG": str(config)}
    environ = {**project.environ, **variables}
    words = ["buildx", "create", "--name", "ring-builder", "--driver", "docker-container"]
    docker(*words, *(["--use"] if how == "selected" else []), environ=environ)
    if how == "variable":
        variables["BUILDX_BUILDER"] = "ring-builder"
    name = project.create(variables=variables)
    project.pydock("install", name, "six", variables=variables)
    assert project.freeze(name) == project.requirements(name)
    assert len(images(name)) == 2


def test_extra_options_reach_docker(project: Project) -> None:
    variables = {"PYDOCK_RUN_OPTIONS": "--env GREETING='a  b' --network none"}
    name = project.create(variables={"PYDOCK_BUILD_OPTIONS": "--label ring=yes"})
    ran = project.pydock("run", name, "sh", "-c", 'echo "$GREETING"', variables=variables)
    assert ran.stdout == "a  b\n"


def test_images_are_single_manifests(project: Project) -> None:
    """Attestations would make `docker save` and the containerd image store carry a second manifest."""
    name = project.create()
    saved = json.loads(docker("image", "inspect", f"pydock-{name}:latest"))
    assert len(saved) == 1
    assert saved[0]["Os"] == "linux"


def test_the_engines_own_user_is_named_like_the_caller(reader: Project, ready: str) -> None:
    user = reader.pydock("run", ready, "whoami").stdout.strip()
    assert user == getpass.getuser().lower() or os.getuid() == 0
