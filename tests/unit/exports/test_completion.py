"""The scripts of `pydock completion`, compared with the tasks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pydock.cli.call import FLAGS
from pydock.cli.parsers import parser_for
from pydock.commands import command as command_module
from pydock.commands.command import PACKAGES, command
from pydock.commands.completion import describe, script_for
from pydock.commands.namespace import ALL_COMMANDS
from pydock.environments.shells import SHELLS, detect_shell, quoted_for_fish
from pydock.exports.completion import (
    BY_METAVAR,
    BY_PARAMETER,
    KINDS,
    CompletedCommand,
    Option,
    completion_script,
    short_text,
)

if TYPE_CHECKING:
    from pathlib import Path

    from invoke import Context

    from pydock.commands.command import Command

# How each script begins what a command takes, and how it names the option with its description.
ARM = {"bash": r"^        ({})\)$", "zsh": r"^    \(({})\)$", "fish": r"^        case ({})$"}
BETWEEN = {"bash": " | ", "zsh": "|", "fish": " "}
END = {"bash": r"^            ;;$", "zsh": r"^      ;;$", "fish": r"^        case |^    end$"}
OPTION = {"bash": r"[ '](-[-\w]+)(?=[ '])", "zsh": r"'(-[-\w]+):", "fish": r"'(-[-\w]+)\t"}
SCRIPTS = {shell: script_for(shell, ALL_COMMANDS) for shell in SHELLS}


def arms(shell: str, names: list[str]) -> str:
    """Return what the script says of a command, which must be there."""
    words = re.escape(BETWEEN[shell].join(names))
    parts = re.split(ARM[shell].format(words), SCRIPTS[shell], flags=re.MULTILINE)[2::2]
    assert parts, f"{names} is not in the script for {shell}"
    return "\n".join(re.split(END[shell], part, maxsplit=1, flags=re.MULTILINE)[0] for part in parts)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("task", ALL_COMMANDS, ids=lambda task: str(task.name))
def test_every_command_and_option_is_in_each_script(task: Command, shell: str) -> None:
    found = arms(shell, [str(task.name), *task.aliases])
    parser = parser_for(task, [])
    taken = [action for action in parser._actions if action.option_strings]
    assert set(re.findall(OPTION[shell], found)) == {
        name for action in taken for name in action.option_strings
    }
    valued = {name for action in taken if action.nargs is None for name in action.option_strings}
    assert set(re.findall(r"(?<=[ '])(-[-\w]+)=", found)) == valued


@pytest.mark.parametrize("shell", SHELLS)
def test_every_flag_and_no_unknown_kind_is_in_each_script(shell: str) -> None:
    for flag in FLAGS:
        assert re.search(rf"(?<=[ '])-?{re.escape(flag)}(?=[ :'\t])", SCRIPTS[shell]), flag
    assert set(re.findall(r"@\w{3,}", SCRIPTS[shell])) <= {*KINDS, "@option", "@line"}
    for kind in KINDS:
        assert re.search(rf"^ +(case |\()?(.* )?{kind}\b(?!')", SCRIPTS[shell], re.MULTILINE), kind


def test_flags_have_help() -> None:
    assert tuple(command_module.FLAGS) == FLAGS


@pytest.mark.parametrize("task", ALL_COMMANDS, ids=lambda task: str(task.name))
def test_every_name_is_completed_but_that_of_a_new_environment(task: Command) -> None:
    described = describe(task)
    names = [str(argument.name) for argument in task.get_arguments() if argument.positional]
    for name, kind in zip(names, described.arguments):
        if name == "name":
            assert kind == {"create": "", "run": "@script"}.get(str(task.name), "@environment")
    assert described.verbatim == (task.name == "run")
    assert set(task.completes) <= {
        str(argument.attr_name or argument.name) for argument in task.get_arguments()
    }


def test_packages_and_projects() -> None:
    rest = {str(task.name): describe(task).rest for task in ALL_COMMANDS if task.rest}
    assert rest == {
        "create": "@project",
        "run": "",
        "install": "@project",
        "uninstall": "@package",
        "update": "@package",
        "pip": "",
        "expose": "",
    }


def test_a_command_of_the_future_needs_no_more() -> None:
    @command(
        positional=["name", "new_name", "packages"],
        rest=PACKAGES,
        short={"to": "-t"},
        metavars={"to": "DIR", "from_": "FILE"},
        help={"to": "where; with more to say", "loud": "say 'more'", "packages": "package names"},
    )
    def future(
        c: Context,
        name: str,
        new_name: str,
        packages: str,
        to: str = "",
        from_: str = "",
        shell: str = "",
        loud: bool = False,
    ) -> None:
        """Do what is not known yet."""

    described = describe(future)
    assert described[0:2] == (["future"], "Do what is not known yet.")
    assert described.arguments == ["@environment", ""]
    assert described.rest == "@package"
    assert {tuple(option.spellings): option.value for option in described.options[:4]} == {
        ("-t", "--to"): "@folder",
        ("--from",): "@file",
        ("--shell",): "bash,zsh,fish",
        ("--loud",): None,
    }


@pytest.mark.parametrize("shell", SHELLS)
def test_a_description_is_only_text(shell: str) -> None:
    """No shell evaluates a help text; the tests with real shells read these scripts too."""
    odd = 'it\'s `echo` $(echo) $HOME \\n "x"'
    script = completion_script(
        shell, {"--help": odd}, [CompletedCommand(["odd"], odd, [Option(["--odd"], odd)])], "--script"
    )
    if shell == "bash":
        assert odd not in script
    elif shell == "zsh":
        assert "'--odd:it'\"'\"'s `echo` $(echo) $HOME \\n \"x\"'" in script
    else:
        assert "'--odd\tit\\'s `echo` $(echo) $HOME \\\\n \"x\"'" in script


def test_short_text() -> None:
    assert short_text("a project of yours to link, with extras: .; and more.") == "a project of yours to link"
    assert short_text("Show it.") == "Show it"


def test_quoted_for_fish() -> None:
    assert quoted_for_fish("a'b\\c$d") == "'a\\'b\\\\c$d'"


def test_tables_name_known_kinds() -> None:
    kinds = {*BY_PARAMETER.values(), *BY_METAVAR.values()}
    assert {kind for kind in kinds if kind.startswith("@")} <= set(KINDS)


@pytest.mark.parametrize(
    ("running", "login", "found"),
    [
        ("zsh", "/bin/bash", "zsh"),
        ("make", "/usr/bin/fish", "fish"),
        ("make", "/bin/dash", ""),
        ("make", "", ""),
        ("", "/bin/bash", "bash"),
    ],
)
def test_detect_shell(
    running: str, login: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = tmp_path / "proc"
    if running:
        (processes / "7").mkdir(parents=True)
        (processes / "7" / "comm").write_text(f"{running}\n")
    monkeypatch.setattr("pydock.environments.shells.PROCESSES", str(processes))
    assert detect_shell({"SHELL": login} if login else {}, 7) == found
