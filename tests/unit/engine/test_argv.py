"""Every command line that pydock gives to the engine's client."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from pydock.engine import argv as docker
from pydock.engine.argv import DETACH_KEYS, Terminal
from pydock.engine.places import Places, places_of
from pydock.environments.caller import Caller
from pydock.environments.environment import Environment
from pydock.environments.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

DOCKER = ("docker",)
PIPED = Terminal(stdin_open=True, interactive=False)
ENVIRONMENT = Environment("ds", "/h/envs/ds", "0123abcd", "4567cdef", "pydock-", Caller("me", 1000, 1000), {})


PROJECT = Places({"/home/me/project": "/srv/project"}, "/home/me/project")
ELSEWHERE = Places({"/w": "/w"}, "/w")


def run(
    places: Places = PROJECT,
    terminal: Terminal = PIPED,
    options: tuple[str, ...] = (),
) -> list[str]:
    return docker.run_command(
        DOCKER, "image:1", ENVIRONMENT, "ds-1", places, ["python", "-V"], terminal, options
    )


HEAD = [
    "docker",
    "run",
    "--rm",
    "--init",
    "--pull",
    "never",
    "--name",
    "ds-1",
    "--sig-proxy=false",
    "--entrypoint",
    "",
]
MOUNT = [
    *("--hostname", "ds", "--mount", "type=bind,source=/srv/project,target=/home/me/project"),
    *("--workdir", "/home/me/project", "--log-driver", "none", "image:1"),
]
COMMAND = ["python", "-V"]
# A program that stops on Ctrl-Z would never go on, because nothing in a container continues it.
WRAPPED = ["/bin/sh", "-c", f'{docker.NO_STOPPING}exec "$@"', "sh", *COMMAND]


@pytest.mark.parametrize(
    ("terminal", "expected"),
    [
        pytest.param(Terminal(stdin_open=False, interactive=False), [], id="closed stdin"),
        pytest.param(PIPED, ["--interactive"], id="pipe"),
        pytest.param(
            Terminal(stdin_open=True, interactive=True),
            ["--interactive", "--tty", "--detach-keys", DETACH_KEYS],
            id="terminals",
        ),
        pytest.param(
            Terminal(stdin_open=True, interactive=False, selinux=True),
            ["--interactive", "--security-opt", "label=disable"],
            id="SELinux",
        ),
    ],
)
def test_run_streams(terminal: Terminal, expected: list[str]) -> None:
    command = WRAPPED if terminal.interactive else COMMAND
    assert run(terminal=terminal) == [*HEAD, *expected, *MOUNT, *command]


@pytest.mark.parametrize(
    ("folder", "mount", "workdir"),
    [
        ("/", "type=bind,source=/,target=/home/me/root", "/home/me/root"),
        ("/a b/c", "type=bind,source=/a b/c,target=/home/me/c", "/home/me/c"),
        ("/a:b", "type=bind,source=/a:b,target=/home/me/a:b", "/home/me/a:b"),
        ("/a,b", 'type=bind,"source=/a,b","target=/home/me/a,b"', "/home/me/a,b"),
        ("/a,b/c", 'type=bind,"source=/a,b/c",target=/home/me/c', "/home/me/c"),
        ('/a"b', 'type=bind,"source=/a""b","target=/home/me/a""b"', '/home/me/a"b'),
        ("/it's", "type=bind,source=/it's,target=/home/me/it's", "/home/me/it's"),
        ("/v2.0", "type=bind,source=/v2.0,target=/home/me/v2.0", "/home/me/v2.0"),
        ("/ü ☃", "type=bind,source=/ü ☃,target=/home/me/ü ☃", "/home/me/ü ☃"),
    ],
)
def test_run_mounts_folders_of_any_name(folder: str, mount: str, workdir: str) -> None:
    argv = run(places_of(Workspace(folder, folder), "me"))
    assert argv[argv.index("--mount") + 1] == mount
    assert argv[argv.index("--workdir") + 1] == workdir
    assert next(csv.reader([mount])) == ["type=bind", f"source={folder}", f"target={workdir}"]


@pytest.mark.parametrize(("name", "hostname"), [("py3.8", "py3-8"), ("a_b", "a-b"), ("x" * 64, "x" * 63)])
def test_hostname_is_the_name_of_the_environment(name: str, hostname: str) -> None:
    argv = docker.run_command(DOCKER, "i", ENVIRONMENT._replace(name=name), "c", ELSEWHERE, ["true"], PIPED)
    assert argv[argv.index("--hostname") + 1] == hostname


def test_run_options_precede_the_image() -> None:
    assert run(options=("--env", "A=b c"))[-5:] == ["--env", "A=b c", "image:1", "python", "-V"]


@pytest.mark.parametrize(
    "options",
    [
        ("--detach",),
        ("-d",),
        ("--log-driver", "local"),
        ("--log-driver=local",),
        ("--log-opt", "max-size=1m"),
    ],
)
def test_log_is_kept_if_requested(options: tuple[str, ...]) -> None:
    argv = run(options=options)
    assert argv[argv.index("/home/me/project", argv.index("--workdir")) + 1 : -3] == list(options)


def test_client_of_several_words() -> None:
    argv = docker.run_command(("sudo", "docker"), "i", ENVIRONMENT, "c", ELSEWHERE, ["true"], PIPED)
    assert argv[:3] == ["sudo", "docker", "run"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, ["docker", "build", "--file", "/d/dockerfile", "/d"]),
        (
            {
                "tags": ["a:1", "a:latest"],
                "contexts": {"pydock": "/tmp/p q", "a": "/a"},
                "arguments": {"UID": "1000", "GID": "100"},
                "inherited": ["HTTP_PROXY", "http_proxy"],
                "labels": {"b": "2", "a": "1 1"},
                "secrets": ["id=netrc,src=/n", "id=pip.conf,env=P"],
                "no_cache": True,
                "pull": True,
                "options": ["--network", "host"],
            },
            [
                *("docker", "build", "--file", "/d/dockerfile", "--tag", "a:1", "--tag", "a:latest"),
                *("--build-context", "a=/a", "--build-context", "pydock=/tmp/p q"),
                *("--build-arg", "GID=100", "--build-arg", "UID=1000"),
                *("--build-arg", "HTTP_PROXY", "--build-arg", "http_proxy"),
                *("--label", "a=1 1", "--label", "b=2"),
                *("--secret", "id=netrc,src=/n", "--secret", "id=pip.conf,env=P"),
                *("--no-cache", "--pull", "--network", "host", "/d"),
            ],
        ),
        (
            {"output": "/tmp/a,b"},
            ["docker", "build", "--file", "/d/dockerfile", "--output", 'type=local,"dest=/tmp/a,b"', "/d"],
        ),
    ],
)
def test_build_image(arguments: dict[str, object], expected: list[str]) -> None:
    assert docker.build_image(DOCKER, "/d", "/d/dockerfile", **arguments) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda: docker.inspect_images(DOCKER, ["a", "b"]), "docker image inspect a b"),
        (lambda: docker.image_exists(DOCKER, "a"), "docker image inspect --format {{.Id}} a"),
        (
            lambda: docker.list_images(DOCKER, ["pydock-*"]),
            "docker images --no-trunc --filter reference=pydock-* --format {{json.}}",
        ),
        (lambda: docker.tag_image(DOCKER, "a", "b"), "docker tag a b"),
        (lambda: docker.remove_images(DOCKER, ["a", "b"]), "docker rmi a b"),
        (
            lambda: docker.create_container(DOCKER, "i", "c"),
            "docker create --pull never --network none --name c i true",
        ),
        (lambda: docker.copy_from_container(DOCKER, "c", "/p"), "docker cp c:/p -"),
        (lambda: docker.remove_container(DOCKER, "c"), "docker rm --force c"),
        (lambda: docker.remove_container(DOCKER, "c", "d"), "docker rm --force c d"),
        (
            lambda: docker.list_containers_of_run(DOCKER, "pydock.run=1"),
            "docker ps --all --quiet --no-trunc --filter label=pydock.run=1",
        ),
        (
            lambda: docker.container_exists(DOCKER, "c"),
            "docker container inspect --format {{.Id}} c",
        ),
        (lambda: docker.remove_stopped_container(DOCKER, "c"), "docker rm c"),
        (
            lambda: docker.security_options(DOCKER),
            "docker info --format {{json.SecurityOptions}}",
        ),
    ],
)
def test_other_commands(build: Callable[[], list[str]], expected: str) -> None:
    assert [word.replace("json .", "json.") for word in build()] == expected.split()


def test_list_containers_of_several_images() -> None:
    argv = docker.list_containers(DOCKER, ["a", "b"])
    assert argv[:3] == ["docker", "ps", "--all"]
    assert argv[-4:] == ["--filter", "ancestor=a", "--filter", "ancestor=b"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["-d"], True),
        (["-dit"], True),
        (["-itd"], True),
        (["--detach"], True),
        (["--detach=true"], True),
        (["--env", "A=1", "--detach"], True),
        (["--detach=false"], False),
        (["-d=0"], False),
        (["-it"], False),
        (["--detach-keys=a"], False),
        (["-edit"], False),  # --env dit
        (["--dns", "192.0.2.1"], False),
        ([], False),
    ],
)
def test_detaches(options: list[str], expected: bool) -> None:
    assert docker.detaches(options) is expected


def test_shell_command() -> None:
    assert docker.shell_command("fish") == ["fish"]
    assert docker.shell_command("") == list(docker.DEFAULT_SHELL)
