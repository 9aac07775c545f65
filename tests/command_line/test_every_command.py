"""What can go wrong under any command, tried with every command."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from pydock.commands.namespace import COMMANDS as TASKS

if TYPE_CHECKING:
    from .conftest import Ended, Machine

COMMANDS = {
    "create": ("create", "new", "3.12"),
    "create -r": ("create", "new", "3.12", "-r", "wanted.txt"),
    "install": ("install", "ds", "six"),
    "uninstall": ("uninstall", "ds", "numpy"),
    "update": ("update", "ds"),
    "build": ("build", "ds"),
    "compose": ("compose", "ds", "-p", "8888:8888"),
    "up": ("up", "ds"),
    "down": ("down", "ds"),
    "logs": ("logs", "ds"),
    "outdated": ("outdated", "ds"),
    "copy": ("copy", "ds", "new"),
    "rename": ("rename", "ds", "new"),
    "delete": ("delete", "ds", "--yes"),
    "activate": ("activate", "ds"),
    "expose": ("expose", "ds", "ruff", "--to", "programs"),
    "expose --list": ("expose", "--list"),
    "shell-hook": ("shell-hook", "bash"),
    "run": ("run", "ds", "true"),
    "shell": ("shell", "ds"),
    "envs": ("envs",),
    "envs --all": ("envs", "--all"),
    "config": ("config",),
    "packages": ("packages", "ds"),
    "freeze": ("freeze", "ds"),
    "list": ("list",),
    "list NAME": ("list", "ds"),
    "pip install": ("pip", "ds", "install", "six"),
    "pip uninstall": ("pip", "ds", "uninstall", "-y", "numpy"),
    "pip": ("pip", "ds", "list"),
    "clean": ("clean", "--yes"),
    "info": ("info", "ds"),
    "doctor": ("doctor",),
    "doctor --json": ("doctor", "--json"),
    "trust": ("trust", "--yes"),
    "trust NAME": ("trust", "ds", "--yes"),
    "completion": ("completion", "bash"),
}
WRITE_HOME = {"activate"}  # without HOME, that of passwd: the tester's own
NEED_NOTHING = {"shell-hook", "completion"}  # print the same wherever they are called
# Commands whose result is what is wrong.
DIAGNOSES = {"doctor", "doctor --json"}
every_command = pytest.mark.parametrize("command", COMMANDS)
every_command_with_settings = pytest.mark.parametrize(
    "command", [command for command in COMMANDS if command not in NEED_NOTHING]
)
OTHER = 65534


@pytest.fixture
def ds(machine: Machine) -> Machine:
    machine.add_environment("ds", "numpy==1.26.0", requested="numpy\n")
    (machine.project / "wanted.txt").write_text("six\n")
    return machine


def through_shell(machine: Machine, script: str, command: str, **variables: str) -> Ended:
    """Run pydock as `"$@"` of a shell script."""
    pydock = [sys.executable, "-m", "pydock", *COMMANDS[command]]
    return machine.run(["bash", "-c", script, "bash", *pydock], variables)


def error_of(ended: Ended, command: str) -> str:
    """Return where a command says what is wrong: on stderr, or in its result."""
    return ended.out if command in DIAGNOSES else ended.err


def test_the_table_has_every_command() -> None:
    assert {words[0] for words in COMMANDS.values()} == {task.name for task in TASKS} | {"list", "freeze"}


@every_command
def test_it_works_and_leaves_nothing(ds: Machine, command: str) -> None:
    ds.ok(*COMMANDS[command])
    assert list(ds.temporary.iterdir()) == []
    assert ds.state()["containers"] == {}
    assert not [tag for tag in ds.tags() if tag.endswith(("-candidate", "-superseded"))]


@every_command
@pytest.mark.parametrize("stream", ["<&-", ">&-", "2>&-", "<&- >&-"])
def test_a_closed_stream(ds: Machine, command: str, stream: str) -> None:
    ended = through_shell(ds, f'"$@" {stream}', command)
    assert ended.code == 0, ended


@every_command
def test_a_reader_that_has_gone(ds: Machine, command: str) -> None:
    ended = through_shell(ds, 'set -o pipefail; "$@" | true', command)
    assert "roken pipe" not in ended.err, ended
    assert ended.code in {0, 1}, ended  # 1 if it had something to say


@every_command
def test_a_terminal_of_ascii(ds: Machine, command: str) -> None:
    folder = ds.project / "größer-☃"
    folder.mkdir()
    shutil.copy(ds.project / "wanted.txt", folder)
    variables = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ended = ds.run([sys.executable, "-m", "pydock", *COMMANDS[command]], variables, folder=folder)
    assert ended.code == 0, ended


@pytest.mark.parametrize("command", [command for command in COMMANDS if command not in WRITE_HOME])
def test_no_home_variable(ds: Machine, command: str) -> None:
    home = ds.environ.pop("HOME")
    ended = ds.pydock(*COMMANDS[command], PYDOCK_HOME=f"{home}/.pydock")
    assert ended.code == 0, ended


@every_command
def test_a_full_disk(ds: Machine, command: str) -> None:
    before = ds.files("ds"), ds.tags()
    ds.do_not_measure()  # coverage could not write its data either, and would say so
    ds.client.write_text(ds.client.read_text().replace("export", "ulimit -Sf unlimited; export", 1))
    ended = through_shell(ds, 'ulimit -Sf 0; exec "$@"', command)
    if ended.code:
        assert "Cannot " in error_of(ended, command), ended
        assert (ds.files("ds"), ds.tags()) == before
        assert ds.files("new") == {}


@every_command_with_settings
@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another user")
def test_another_users_folder(machine: Machine, command: str) -> None:
    envs = machine.project / ".pydock" / "envs"
    (envs / "ds").mkdir(parents=True)
    (envs / "ds" / "dockerfile").write_text("FROM python:3.12\n")
    (machine.project / "wanted.txt").write_text("six\n")
    os.chown(machine.project / ".pydock", OTHER, OTHER)
    before = machine.home_and_project()
    ended = machine.pydock(*COMMANDS[command])
    assert ended.code == 1, ended
    assert "PYDOCK_SAFE_FOLDERS" in error_of(ended, command)
    assert machine.home_and_project() == before
    assert machine.argvs() == []


@every_command_with_settings
def test_a_link_that_leads_out_of_the_project(machine: Machine, command: str) -> None:
    victim = machine.home / "victim"
    (victim / "ds").mkdir(parents=True)
    (victim / "ds" / "dockerfile").write_text("FROM python:3.12\n")
    (machine.project / ".pydock").mkdir()
    (machine.project / "wanted.txt").write_text("six\n")
    (machine.project / ".pydock" / "envs").symlink_to(victim)
    before = machine.home_and_project()
    ended = machine.pydock(*COMMANDS[command])
    if ended.code == 0:
        assert command in {
            "envs",
            "envs --all",
            "list",
            "config",
            "clean",
            "trust",
            "expose --list",
            *DIAGNOSES,
        }, ended
    else:
        assert "outside of" in ended.err, ended
    assert machine.home_and_project() == before
    assert {argv[0] for argv in machine.argvs()} <= {
        "images",
        "ps",
        *(["info"] if command in DIAGNOSES else []),
    }


@every_command
def test_a_password_in_a_setting_is_not_shown(ds: Machine, command: str) -> None:
    config = ds.project / "pip.conf"
    config.write_text("[global]\nindex-url = https://me:hunter2-canary@index.example/simple\n")
    for flags in ((), ("--echo",), ("--dry",)):
        ended = ds.pydock(*flags, *COMMANDS[command], PYDOCK_PIP_CONFIG=str(config))
        assert "canary" not in ended.out + ended.err


@every_command
def test_dry_changes_nothing(ds: Machine, command: str) -> None:
    before = ds.home_and_project(), ds.state()
    ended = ds.pydock("--dry", *COMMANDS[command])
    assert ended.code == 0, ended
    assert (ds.home_and_project(), ds.state()) == before
    assert list(ds.temporary.iterdir()) == []
