"""The engine's own messages, and the error, exit code and hint that each becomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from invoke import Result

from pydock import errors
from pydock.engine import diagnosis

from ...fake_docker.messages import message

if TYPE_CHECKING:
    from collections.abc import Sequence

CLIENT = ("docker",)
METADATA = "failed to resolve source metadata for docker.io/library/python:3.12: "
SOLVE = f"ERROR: failed to solve: python:3.12: {METADATA}"

ENGINE_FAILURES = [
    (message("daemon-down"), errors.EngineNotRunning, "sudo systemctl start docker"),
    (
        'error during connect: Get "http://localhost:2375/v1.45/info": dial tcp 127.0.0.1:2375: connect: refused',
        errors.EngineNotRunning,
        "`docker version` shows whether it answers",
    ),
    (
        (
            "failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct and if the "
            "daemon is running: dial unix /var/run/docker.sock: connect: no such file or directory"
        ),
        errors.EngineNotRunning,
        "Start it",
    ),
    ("Cannot connect to Podman. Please verify your connection", errors.EngineNotRunning, "Start it"),
    (message("permission-denied"), errors.EngineForbidden, "usermod -aG docker $USER"),
    (
        "permission denied while trying to connect to the docker API at unix:///var/run/docker.sock",
        errors.EngineForbidden,
        "PYDOCK_ENGINE='sudo docker'",
    ),
    (message("no-buildx"), errors.BuildKitMissing, "docker-buildx-plugin"),
    ("unknown flag: --secret\nSee 'docker build --help'.", errors.BuildKitMissing, "docker-buildx"),
    (
        "the --mount option requires BuildKit. Refer to https://docs.docker.com/go/buildkit/ to learn how",
        errors.BuildKitMissing,
        "docker-buildx",
    ),
    (message("disk-full"), errors.DiskFull, "`docker system prune` removes"),
    ("write /x: disk quota exceeded", errors.DiskFull, "`docker system df`"),
]

BUILD_FAILURES = [
    (
        (
            "ERROR: failed to solve: failed to compute cache key: failed to calculate checksum of ref b5::x1: "
            '"/requirements.txt": not found'
        ),
        errors.BuildFailed,
        "The dockerfile uses /requirements.txt, which was not found in its folder",
    ),
    (
        (
            f'{SOLVE}failed to do request: Head "https://registry.example/v2/library/python/manifests/3.12": dial tcp: '
            "lookup registry.example on 192.0.2.1:53: no such host"
        ),
        errors.RegistryUnreachable,
        "The base image python:3.12 was not found on this machine",
    ),
    (
        f"{SOLVE}unexpected status from HEAD request: dial tcp 192.0.2.1:443: i/o timeout",
        errors.RegistryUnreachable,
        "`docker load`",
    ),
    (
        message("base-image-not-found"),
        errors.BaseImageNotFound,
        "The base image python:9.9 was not found, neither",
    ),
    (
        f"{SOLVE}docker.io/library/python:3.12: not found",
        errors.BaseImageNotFound,
        "The base image python:3.12 was not found, neither",
    ),
    (
        "Error response from daemon: manifest for python:9.9 not found: manifest unknown",
        errors.BaseImageNotFound,
        "The base image python:9.9 was not found, neither",
    ),
    (
        (
            "ERROR: failed to solve: team/x: failed to resolve source metadata for docker.io/team/x:latest: pull access "
            "denied, repository does not exist or may require authorization: server message: insufficient_scope"
        ),
        errors.BaseImageNotFound,
        "The base image team/x was not found, neither",
    ),
    (
        "Error response from daemon: pull access denied for team/x, repository does not exist",
        errors.BaseImageNotFound,
        "The base image team/x was not found, neither",
    ),
    (
        "ERROR: failed to solve: dockerfile parse error on line 3: unknown instruction: FORM",
        errors.BuildFailed,
        "The build failed:\nERROR: failed to solve: dockerfile parse error on line 3",
    ),
    ("", errors.BuildFailed, "The build failed:"),
]


def failed(stderr: str, stdout: str = "") -> Result:
    return Result(stdout=stdout, stderr=stderr, exited=1)


@pytest.mark.parametrize(("output", "error", "hint"), ENGINE_FAILURES)
def test_engine_failure(output: str, error: type[errors.PydockError], hint: str) -> None:
    with pytest.raises(error) as caught:
        diagnosis.raise_for_engine(CLIENT, output)
    assert type(caught.value) is error
    assert hint in caught.value.message
    assert caught.value.code == 125


@pytest.mark.parametrize(
    "output",
    ["", "Error response from daemon: No such image: x", *(output for output, _, _ in BUILD_FAILURES)],
)
def test_other_failures_are_not_engine_failures(output: str) -> None:
    diagnosis.raise_for_engine(CLIENT, output)


@pytest.mark.parametrize(("output", "error", "hint"), BUILD_FAILURES)
def test_build_failure_before_the_first_step(output: str, error: type[errors.PydockError], hint: str) -> None:
    found = diagnosis.failure_before_the_first_step(CLIENT, output)
    assert type(found) is error
    assert hint in found.message
    assert found.code == (1 if error is errors.BuildFailed else 125)


def test_long_output_is_shortened() -> None:
    output = "\n".join(f"line {number}" for number in range(2000))
    message = diagnosis.failure_before_the_first_step(CLIENT, output).message
    assert message.splitlines()[1:] == [f"line {number}" for number in range(1988, 2000)]


@pytest.mark.parametrize(
    ("argv", "output", "message"),
    [
        (
            ["docker", "tag", "a b", "c"],
            "\nError response from daemon: No such image: a\n",
            "`docker tag 'a b' c` failed with exit code 1: Error response from daemon: No such image: a",
        ),
        (["docker", "cp"], "", "`docker cp` failed with exit code 1: (no output)"),
    ],
)
def test_failure_of_other_commands(argv: Sequence[str], output: str, message: str) -> None:
    found = diagnosis.failure(argv, failed(output))
    assert type(found) is errors.EngineError
    assert found.message == message


@pytest.mark.parametrize(
    ("client", "hint"),
    [
        (("docker",), "Install Docker (https://docs.docker.com/engine/install/)."),
        (("sudo", "docker"), "or correct the setting 'engine'"),
    ],
)
def test_client_not_found(client: tuple[str, ...], hint: str) -> None:
    found = diagnosis.client_not_found(client)
    assert found.code == 125
    assert found.message.startswith(f"Command '{client[0]}' not found on PATH.")
    assert hint in found.message
