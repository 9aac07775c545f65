"""`pydock completion`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pydock import errors
from pydock.commands.command import COMMAND, FLAGS, command
from pydock.environments.shells import SHELLS, detect_shell
from pydock.exports import completion as export
from pydock.exports.completion import CompletedCommand, Option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoke import Context

    from pydock.commands.command import Command

# Every command; filled by `commands/namespace.py`, which imports this module.
KNOWN_TASKS: list[Command] = []
SCRIPT = "script"  # the parameter of `run` for a script of any name


@command(
    positional=["shell"],
    help={"shell": "bash, zsh or fish; the one that you use, if none is given"},
    examples=[
        "completion bash > ~/.local/share/bash-completion/completions/pydock",
        "completion fish > ~/.config/fish/completions/pydock.fish",
        "completion zsh > ~/.local/share/zsh/site-functions/_pydock",
    ],
)
def completion(c: Context, shell: str | None = None) -> None:  # noqa: ARG001 - every task has a context
    """Print the script with which a shell completes pydock's words.

    The install script puts it where bash (with the package bash-completion), fish and zsh find it when they first need it, as the
    examples do. For zsh, that folder must be in `fpath` before `compinit` runs. The script starts no program: it reads the names
    of environments and packages from their folders. It has the commands of this version, so write it again after an upgrade.
    """
    chosen = shell or detect_shell(os.environ, os.getppid())
    if chosen not in SHELLS:
        raise errors.UsageError(_unknown(shell))
    print(script_for(chosen, KNOWN_TASKS), end="")


def script_for(shell: str, tasks: Sequence[Command]) -> str:
    """Return the script for one of `SHELLS`, in which these commands and `help` are."""
    commands = [describe(task) for task in tasks]
    commands.append(CompletedCommand(["help"], "Show the help of a command", arguments=[export.COMMAND]))
    return export.completion_script(shell, FLAGS, commands, f"--{SCRIPT}")


def describe(task: Command) -> CompletedCommand:
    """Return what a command takes, as its task says."""
    arguments, options, rest = [], [], ""
    for argument in task.get_arguments():
        name = str(argument.attr_name or argument.name)
        text = task.words.get(name, "")
        if argument.positional:
            kind = task.completes.get(name, export.kind_of_argument(name))
            if task.rest and name == task.rest.parameter:
                rest = kind
            else:
                arguments.append(kind)
        elif argument.kind is bool:
            options.append(Option(task.spellings(name), text))
        else:
            kind = task.completes.get(name, export.kind_of_value(name, task.metavar(name)))
            options.append(Option(task.spellings(name), text, kind))
    options += [Option([flag], FLAGS[flag]) for flag in ("--local", "--global", "--echo", "--dry")]
    options.append(Option(["-h", "--help"], "print this help"))
    return CompletedCommand(
        [task.name, *task.aliases],
        task.summary,
        options,
        arguments,
        rest,
        verbatim=task.rest is COMMAND,
    )


def _unknown(shell: str | None) -> str:
    first, *others = SHELLS
    if shell:
        known = ", ".join(SHELLS[:-1])
        hint = errors.did_you_mean(shell, SHELLS)
        return f"There is no completion for '{shell}'.{hint} Use {known} or {SHELLS[-1]}."
    return (
        f"It is not known which shell you use. Name it: `pydock completion {first}` (or {', '.join(others)})."
    )
