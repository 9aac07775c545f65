"""Signals, SIGKILL, two at once: the environment is the old one or the new one, and the next command mends."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Machine


def assert_whole(machine: Machine, name: str = "ds") -> None:
    """Insist that image and folder agree, and that nothing is left over."""
    [image] = machine.state()["images"].values()
    assert len(image["tags"]) == 2
    assert image["installed"] == machine.files(name)["requirements.txt"].decode().splitlines()
    assert machine.state()["containers"] == {}
    assert not [file for file in machine.files(name) if file.startswith(".")]
    assert [path.name for path in machine.folder(name).parent.iterdir()] == [name]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_create_leaves_nothing(machine: Machine, number: int) -> None:
    process = machine.start("create", "ds", "3.12", FAKE_DOCKER_PAUSE="build")
    machine.wait_for_pause()
    ended = machine.end(process, number)
    assert (ended.code, ended.out, ended.err) == (130, "", "Interrupted; nothing was changed.\n")
    assert machine.files() == {}
    assert machine.tags() == []


@pytest.mark.parametrize("command", ["build", "cp", "images"])
def test_an_interrupted_install_leaves_the_files(machine: Machine, command: str) -> None:
    machine.given("ds", "numpy==1.26.0", asked="numpy<2\n")
    before, tags = machine.files(), machine.tags()
    process = machine.start("install", "ds", "six", FAKE_DOCKER_PAUSE=command)
    machine.wait_for_pause()
    ended = machine.end(process, signal.SIGINT)
    assert ended.code == 130
    if command != "images":  # that one is asked after the commit
        assert machine.files() == before
        assert set(tags) <= set(machine.tags())
    machine.ok("install", "ds", "six")
    assert_whole(machine)


POINTS = ["build", "build:after", "create:after", "cp", "tag", "tag:after", "images", "rmi"]


@pytest.mark.parametrize("point", POINTS)
def test_an_install_killed_anywhere_is_mended_by_the_next(machine: Machine, point: str) -> None:
    machine.given("ds", "numpy==1.26.0", asked="# arrays\nnumpy<2\n")
    before = machine.files()
    machine.kill_paused(machine.start("install", "ds", "six", FAKE_DOCKER_PAUSE=point))
    after = machine.files()
    old = after == before
    new = after == {
        "dockerfile": before["dockerfile"],
        "requirements.in": b"# arrays\nnumpy<2\nsix\n",
        "requirements.txt": b"numpy==1.26.0\nsix==1.16.0\n",
    }
    assert old or new
    assert machine.ok("run", "ds", "true").err == ""
    machine.ok("install", "ds", "six")
    assert machine.files()["requirements.txt"] == b"numpy==1.26.0\nsix==1.16.0\n"
    machine.wait_until(lambda: machine.state()["containers"] == {})
    assert_whole(machine)


@pytest.mark.parametrize("point", ["build", "build:after"])
def test_a_create_killed_anywhere_can_be_repeated(machine: Machine, point: str) -> None:
    machine.kill_paused(machine.start("create", "ds", "3.12", FAKE_DOCKER_PAUSE=point))
    assert machine.files() == {}
    assert machine.ok("envs").out == ""
    machine.ok("create", "ds", "3.12")
    assert_whole(machine)


@pytest.mark.parametrize("point", ["build:after", "tag"])
def test_an_uninstall_killed_anywhere_is_mended_by_the_next(machine: Machine, point: str) -> None:
    machine.given("ds", "requests==2.31.0", "six==1.16.0", asked="six\nrequests\n")
    machine.kill_paused(machine.start("uninstall", "ds", "six", FAKE_DOCKER_PAUSE=point))
    assert machine.ok("run", "ds", "true").err == ""
    machine.ok("update", "ds")
    left = machine.files()["requirements.in"]
    assert left in {b"six\nrequests\n", b"requests\n"}
    machine.wait_until(lambda: machine.state()["containers"] == {})
    assert_whole(machine)


@pytest.mark.parametrize("point", ["rmi", "rmi:after"])
def test_a_delete_killed_anywhere_can_be_repeated(ds: Machine, point: str) -> None:
    ds.kill_paused(ds.start("delete", "ds", "--yes", FAKE_DOCKER_PAUSE=point))
    assert sorted(ds.files()) == ["dockerfile", "requirements.txt"]
    ds.ok("delete", "ds", "--yes")
    assert (ds.files(), ds.tags()) == ({}, [])


def test_a_second_install_waits_for_the_first(ds: Machine) -> None:
    first = ds.start("install", "ds", "six", FAKE_DOCKER_PAUSE="build")
    ds.wait_for_pause()
    second = ds.start("install", "ds", "requests")
    assert second.stderr is not None
    assert "Waiting for another pydock command on ds" in second.stderr.readline().decode()
    ds.go_on()
    assert ds.end(first).code == 0
    assert ds.end(second).code == 0
    assert ds.files()["requirements.in"] == b"six\nrequests\n"
    assert ds.files()["requirements.txt"] == b"requests==2.31.0\nsix==1.16.0\n"
    assert_whole(ds)


def test_two_creates_of_one_name_give_one_environment(machine: Machine) -> None:
    first = machine.start("create", "ds", "3.12", FAKE_DOCKER_PAUSE="build")
    machine.wait_for_pause()
    second = machine.start("create", "ds", "3.11")
    assert second.stderr is not None
    assert "Waiting for another pydock command on ds" in second.stderr.readline().decode()
    machine.go_on()
    assert machine.end(first).code == 0
    ended = machine.end(second)
    assert ended.code == 1
    assert "exists already" in ended.err
    assert b"ARG VERSION=3.12" in machine.files()["dockerfile"]
    assert_whole(machine)


def test_a_waiting_create_takes_over_where_the_first_fails(machine: Machine) -> None:
    first = machine.start("create", "ds", "9.9", FAKE_DOCKER_PAUSE="build")
    machine.wait_for_pause()
    second = machine.start("create", "ds", "3.11")
    assert second.stderr is not None
    second.stderr.readline()
    machine.go_on()
    assert machine.end(first).code == 125
    assert machine.end(second).code == 0
    assert b"ARG VERSION=3.11" in machine.files()["dockerfile"]
    assert_whole(machine)


def test_an_install_that_waited_for_a_delete_says_so(ds: Machine) -> None:
    first = ds.start("delete", "ds", "--yes", FAKE_DOCKER_PAUSE="rmi")
    ds.wait_for_pause()
    second = ds.start("install", "ds", "six")
    assert second.stderr is not None
    second.stderr.readline()
    ds.go_on()
    assert ds.end(first).code == 0
    ended = ds.end(second)
    assert ended.code == 1
    assert "was removed by another command" in ended.err
    assert (ds.files(), ds.tags()) == ({}, [])
