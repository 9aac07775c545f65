"""The scripts with which bash, zsh and fish complete `pydock` command lines.

They are rendered from what the commands take. What a script offers besides, it reads from folders in the shell itself.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

from pydock.environments.shells import SHELLS, quoted_for_fish
from pydock.rendering import render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Callable

# The kinds of value that a script knows; other texts are the values themselves, separated by commas, or "" for any text.
ENVIRONMENT = "@environment"
PACKAGE = "@package"  # one that requirements.in of the environment names
SCRIPT = "@script"  # an environment, or a file named *.py
PROJECT = "@project"  # a folder, if the word looks like a path
FILE = "@file"
FOLDER = "@folder"
COMMAND = "@command"  # one of pydock's
KINDS = (ENVIRONMENT, PACKAGE, SCRIPT, PROJECT, FILE, FOLDER, COMMAND)

# What a parameter takes, by its name, and an option, by the name that the help gives its value.
BY_PARAMETER = {"name": ENVIRONMENT, "packages": PACKAGE, "projects": PROJECT, "shell": ",".join(SHELLS)}
BY_METAVAR = {
    "FILE": FILE,
    "PATH": FILE,
    "FOLDER": FOLDER,
    "DIR": FOLDER,
    "FROM:TO[:ro]": FILE,
    "SOURCE:TARGET": FILE,
}


class Option(NamedTuple):
    """An option: its spellings, what it does, and the kind of its value, None if it has none."""

    spellings: Sequence[str]
    text: str
    value: str | None = None


class CompletedCommand(NamedTuple):
    """What a command takes: its positional arguments by kind, of which `rest` may come several times."""

    names: Sequence[str]
    summary: str
    options: Sequence[Option] = ()
    arguments: Sequence[str] = ()
    rest: str = ""
    verbatim: bool = False  # whether the words after the first argument are a command line of their own


def kind_of_argument(parameter: str) -> str:
    """Return what a positional parameter takes, going by its name."""
    return BY_PARAMETER.get(parameter, "")


def kind_of_value(parameter: str, metavar: str) -> str:
    """Return what an option takes, going by what the help calls its value, else by the parameter's name."""
    choices = BY_PARAMETER.get(parameter, "")
    return BY_METAVAR.get(metavar, "" if choices.startswith("@") else choices)


def completion_script(
    shell: str, flags: Mapping[str, str], commands: Sequence[CompletedCommand], script_option: str
) -> str:
    """Return the script for one of `SHELLS`.

    `flags` are the options before a command, and `script_option` is the one that takes a script instead of an environment.
    """
    quote = quoted_for_fish if shell == "fish" else shlex.quote
    described = "\t" if shell == "fish" else ":"
    own = [Option(_with_short(name, flags), text) for name, text in flags.items() if text]
    return render(
        f"completion.{shell}.j2",
        flags=[_words(option, described, quote) for option in own],
        flag_names=" ".join(name for option in own for name in option.spellings),
        commands=[
            {
                "names": command.names,
                "word": quote(f"{command.names[0]}{described}{short_text(command.summary)}"),
                "options": [_words(option, described, quote) for option in command.options],
                "option_names": " ".join(name for option in command.options for name in option.spellings),
                "valued": " ".join(
                    f"{name}={option.value}"
                    for option in command.options
                    if option.value is not None
                    for name in option.spellings
                ),
                "arguments": " ".join(kind or "-" for kind in command.arguments),
                "rest": command.rest,
                "verbatim": command.verbatim,
            }
            for command in commands
        ],
        script_option=script_option,
    )


def short_text(text: str) -> str:
    """Return the first part of a help text, which fits beside a word in a shell's list."""
    return text.partition("; ")[0].partition(", with ")[0].rstrip(".")


def _with_short(flag: str, flags: Mapping[str, str]) -> list[str]:
    """Return a flag after its short form, which is in `flags` without a text."""
    short = {"--version": "-V", "--help": "-h"}.get(flag, "")
    return [short, flag] if short in flags else [flag]


def _words(option: Option, described: str, quote: Callable[[str], str]) -> str:
    return " ".join(quote(f"{name}{described}{short_text(option.text)}") for name in option.spellings)
