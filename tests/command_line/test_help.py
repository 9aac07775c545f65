"""`pydock` alone, `--help`, `--version`, and wrong command lines."""

from __future__ import annotations

import inspect
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pydock import __version__
from pydock.cli.call import read_call
from pydock.cli.parsers import commands, parser_for, usage
from pydock.commands.namespace import COMMANDS, OTHER_NAMES

from .conftest import PYDOCK

if TYPE_CHECKING:
    from pydock.commands.command import Command

    from .conftest import Machine

README = Path(__file__).parents[2] / "README.md"
NAMES = [
    "activate",
    "build",
    "clean",
    "completion",
    "compose",
    "config",
    "copy",
    "create",
    "delete",
    "doctor",
    "down",
    "envs",
    "expose",
    "info",
    "install",
    "logs",
    "outdated",
    "packages",
    "pip",
    "rename",
    "run",
    "shell",
    "shell-hook",
    "trust",
    "uninstall",
    "up",
    "update",
]


@pytest.mark.parametrize("argv", [[], ["--help"], ["-h"], ["--local"]])
def test_help_lists_every_command_with_its_summary(machine: Machine, argv: list[str]) -> None:
    ended = machine.ok(*argv)
    section = ended.out.partition("\ncommands:\n")[2].partition("\n\n")[0]
    shown = dict(line.strip().split(maxsplit=1) for line in section.splitlines())
    assert sorted(shown) == NAMES
    assert shown == {task.name: (inspect.getdoc(task) or "").splitlines()[0] for task in COMMANDS}
    assert ended.err == ""


@pytest.mark.parametrize("name", NAMES)
def test_readme_names_every_command(name: str) -> None:
    assert f"pydock {name}" in README.read_text(encoding="utf-8")


@pytest.mark.parametrize("argv", [["--version"], ["-V"], ["--local", "--version"], ["--local", "-V"]])
def test_version(machine: Machine, argv: list[str]) -> None:
    assert machine.ok(*argv).out == f"pydock {__version__}\n"


@pytest.mark.parametrize("command", ["create", "install", "run", "shell", "delete"])
def test_command_without_arguments_shows_its_help_and_fails(machine: Machine, command: str) -> None:
    ended = machine.pydock(command)
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith(f"usage: pydock {command} ")
    assert machine.ok(command, "--help").out == ended.err
    assert machine.ok("--help", command).out == ended.err
    assert machine.calls() == []


@pytest.mark.parametrize("name", ["", *NAMES, "list", "freeze"])
def test_help_fits_a_terminal_of_80_columns(machine: Machine, name: str) -> None:
    text = machine.ok("help", *name.split(), COLUMNS="200").out
    assert max(map(len, text.splitlines())) <= 80
    assert machine.calls() == []


@pytest.mark.parametrize("task", [*COMMANDS, *OTHER_NAMES], ids=lambda task: str(task.name))
def test_help_of_a_command_has_all_that_it_takes(task: Command) -> None:
    text = parser_for(task, []).format_help()
    assert text.startswith(f"usage: {usage(task)}\n")
    for flag in ("--help", "--local", "--global", "--echo", "--dry", *task.short.values()):
        assert flag in text
    assert task.examples
    for example in task.examples:
        words = shlex.split(example, comments=False)
        call = read_call(words)
        assert call.command in {task.name, "freeze"}
        assert f"  pydock {example}\n" in f"{text}\n"
        if not task.rest or not task.rest.verbatim:
            end = call.rest.index(">") if ">" in call.rest else None
            parser_for(commands()[str(call.command)], call.rest).parse_intermixed_args(call.rest[:end])
    for setting in task.settings:
        assert f"\n  {setting} " in text
    for alias in task.aliases:
        assert alias in text.rpartition("other names: ")[2]


def test_help_names_defaults(machine: Machine) -> None:
    assert "its tag (default: python)" in " ".join(machine.ok("create", "--help").out.split())
    assert "(default: columns)" in " ".join(machine.ok("packages", "--help").out.split())


def test_help_as_a_command(machine: Machine) -> None:
    assert machine.ok("help").out == machine.ok("--help").out
    assert machine.ok("help", "rm").out == machine.ok("delete", "--help").out
    assert machine.ok("help", "run").out == machine.ok("run", "--help").out


def test_help_of_a_command_lists_its_options(machine: Machine) -> None:
    text = machine.ok("create", "--help").out
    for word in ("name", "version", "-r", "--requirement", "--base", "3.12-slim"):
        assert word in text


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["instal"], "Unknown command 'instal'. Did you mean 'install'"),
        (["lst"], "Did you mean 'list'?"),
        (["xyzzy"], "Unknown command 'xyzzy'. `pydock --help` lists the commands and options."),
        (["--globl", "envs"], "Unknown option '--globl'"),
        (["envs", "--jsn"], "--jsn"),
        (["envs", "extra"], "extra"),
        (["--local", "--global", "envs"], "--local and --global cannot be used together"),
        (["--local", "envs", "--global"], "--local and --global cannot be used together"),
        (["run", "--local", "--global", "ds", "true"], "--local and --global cannot be used together"),
        ([""], "Unknown command ''"),
    ],
)
def test_wrong_command_line_is_explained(machine: Machine, argv: list[str], words: str) -> None:
    ended = machine.pydock(*argv)
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.err
    assert machine.calls() == []


@pytest.mark.parametrize("argv", [["run", "dss", "true"], ["shell", "dss"], ["delete", "dss", "--yes"]])
def test_unknown_environment_is_named_with_a_similar_one(ds: Machine, argv: list[str]) -> None:
    ended = ds.pydock(*argv)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("Environment 'dss' not found in ")
    assert "Did you mean 'ds'?" in ended.err
    assert ds.calls() == []


@pytest.mark.parametrize("argv", [["--help"], ["config"], ["create", "--help"]])
def test_closed_output_pipe_is_not_an_error_message(machine: Machine, argv: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*PYDOCK, *argv],
        stdout=writing,
        stderr=subprocess.PIPE,
        env=machine.environ,
        cwd=machine.project,
        check=False,
    )
    os.close(writing)
    assert done.stderr == b""
    assert done.returncode in {0, 1}


def test_full_disk_for_the_output(machine: Machine) -> None:
    ended = machine.run(["sh", "-c", 'exec "$@" > /dev/full', "sh", *PYDOCK, "config"])
    assert (ended.code, ended.err) == (1, "pydock: Cannot write the output: No space left on device.\n")


def test_console_script(machine: Machine) -> None:
    code = "import sys; sys.argv = ['pydock', 'envs']; from pydock.__main__ import main; main()"
    assert machine.run([sys.executable, "-c", code]).code == 0
