"""`pydock COMMAND`: the task namespace as a program of its own.

The parsers are made from the tasks, so a task's parameters, help and docstring are all that a command is.
"""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from invoke import Config, Executor, Exit

from pydock import __version__, errors
from pydock.cli.call import PASSING_ON, Call, read_call
from pydock.commands.namespace import namespace
from pydock.errors import did_you_mean
from pydock.messages import complain

if TYPE_CHECKING:
    from invoke import Task
    from invoke.parser import Argument

# Parameters that take all the words that are left. A task cannot have such, so it gets them as one text.
VARIADIC = {"packages", "command"}
# How to tell one text from many words again: requirements stand in lines, a command in shell words.
JOIN = {"packages": lambda words: "".join(f"{word}\n" for word in words), "command": shlex.join}
SHORT = {"requirement": "-r", "yes": "-y"}
BUG = 3


def run_program(call: Call) -> int:
    """Run one command; return its exit code. Errors are sentences on stderr, never a traceback."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupted)
    try:
        return _run(call)
    except KeyboardInterrupt:
        complain("Interrupted; nothing was changed.")
        return errors.Interrupted.code
    except errors.PydockError as error:
        complain(error.message)
        return error.code
    except Exit as error:
        if error.message:
            complain(error.message)
        return error.code
    except BrokenPipeError:
        raise  # main() knows what to do
    except Exception:  # noqa: BLE001 - the last net
        complain("pydock met an error of its own. Please report it with the lines below.")
        print(f"pydock {__version__}, Python {sys.version.split()[0]}, {sys.platform}", file=sys.stderr)
        import traceback

        traceback.print_exc()
        return BUG


def commands() -> dict[str, Task[Any]]:
    """Return every command's task by its name, aliases included."""
    found = {}
    for name, aliases in sorted(namespace.task_names.items()):
        for alias in (name, *aliases):
            found[alias] = namespace[name]
    return found


def parser_for(name: str, task: Task[Any]) -> argparse.ArgumentParser:
    """Return the parser of one command, made from its task."""
    parser = _Parser(prog=f"pydock {name}", description=(task.__doc__ or "").strip(), allow_abbrev=False)
    for argument in task.get_arguments():
        _add(parser, task, argument)
    parser.add_argument("--local", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--global", action="store_true", dest="global_", help=argparse.SUPPRESS)
    parser.add_argument("--echo", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--dry", action="store_true", help=argparse.SUPPRESS)
    return parser


def _run(call: Call) -> int:
    command = call.command or ""
    task = commands().get(command)
    if task is None:
        kind = "option" if command.startswith("-") else "command"
        raise errors.UsageError(
            f"pydock has no {kind} '{command}'.{did_you_mean(command, commands())} `pydock --help` lists what it has."
        )
    parser = parser_for(command, task)
    if call.flags & {"--help", "-h"}:
        parser.print_help()
        return 0
    if not call.rest and any(argument.positional for argument in task.get_arguments()):
        parser.print_help(sys.stderr)
        return errors.UsageError.code
    flags, values = _parse(parser, call)
    if {"--local", "--global"} <= flags:
        raise errors.UsageError("--local and --global exclude each other. Say one of them.")
    call = call._replace(flags=frozenset(flags))
    overrides = {
        "run": {"echo": "--echo" in flags, "dry": "--dry" in flags},
        "pydock": {"command_line": call.settings},
    }
    Executor(namespace, Config(overrides=overrides)).execute((command, values))
    return 0


def _parse(parser: argparse.ArgumentParser, call: Call) -> tuple[set[str], dict[str, Any]]:
    if call.command in PASSING_ON:
        return _parse_passing_on(parser, call)
    parsed = vars(parser.parse_intermixed_args(call.rest))
    flags = set(call.flags)
    for flag, key in (("--local", "local"), ("--global", "global_"), ("--echo", "echo"), ("--dry", "dry")):
        if parsed.pop(key):
            flags.add(flag)
    for name in VARIADIC & parsed.keys():
        parsed[name] = JOIN[name](parsed[name])
    return flags, parsed


def _parse_passing_on(parser: argparse.ArgumentParser, call: Call) -> tuple[set[str], dict[str, Any]]:
    """Read `[flags] NAME COMMAND…`: what follows the name is nobody's but the command's."""
    inner = read_call(call.rest)
    if inner.flags & {"--help", "-h"}:
        parser.print_help()
        raise Exit(code=0)
    if (inner.command or "").startswith("-"):
        parser.error(f"unrecognized option: {inner.command}")
    if not inner.command or not inner.rest:
        parser.error("the following arguments are required: name, command")
    return set(call.flags | inner.flags), {"name": inner.command, "command": shlex.join(inner.rest)}


def _add(parser: argparse.ArgumentParser, task: Task[Any], argument: Argument) -> None:
    name = str(argument.attr_name or argument.name)
    text = (argument.help or "").split(" (under inv")[0]
    if name in VARIADIC:
        parser.add_argument(name, nargs="+" if _required(task, name) else "*", help=text)
    elif argument.positional:
        parser.add_argument(name, nargs=None if _required(task, name) else "?", help=text)
    elif argument.kind is bool:
        parser.add_argument(*_flags(name), action="store_true", dest=name, help=text)
    else:
        parser.add_argument(*_flags(name), default=argument.default, dest=name, help=text)


def _flags(name: str) -> list[str]:
    long = f"--{name.replace('_', '-')}"
    return [SHORT[name], long] if name in SHORT else [long]


def _required(task: Task[Any], name: str) -> bool:
    parameter = task.argspec(task.body).parameters[name]
    return parameter.default is parameter.empty


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise errors.UsageError(f"{message[0].upper()}{message[1:]}.\n{self.format_usage().strip()}")


def _interrupted(number: int, frame: object) -> None:  # noqa: ARG001 - the signal module's interface
    raise errors.Interrupted("Interrupted; nothing was changed.")
