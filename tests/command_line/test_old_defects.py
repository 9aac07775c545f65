"""What earlier tools of this kind got wrong, each as a test of its own."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Machine


def test_g1_no_part_of_a_requirement_is_shell(ds: Machine) -> None:
    odd = [
        "six>=1.0",
        "requests[socks,use_chardet]>=2;python_version>'3' and os_name!='$(touch x)'",
        "numpy<2",
    ]
    ds.ok("install", "ds", *odd)
    assert ds.files()["requirements.in"].decode().splitlines() == odd
    assert ds.files()["requirements.txt"].decode().splitlines() == [
        "numpy==1.26.0",
        "requests==2.31.0",
        "six==1.16.0",
    ]
    assert list(ds.project.iterdir()) == []
    [build] = [call for call in ds.calls() if call["argv"][0] == "build"]
    quoted = "'requests[socks,use_chardet]>=2;python_version>'\"'\"'3'\"'\"' and os_name!='\"'\"'$(touch x)'\"'\"''"
    assert quoted in build["dockerfile"]


def test_g2_several_packages_at_once(ds: Machine) -> None:
    assert ds.ok("install", "ds", "six", "requests").out.count("+ ") == 2


@pytest.mark.parametrize(
    "argv",
    [
        ["create", "new", "9.9"],
        ["shell", "nosuch"],
        ["delete", "nosuch", "--yes"],
        ["frobnicate"],
    ],
)
def test_g2_every_failure_fails(ds: Machine, argv: list[str]) -> None:
    ended = ds.pydock(*argv)
    assert ended.code in {1, 2, 125}
    assert ended.err
    assert ended.out == ""


def test_g3_an_environment_without_an_image_is_listed(ds: Machine) -> None:
    ds.change_state(lambda state: state["images"].clear())
    assert "not built" in ds.ok("envs").out


def test_g3_a_dot_in_the_name_stays(machine: Machine) -> None:
    machine.ok("create", "py3.8", "3.8")
    assert machine.tags()[-1] == "pydock-py3.8:latest"
    machine.ok("install", "py3.8", "six")
    machine.ok("run", "py3.8", "true")
    [argv] = machine.argvs("run")
    assert argv[argv.index("--hostname") + 1] == "py3-8"
    assert "py3.8 " in machine.ok("envs").out


def test_g3_a_dot_in_the_project_folder_stays(ds: Machine) -> None:
    folder = ds.project / "site.v2.0"
    folder.mkdir()
    ds.run([sys.executable, "-m", "pydock", "run", "ds", "true"], folder=folder)
    [argv] = ds.argvs("run")
    assert argv[argv.index("--workdir") + 1] == "/home/me/site.v2.0"


def test_g4_two_environments_of_one_name_keep_their_images(machine: Machine) -> None:
    machine.ok("--global", "create", "dev", "3.12")
    machine.ok("--local", "create", "dev", "3.8")
    machine.ok("--local", "install", "dev", "six")
    bases = {}
    for mode in ("--global", "--local"):
        machine.ok(mode, "run", "dev", "true")
        argv = machine.argvs("run")[-1]
        bases[mode] = machine.image(argv[-2])["base"]
        assert "has changed" not in machine.ok(mode, "envs").out
    assert bases["--global"] == "python:3.12"
    assert bases["--local"].startswith("pydock-dev:")
    machine.ok("--local", "delete", "dev", "--yes")
    machine.ok("--global", "run", "dev", "true")
    assert len(machine.tags()) == 1


def test_g5_create_on_a_wrong_version_touches_no_folder(ds: Machine) -> None:
    before = ds.files()
    assert ds.pydock("create", "ds", "not a version").code == 2
    assert ds.files() == before


def test_g5_delete_asks_where_nobody_can_answer(ds: Machine) -> None:
    before, tags = ds.files(), ds.tags()
    ended = ds.pydock("delete", "ds")
    assert ended.code == 1
    assert "There is no terminal to ask on; say --yes. Nothing was removed." in ended.err
    assert (ds.files(), ds.tags()) == (before, tags)


@pytest.mark.parametrize("argv", [["envs"], ["config"], ["--help"], ["run", "ds", "true"], ["build", "ds"]])
def test_g6_reading_creates_nothing(machine: Machine, argv: list[str]) -> None:
    machine.pydock(*argv)
    assert list(machine.home.iterdir()) == []
    assert list(machine.project.iterdir()) == []


def test_g6_the_local_folder_is_found_from_below(machine: Machine) -> None:
    machine.ok("--local", "create", "dev", "3.12")
    below = machine.project / "src" / "deep"
    below.mkdir(parents=True)
    assert machine.run([sys.executable, "-m", "pydock", "run", "dev", "true"], folder=below).code == 0
    [argv] = machine.argvs("run")
    assert argv[argv.index("--mount") + 1] == f"type=bind,source={below},target=/home/me/deep"


def test_g7_an_installed_image_keeps_its_user_and_its_command(ds: Machine) -> None:
    ds.ok("install", "ds", "six")
    [build] = [call for call in ds.calls() if call["argv"][0] == "build"]
    lines = build["dockerfile"].splitlines()
    assert lines[-1] == "USER me"
    assert not [line for line in lines if line.startswith(("CMD", "ENTRYPOINT", "WORKDIR", "ENV"))]
    assert ds.image("pydock-ds:latest")["user"] == "me"


def test_g7_the_old_image_goes_only_after_the_new_one_has_its_names(ds: Machine) -> None:
    ds.ok("install", "ds", "six")
    commands = [argv[0] for argv in ds.argvs()]
    assert commands.index("rmi") > max(index for index, word in enumerate(commands) if word == "tag")


def test_g8_stdin_reaches_the_program_without_a_terminal(ds: Machine) -> None:
    ended = ds.run([sys.executable, "-m", "pydock", "run", "ds", "cat"], stdin=b"line\nlast")
    assert (ended.code, ended.out) == (0, "line\nlast")
    assert "--tty" not in ds.argvs("run")[0]


def test_g9_the_dockerfile_needs_only_a_shell(ds: Machine) -> None:
    text = ds.files()["dockerfile"].decode()
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for word in ("adduser", "useradd", "apt", "sudo", "bash"):
        assert word not in code
    assert f"ARG UID={os.getuid()}\n" in text
    assert f"ARG GID={os.getgid()}\n" in text


def test_g10_what_is_documented_is_there(machine: Machine) -> None:
    """The commands of the specification, by their names."""
    shown = machine.ok("--help").out
    for name in ("create", "shell", "install", "build", "config"):
        assert f"\n  {name} " in shown
