"""Warm containers on a real engine: when one is used, when it ends, and that nobody else gets in."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .tools import TIMEOUT, Project, docker, remove_warm_containers, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

KEEP = {"PYDOCK_KEEP": "5m"}


def warm(name: str) -> list[str]:
    """Return the names of the environment's warm containers that run."""
    filters = ["--filter", "label=pydock.warm", "--filter", f"name=^{name}-warm-"]
    return docker("ps", *filters, "--format", "{{.Names}}").split()


@pytest.fixture
def environment(project: Project) -> Iterator[str]:
    """Return the name of an environment of the project, in whose warm containers a test may change anything."""
    name = project.create()
    yield name
    remove_warm_containers(name)


def host_of(project: Project, name: str, **variables: str) -> str:
    """Return the boot time of the container that a run is in: two containers have different first processes."""
    script = "stat -c %Y.%i /proc/1"
    return project.pydock("run", name, "sh", "-c", script, variables=variables).stdout


def test_default_is_a_fresh_container(project: Project, environment: str) -> None:
    project.pydock("run", environment, "true")
    assert warm(environment) == []


def test_keep_starts_one_container_for_many_runs(project: Project, environment: str) -> None:
    places = {host_of(project, environment, **KEEP) for _ in range(3)}
    assert len(places) == 1
    assert len(warm(environment)) == 1
    sub = project.folder / "sub"
    sub.mkdir()
    (sub / "later").mkdir()
    printed = project.pydock("run", environment, "pwd", variables=KEEP, folder=sub / "later").stdout
    assert printed.endswith("/later\n")


def test_up_and_down(project: Project, environment: str) -> None:
    assert f"`pydock down {environment}`" in project.pydock("up", environment).stderr
    assert len(warm(environment)) == 1
    assert "ready, warm" in project.pydock("envs").stdout
    assert host_of(project, environment) == host_of(project, environment)
    project.pydock("down", environment)
    wait_until(lambda: warm(environment) == [], "the container to end")
    host_of(project, environment)
    assert warm(environment) == []


def test_other_options_variables_and_images_never_meet(project: Project, environment: str) -> None:
    first = host_of(project, environment, **KEEP)
    assert host_of(project, environment, **KEEP, PYDOCK_RUN_OPTIONS="--memory 200m") != first
    assert len(warm(environment)) == 2
    project.pydock("install", environment, "six")
    code = "import six; print('six')"
    assert project.pydock("run", environment, "python", "-c", code, variables=KEEP).stdout == "six\n"
    wait_until(lambda: len(warm(environment)) == 1, "the containers of the old image to end")
    shown = project.pydock(
        "run", environment, "sh", "-c", "echo $MINE", variables={**KEEP, "PYDOCK_RUN_OPTIONS": "-e MINE=1"}
    )
    assert shown.stdout == "1\n"
    assert len(warm(environment)) == 1, "a variable needs no other container"


def test_folder_that_was_deleted_and_made_again(project: Project, environment: str) -> None:
    folder = project.folder / "work"
    for content in ("one", "two"):
        folder.mkdir()
        (folder / "file").write_text(content, encoding="ascii")
        printed = project.pydock("run", environment, "cat", "file", variables=KEEP, folder=folder).stdout
        assert printed == content
        shutil.rmtree(folder)


def test_killed_container_and_install_while_a_program_runs(project: Project, environment: str) -> None:
    process = project.start(
        *("run", environment, "sh", "-c", "echo ready; read word; echo $word"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        variables=KEEP,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    project.pydock("install", environment, "six")
    assert process.communicate(b"went on\n", TIMEOUT)[0] == b"went on\n"
    wait_until(lambda: warm(environment) == [], "the container to end with its last program")
    process = project.start(
        "run", environment, "sh", "-c", "echo ready; sleep 600", stdout=subprocess.PIPE, variables=KEEP
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    docker("kill", *warm(environment))
    assert process.wait(TIMEOUT) == 137
    process.stdout.close()
    assert project.pydock("run", environment, "echo", "next", variables=KEEP).stdout == "next\n"


def test_delete_removes_an_idle_container_and_refuses_a_busy_one(project: Project, environment: str) -> None:
    process = project.start(
        "run",
        environment,
        "sh",
        "-c",
        "echo ready; cat",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        variables=KEEP,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    refused = project.pydock("delete", environment, "--yes", check=False)
    assert refused.returncode == 125
    assert f"in use by container {environment}-warm-" in refused.stderr
    process.communicate(b"", TIMEOUT)
    project.pydock("run", environment, "true", variables=KEEP)
    project.pydock("delete", environment, "--yes")
    assert warm(environment) == []


def test_fifty_at_once(project: Project, environment: str) -> None:
    project.pydock("run", environment, "true", variables=KEEP)
    processes = [
        project.start(
            "run",
            environment,
            "sh",
            "-c",
            f"cat; exit {number}",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            variables=KEEP,
        )
        for number in range(50)
    ]
    for number, process in enumerate(processes):
        printed, _ = process.communicate(b"%d" % number, TIMEOUT)
        assert (printed, process.returncode) == (b"%d" % number, number)
    assert len(warm(environment)) == 1


def test_socket_is_the_user_s_alone(project: Project, environment: str) -> None:
    """Another user cannot reach the folder; a link to it is not followed."""
    project.pydock("run", environment, "true", variables=KEEP)
    [folder] = (project.home / ".local" / "state" / "pydock" / "warm").iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    code = "import os, socket, sys; os.setuid(4321); socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
    argv = [sys.executable, "-c", code, f"{folder.name}/socket"]
    done = subprocess.run(argv, cwd=folder.parent, capture_output=True, text=True, check=False)
    assert "PermissionError" in done.stderr


def test_three_hundred_megabytes_through_the_pipes(project: Project, environment: str) -> None:
    size = 300 << 20
    source = subprocess.Popen(["head", "-c", str(size), "/dev/zero"], stdout=subprocess.PIPE)
    process = project.start(
        "run", environment, "cat", stdin=source.stdout, stdout=subprocess.PIPE, variables=KEEP
    )
    counted = subprocess.run(["wc", "-c"], stdin=process.stdout, capture_output=True, text=True, check=True)
    assert int(counted.stdout) == size
    assert process.wait(TIMEOUT) == 0
    assert source.wait(TIMEOUT) == 0
    for stream in (source.stdout, process.stdout):
        assert stream is not None
        stream.close()


def test_image_in_which_no_keeper_can_start(project: Project) -> None:
    """The first run waits a moment for it, the next ones do not, and all of them have a container of their own."""
    name = project.create()
    with (project.environment(name) / "dockerfile").open("a", encoding="utf-8") as file:
        file.write("USER root\nRUN ln -sf /bin/false /usr/local/bin/python3\nUSER $USER\n")
    project.pydock("build", name)
    for _ in range(2):
        assert project.pydock("run", name, "echo", "ran", variables=KEEP).stdout == "ran\n"
    assert warm(name) == []
    assert list((project.home / ".local" / "state" / "pydock" / "warm").glob("*/unusable"))
