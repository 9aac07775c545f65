"""`pydock COMMAND`: the task namespace as a program.

`parsers` makes help and parsers from the tasks, so a task's parameters, help and docstring are all that a command needs.
"""

from __future__ import annotations

import contextlib
import shlex
import signal
import sys
from typing import TYPE_CHECKING, Any

from invoke import Config, Executor, Exit

from pydock import __version__, errors
from pydock.cli.call import FLAGS, SCRIPT, Call, read_run_call, without_separator
from pydock.cli.parsers import GLOBAL_FLAGS, commands, help_text, is_required, parser_for
from pydock.commands import mistakes
from pydock.commands.namespace import namespace
from pydock.messages import interrupted_message, print_error, redacted
from pydock.settings import load_settings

if TYPE_CHECKING:
    import argparse

    from pydock.commands.command import Command, Rest

EXIT_BUG = 3


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


def _run(call: Call) -> int:
    if call.command is None:
        print(help_text())
        return 0
    name = call.command
    if name == "help":
        return _run(Call(frozenset({"--help"}), next(iter(call.rest), None), []))
    task = commands().get(name)
    if task is None:
        raise errors.UsageError(_unknown(call, name))
    parser = parser_for(task, call.rest)
    if call.flags & {"--help", "-h"}:
        parser.print_help()
        return 0
    if not call.rest and any(
        argument.positional and is_required(task, str(argument.attr_name or argument.name))
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


def _unknown(call: Call, name: str) -> str:
    """Return the message for a command or an option that does not exist."""
    kind = "option" if name.startswith("-") else "command"
    meant = ""
    with contextlib.suppress(errors.PydockError, OSError):
        meant = mistakes.meant_by_unknown_command(load_settings(None, call.settings), name, call.rest)
    if not meant:
        known = [command for command in (*commands(), "help") if len(command) > 2]  # noqa: PLR2004 - not ls and rm
        meant = f"{errors.did_you_mean(name, known)} `pydock --help` lists the commands and options.".strip()
    return f"Unknown {kind} '{name}'. {meant}"


def _parse(parser: argparse.ArgumentParser, task: Command, call: Call) -> tuple[set[str], dict[str, Any]]:
    if task.rest and task.rest.verbatim:
        return _parse_verbatim(parser, call) if task.docker_options else _parse_name(parser, task.rest, call)
    values: dict[str, Any] = {}
    if task.docker_options:
        call, values = _without_docker_options(parser, call)
    parsed = vars(parser.parse_intermixed_args(call.rest))
    parsed.update(values)
    flags = set(call.flags)
    for flag, key in GLOBAL_FLAGS.items():
        if parsed.pop(key):
            flags.add(flag)
    if task.rest:
        parsed[task.rest.parameter] = task.rest.join(parsed[task.rest.parameter])
    return flags, parsed


def _without_docker_options(parser: argparse.ArgumentParser, call: Call) -> tuple[Call, dict[str, Any]]:
    """Return the call of `shell` without options of `docker run`, before and after NAME, and their values."""
    before, values = read_run_call(call)
    after, values = read_run_call(before._replace(rest=before.rest[1:]), values)
    if after.flags & {"--help", "-h"}:
        parser.print_help()
        raise Exit(code=0)
    unknown = sorted((after.flags - call.flags) & {"--version", "-V"})
    return after._replace(rest=[*unknown, *before.rest[:1], *after.rest]), values


def _parse_verbatim(parser: argparse.ArgumentParser, call: Call) -> tuple[set[str], dict[str, Any]]:
    """Read `[flags] NAME COMMAND…` or `[flags] [--script] FILE ARGUMENT…`; every word after the name is left as it is."""
    inner, values = read_run_call(call._replace(flags=frozenset()))
    if inner.flags & {"--help", "-h"}:
        parser.print_help()
        raise Exit(code=0)
    name, words = next(iter(inner.rest), None), inner.rest[1:]
    is_script = name == SCRIPT
    if name in {SCRIPT, "--"}:
        name, words = next(iter(words), None), words[1:]
    elif (name or "").startswith("-") or inner.flags & {"--version", "-V"}:
        option = name if name and name.startswith("-") else "--version"
        parser.error(
            f"unrecognized option: {option}. Other options of `docker run` are for setting 'run_options', for example "
            f"PYDOCK_RUN_OPTIONS='{option}'"
        )
    if is_script and (not name or name.startswith("-")):
        parser.error(f"{SCRIPT} needs a file")
    may_be_script = is_script or (name or "").endswith(".py")
    if not name or not (may_be_script or without_separator(words)):
        message = mistakes.message_for_missing_command(load_settings(None, call.settings), name)
        raise errors.UsageError(f"{message}\n{parser.format_usage().strip()}")
    return set(call.flags | inner.flags), {
        **values,
        "name": name,
        "command": shlex.join(words),
        "script": is_script,
    }


def _parse_name(parser: argparse.ArgumentParser, rest: Rest, call: Call) -> tuple[set[str], dict[str, Any]]:
    """Read `[flags] NAME ARGUMENT…`; every word after the name is left as it is."""
    before = next((index for index, word in enumerate(call.rest) if word not in FLAGS), len(call.rest))
    flags, words = {*call.flags, *call.rest[:before]}, call.rest[before:]
    if flags & {"--help", "-h"}:
        parser.print_help()
        raise Exit(code=0)
    if not words or words[0].startswith("-"):
        parser.error(f"unrecognized option: {words[0]}" if words else "arguments are required: NAME")
    return flags, {"name": words[0], rest.parameter: rest.join(words[1:])}


def _interrupted(number: int, frame: object) -> None:  # noqa: ARG001 - the signal module's interface
    raise errors.Interrupted(interrupted_message())
