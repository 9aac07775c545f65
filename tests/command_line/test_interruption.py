"""Signals, SIGKILL and concurrent commands: the environment is the old or the new one, and the next command works."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess

    from .conftest import Machine


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_create_leaves_nothing(machine: Machine, number: int) -> None:
    process = machine.start("create", "ds", "3.12", FAKE_DOCKER_PAUSE="build")
    machine.wait_for_pause()
    process.send_signal(number)
    assert machine.wait(process) == (130, "", "Interrupted; nothing was changed.\n")
    assert machine.files() == {}
    assert machine.tags() == []
    assert list(machine.temporary.iterdir()) == []


@pytest.mark.parametrize("command", ["images", "build", "cp"])
def test_interrupted_install_leaves_files_and_image_unchanged(machine: Machine, command: str) -> None:
    machine.add_environment("ds", "numpy==1.26.0", requested="numpy<2\n")
    before, images = machine.files(), machine.state()["images"]
    process = machine.start("install", "ds", "six", FAKE_DOCKER_PAUSE=command)
    machine.wait_for_pause()
    process.send_signal(signal.SIGINT)
    assert machine.wait(process).code == 130
    assert machine.files() == before
    assert machine.state()["images"] == images
    machine.ok("install", "ds", "six")
    machine.assert_consistent()


@pytest.mark.parametrize(
    "point", ["build", "build:after", "create:after", "cp", "tag", "tag:after", "images", "rmi", "rmi:after"]
)
def test_killed_install_is_completed_or_undone_by_the_next(machine: Machine, point: str) -> None:
    machine.add_environment("ds", "numpy==1.26.0", requested="# arrays\nnumpy<2\n")
    before = machine.files()
    machine.kill_at_pause(machine.start("install", "ds", "six", FAKE_DOCKER_PAUSE=point))
    installed = {
        "dockerfile": before["dockerfile"],
        "requirements.in": b"# arrays\nnumpy<2\nsix\n",
        "requirements.txt": b"numpy==1.26.0\nsix==1.16.0\n",
    }
    assert machine.files() in (before, installed)
    assert machine.ok("run", "ds", "true").err == ""
    machine.ok("install", "ds", "six")
    assert machine.files() == installed
    machine.wait_until(lambda: machine.state()["containers"] == {})
    machine.assert_consistent()


@pytest.mark.parametrize("point", ["create:after", "cp"])
@pytest.mark.parametrize(
    "following",
    [("build", "ds"), ("uninstall", "ds", "numpy"), ("update", "ds"), ("delete", "ds", "--yes")],
    ids=" ".join,
)
def test_any_next_command_removes_what_a_killed_install_left(
    machine: Machine, point: str, following: tuple[str, ...]
) -> None:
    machine.add_environment("ds", "numpy==1.26.0", requested="numpy<2\n")
    machine.kill_at_pause(machine.start("install", "ds", "six", FAKE_DOCKER_PAUSE=point))
    assert machine.state()["containers"]
    machine.ok(*following)
    assert machine.state()["containers"] == {}
    assert len(machine.tags()) == (0 if following[0] == "delete" else 2)
    assert not [tag for tag in machine.tags() if tag.endswith("-candidate")]
    assert not [file for file in machine.files() if file.startswith(".")]


@pytest.mark.parametrize("point", ["build", "build:after"])
def test_killed_create_can_be_repeated(machine: Machine, point: str) -> None:
    machine.kill_at_pause(machine.start("create", "ds", "3.12", FAKE_DOCKER_PAUSE=point))
    assert machine.files() == {}
    assert machine.ok("envs").out == ""
    machine.ok("create", "ds", "3.12")
    machine.assert_consistent()


@pytest.mark.parametrize("point", ["build:after", "tag"])
def test_killed_uninstall_is_completed_or_undone_by_the_next(machine: Machine, point: str) -> None:
    machine.add_environment("ds", "requests==2.31.0", "six==1.16.0", requested="six\nrequests\n")
    machine.kill_at_pause(machine.start("uninstall", "ds", "six", FAKE_DOCKER_PAUSE=point))
    assert machine.ok("run", "ds", "true").err == ""
    machine.ok("update", "ds")
    assert machine.files()["requirements.in"] in {b"six\nrequests\n", b"requests\n"}
    machine.wait_until(lambda: machine.state()["containers"] == {})
    machine.assert_consistent()


@pytest.mark.parametrize("point", ["rmi", "rmi:after"])
def test_killed_delete_can_be_repeated(ds: Machine, point: str) -> None:
    ds.kill_at_pause(ds.start("delete", "ds", "--yes", FAKE_DOCKER_PAUSE=point))
    assert sorted(ds.files()) == ["dockerfile", "requirements.txt"]
    ds.ok("delete", "ds", "--yes")
    assert (ds.files(), ds.tags()) == ({}, [])


def test_second_install_waits_for_the_first(ds: Machine) -> None:
    first, second = _start_two(ds, ["install", "ds", "six"], ["install", "ds", "requests"])
    assert ds.wait(first).code == 0
    assert ds.wait(second).code == 0
    assert ds.files()["requirements.in"] == b"six\nrequests\n"
    assert ds.pins() == ["requests==2.31.0", "six==1.16.0"]
    ds.assert_consistent()


def test_second_create_of_a_name_waits_and_fails(machine: Machine) -> None:
    first, second = _start_two(machine, ["create", "ds", "3.12"], ["create", "ds", "3.11"])
    assert machine.wait(first).code == 0
    ended = machine.wait(second)
    assert ended.code == 1
    assert "already exists" in ended.err
    assert b"ARG VERSION=3.12" in machine.files()["dockerfile"]
    machine.assert_consistent()


def test_second_create_of_a_name_succeeds_if_the_first_fails(machine: Machine) -> None:
    first, second = _start_two(machine, ["create", "ds", "9.9"], ["create", "ds", "3.11"])
    assert machine.wait(first).code == 125
    assert machine.wait(second).code == 0
    assert b"ARG VERSION=3.11" in machine.files()["dockerfile"]
    machine.assert_consistent()


def test_install_that_waited_for_a_delete_fails(ds: Machine) -> None:
    first, second = _start_two(ds, ["delete", "ds", "--yes"], ["install", "ds", "six"], pause="rmi")
    assert ds.wait(first).code == 0
    ended = ds.wait(second)
    assert ended.code == 1
    assert "was removed by another command" in ended.err
    assert (ds.files(), ds.tags()) == ({}, [])


def _start_two(
    machine: Machine, first: list[str], second: list[str], pause: str = "build"
) -> tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]]:
    """Start two commands on `ds`; the first continues when the second has said that it waits."""
    one = machine.start(*first, FAKE_DOCKER_PAUSE=pause)
    machine.wait_for_pause()
    two = machine.start(*second)
    assert two.stderr is not None
    assert two.stderr.readline().decode() == "Waiting for another pydock command on ds …\n"
    machine.resume()
    return one, two


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_build_interrupted_when_the_engine_is_done(machine: Machine, number: signal.Signals) -> None:
    machine.ok("create", "ds", "3.12")
    with (machine.folder("ds") / "dockerfile").open("a") as file:
        file.write("# edited\n")
    before = machine.tags()
    process = machine.start("build", "ds", FAKE_DOCKER_PAUSE="build:after")
    machine.wait_for_pause()
    process.send_signal(number)
    machine.resume()
    ended = machine.wait(process)
    assert ended.code == 130, ended
    assert machine.tags() == before
