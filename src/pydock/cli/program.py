"""`pydock COMMAND`: the task namespace as a program.

Help and parsers are made from the tasks, so a task's parameters, help and docstring are all that a command needs.
"""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from invoke import Config, Executor, Exit

from pydock import __version__, errors
from pydock.cli.call import FLAGS, Call, read_call
from pydock.commands.namespace import COMMANDS, namespace
from pydock.messages import interrupted_message, print_error, redacted

if TYPE_CHECKING:
    from invoke.parser import Argument

    from pydock.commands.command import Command

EXIT_BUG = 3
# The flags that may also follow the command; argparse shows them in no command's help.
GLOBAL_FLAGS = {"--local": "local", "--global": "global_", "--echo": "echo", "--dry": "dry"}


def run_program(call: Call) -> int:
    """Run one command; return its exit code. Errors are messages on stderr, never a traceback."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupted)
    try:
        return _run(call)
    except KeyboardInterrupt:
        print_error(interrupted_message())
        return errors.Interrupted.code
    except errors.PydockError as error:
        print_error(error.message)
        return error.code
    except Exit as error:
        if error.message:
            print_error(error.message)
        return error.code
    except BrokenPipeError:
        raise  # main() handles it
    except Exception:  # noqa: BLE001 - a bug; what is a user's mistake was caught above
        print_error("Internal error. Please report it with the lines below.")
        print(f"pydock {__version__}, Python {sys.version.split()[0]}, {sys.platform}", file=sys.stderr)
        import traceback

        print(redacted(traceback.format_exc()), end="", file=sys.stderr)
        return EXIT_BUG


def commands() -> dict[str, Command]:
    """Return every command by its name, aliases included."""
    return {name: task for task in COMMANDS for name in (task.name, *task.aliases)}


def help_text() -> str:
    """Return what `pydock --help` prints."""
    summaries = [(task.name, (task.__doc__ or "").strip().splitlines()[0]) for task in COMMANDS]
    width = max(len(name) for name, _ in summaries)
    options = [(flag if flag != "--help" else "-h, --help", text) for flag, text in FLAGS.items() if text]
    wide = max(len(flag) for flag, _ in options)
    return "\n".join(
        [
            "usage: pydock [--local | --global] [--echo] [--dry] COMMAND ...",
            "",
            "Python environments that are plain Docker images.",
            "",
            "commands:",
            *(f"  {name.ljust(width)}  {summary}" for name, summary in summaries),
            "",
            "options:",
            *(f"  {flag.ljust(wide)}  {text}" for flag, text in options),
            "",
            "`pydock COMMAND --help` shows the help of a command.",
        ]
    )


def parser_for(name: str, task: Command) -> argparse.ArgumentParser:
    """Return the parser of one command, made from its task."""
    parser = _Parser(prog=f"pydock {name}", description=(task.__doc__ or "").strip(), allow_abbrev=False)
    for argument in task.get_arguments():
        _add(parser, task, argument)
    for flag, key in GLOBAL_FLAGS.items():
        parser.add_argument(flag, action="store_true", dest=key, help=argparse.SUPPRESS)
    return parser


def _run(call: Call) -> int:
    if call.command is None:
        print(help_text())
        return 0
    name = call.command
    task = commands().get(name)
    if task is None:
        kind = "option" if name.startswith("-") else "command"
        raise errors.UsageError(
            f"Unknown {kind} '{name}'.{errors.did_you_mean(name, commands())} "
            "`pydock --help` lists the commands and options."
        )
    parser = parser_for(name, task)
    if call.flags & {"--help", "-h"}:
        parser.print_help()
        return 0
    if not call.rest and any(
        argument.positional and _required(task, str(argument.attr_name or argument.name))
        for argument in task.get_arguments()
    ):
        parser.print_help(sys.stderr)
        return errors.UsageError.code
    flags, values = _parse(parser, task, call)
    if {"--local", "--global"} <= flags:
        raise errors.UsageError("Options --local and --global cannot be used together.")
    call = call._replace(flags=frozenset(flags))
    overrides = {
        "run": {"echo": "--echo" in flags, "dry": "--dry" in flags},
        "pydock": {"command_line": call.settings},
    }
    Executor(namespace, Config(overrides=overrides)).execute((name, values))
    return 0


def _parse(parser: argparse.ArgumentParser, task: Command, call: Call) -> tuple[set[str], dict[str, Any]]:
    if task.rest and task.rest.verbatim:
        return _parse_verbatim(parser, call)
    parsed = vars(parser.parse_intermixed_args(call.rest))
    flags = set(call.flags)
    for flag, key in GLOBAL_FLAGS.items():
        if parsed.pop(key):
            flags.add(flag)
    if task.rest:
        parsed[task.rest.parameter] = task.rest.join(parsed[task.rest.parameter])
    return flags, parsed


def _parse_verbatim(parser: argparse.ArgumentParser, call: Call) -> tuple[set[str], dict[str, Any]]:
    """Read `[flags] NAME COMMAND…`; every word after the name belongs to the command."""
    inner = read_call(call.rest)
    if inner.flags & {"--help", "-h"}:
        parser.print_help()
        raise Exit(code=0)
    if (inner.command or "").startswith("-"):
        parser.error(f"unrecognized option: {inner.command}")
    if not inner.command or not inner.rest:
        parser.error("the following arguments are required: name, command")
    return set(call.flags | inner.flags), {"name": inner.command, "command": shlex.join(inner.rest)}


def _add(parser: argparse.ArgumentParser, task: Command, argument: Argument) -> None:
    name = str(argument.attr_name or argument.name)
    text = task.words.get(name, "")
    if task.rest and name == task.rest.parameter:
        parser.add_argument(name, nargs="+" if _required(task, name) else "*", help=text)
    elif argument.positional:
        parser.add_argument(name, nargs=None if _required(task, name) else "?", help=text)
    elif argument.kind is bool:
        parser.add_argument(*_flags(task, name), action="store_true", dest=name, help=text)
    elif argument.kind is list:
        parser.add_argument(*_flags(task, name), action="append", default=[], dest=name, help=text)
    else:
        parser.add_argument(*_flags(task, name), default=argument.default, dest=name, help=text)


def _flags(task: Command, name: str) -> list[str]:
    long = f"--{name.replace('_', '-')}"
    return [task.short[name], long] if name in task.short else [long]


def _required(task: Command, name: str) -> bool:
    parameter = task.argspec(task.body).parameters[name]
    return parameter.default is parameter.empty


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise errors.UsageError(f"{message[0].upper()}{message[1:]}.\n{self.format_usage().strip()}")


def _interrupted(number: int, frame: object) -> None:  # noqa: ARG001 - the signal module's interface
    raise errors.Interrupted(interrupted_message())
