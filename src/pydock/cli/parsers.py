"""The parser of each command and the help, made from the tasks."""

from __future__ import annotations

import argparse
import functools
import shlex
import textwrap
from typing import TYPE_CHECKING, Any, NoReturn

from pydock import errors
from pydock.commands.command import FLAGS, OF_DOCKER
from pydock.commands.namespace import COMMANDS, OTHER_NAMES
from pydock.engine.run_options import FRESH
from pydock.settings import DEFAULTS, MEANINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from invoke.parser import Argument

    from pydock.commands.command import Command

# The flags that may also follow the command.
GLOBAL_FLAGS = {"--local": "local", "--global": "global_", "--echo": "echo", "--dry": "dry"}
WIDTH = 79  # columns of all help, so that it fits a terminal of 80


def commands() -> dict[str, Command]:
    """Return every command by its name, other names included."""
    return {name: task for task in (*COMMANDS, *OTHER_NAMES) for name in (task.name, *task.aliases)}


def help_text() -> str:
    """Return what `pydock --help` prints."""
    short = {"--help": "-h, --help", "--version": "-V, --version"}
    others = [(", ".join([task.name, *task.aliases]), task.summary) for task in OTHER_NAMES]
    others += [(", ".join(task.aliases), task.name) for task in COMMANDS if task.aliases]
    return "\n".join(
        [
            "usage: pydock [--local | --global] [--echo] [--dry] COMMAND ...",
            "",
            "Python environments that are plain Docker images.",
            "",
            "commands:",
            *_rows((task.name, task.summary) for task in COMMANDS),
            "",
            "options:",
            *_rows((short.get(flag, flag), text) for flag, text in FLAGS.items() if text),
            "",
            "other names:",
            *_rows(others),
            "",
            "`pydock help COMMAND` or `pydock COMMAND --help` shows the help of a command.",
        ]
    )


def parser_for(task: Command, words: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser of one command, made from its task, for these words."""
    parser = _Parser(
        task,
        words,
        prog=f"pydock {task.name}",
        usage=usage(task),
        description=_filled(task.__doc__ or ""),
        epilog=_epilog(task),
        formatter_class=functools.partial(
            argparse.RawDescriptionHelpFormatter, width=WIDTH, max_help_position=22
        ),
        allow_abbrev=False,
    )
    docker: Any = None
    for argument in task.get_arguments():
        name = str(argument.attr_name or argument.name)
        is_docker = task.docker_options and name in OF_DOCKER and name != FRESH
        if is_docker and not docker:
            docker = parser.add_argument_group("options of `docker run` (before NAME)")
        _add(docker if is_docker else parser, task, argument)
    group = parser.add_argument_group(
        "global options" + (" (before NAME)" if task.rest and task.rest.verbatim else "")
    )
    for flag, key in GLOBAL_FLAGS.items():
        group.add_argument(flag, action="store_true", dest=key, help=FLAGS[flag])
    return parser


def usage(task: Command) -> str:
    """Return a command's usage: `pydock install [OPTIONS] NAME [PACKAGE...]`."""
    words = []
    for argument in task.get_arguments():
        name = str(argument.attr_name or argument.name)
        if argument.positional:
            word = task.metavar(name) + ("..." if task.rest and name == task.rest.parameter else "")
            words.append(word if is_required(task, name) else f"[{word}]")
    return " ".join(["pydock", task.name, "[OPTIONS]", *words])


def is_required(task: Command, name: str) -> bool:
    """Return whether a parameter has no default."""
    parameter = task.argspec(task.body).parameters[name]
    return parameter.default is parameter.empty


class _Parser(argparse.ArgumentParser):
    def __init__(self, task: Command, words: Sequence[str], **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self._task, self._words = task, words

    def error(self, message: str) -> NoReturn:
        if "arguments are required: NAME" in message:
            call = shlex.join(["NAME", *self._words])
            raise errors.UsageError(f"The environment's name is missing: `{self.prog} {call}`.")
        names = [word for word in self._words if not word.startswith("-")]
        if self._task.name == "delete" and len(names) > 1:
            raise errors.UsageError(
                f"`pydock delete` deletes one environment. `pydock uninstall {shlex.join(names)}` removes packages from one."
            )
        raise errors.UsageError(f"{message[0].upper()}{message[1:]}.\nusage: {usage(self._task)}")


def _add(parser: argparse._ActionsContainer, task: Command, argument: Argument) -> None:
    name = str(argument.attr_name or argument.name)
    text = task.words.get(name, "")
    metavar = task.metavar(name)
    if task.rest and name == task.rest.parameter:
        parser.add_argument(name, nargs="+" if is_required(task, name) else "*", metavar=metavar, help=text)
    elif argument.positional:
        parser.add_argument(name, nargs=None if is_required(task, name) else "?", metavar=metavar, help=text)
    elif argument.kind is bool:
        parser.add_argument(*task.spellings(name), action="store_true", dest=name, help=text)
    elif argument.kind is list:
        parser.add_argument(
            *task.spellings(name), action="append", default=[], dest=name, metavar=metavar, help=text
        )
    else:
        parser.add_argument(
            *task.spellings(name), default=argument.default, dest=name, metavar=metavar, help=text
        )


def _epilog(task: Command) -> str:
    sections = ["examples:", *(f"  pydock {example}" for example in task.examples)]
    if task.settings:
        first = task.settings[0]
        sections += ["", f"settings (in ~/.pydock.yaml, or as variables such as PYDOCK_{first.upper()}):"]
        sections += _rows((name, _meaning(name)) for name in task.settings)
    if task.aliases:
        sections += ["", f"other names: {', '.join(task.aliases)}"]
    return "\n".join(sections)


def _meaning(name: str) -> str:
    default = DEFAULTS[name]
    text = " ".join(default) if isinstance(default, tuple) else default
    return f"{MEANINGS[name]} (default: {text})" if text else MEANINGS[name]


def _rows(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Return two columns, of which the second is wrapped."""
    rows = list(rows)
    wide = max(len(name) for name, _ in rows)
    lines = []
    for name, text in rows:
        first, *others = textwrap.wrap(text, WIDTH - wide - 4)
        lines += [f"  {name.ljust(wide)}  {first}", *(" " * (wide + 4) + line for line in others)]
    return lines


def _filled(text: str) -> str:
    """Return a docstring with its paragraphs wrapped."""
    paragraphs = text.strip().split("\n\n")
    return "\n\n".join(textwrap.fill(" ".join(paragraph.split()), WIDTH) for paragraph in paragraphs)
