"""`@command`: an invoke task that also says how `pydock` reads its arguments."""

from __future__ import annotations

import functools
import inspect
import os
import shlex
import sys
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from invoke import Argument, Context, Exit, Task, task

from pydock import errors, messages
from pydock.engine.run_options import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAME_HELP = {"name": "the environment's name"}
# pydock's own options, before the command; the first four may also follow it.
FLAGS = {
    "--local": "use the environments of this project (./.pydock)",
    "--global": "use the environments of the user (~/.pydock)",
    "--echo": "print every docker command before it runs, and all output of builds",
    "--dry": "print the docker commands that would change something, and do not run them",
    "--version": "print pydock's version",
    "-V": "",
    "--help": "print this help, or with a command the help of that command",
    "-h": "",
}
OF_DOCKER = {option.parameter: option for option in OPTIONS}


class Rest(NamedTuple):
    """The parameter that takes all remaining words of a command line.

    An invoke task cannot have such a parameter, so it gets the words joined into one text. `verbatim` words follow
    the environment's name and are not read as options of pydock.
    """

    parameter: str
    join: Callable[[Sequence[str]], str]
    verbatim: bool = False


def _join_lines(words: Sequence[str]) -> str:
    return "".join(f"{word}\n" for word in words)


PACKAGES = Rest("packages", _join_lines)
PROJECTS = Rest("projects", _join_lines)
COMMAND = Rest("command", shlex.join, verbatim=True)


class Invoked(NamedTuple):
    """How `inv` was told to run a command: `inv`, `env.`, and the words after `env.run`."""

    program: str
    collection: str
    words: list[str]


class Command(Task[Any]):
    """A task, with what the console program shows and accepts and invoke does not know."""

    rest: Rest | None = None
    short: Mapping[str, str] = {}  # parameter -> its one-letter option
    words: Mapping[str, str] = {}  # parameter -> help text
    metavars: Mapping[str, str] = {}  # option -> the name of its value in the help
    examples: Sequence[str] = ()  # without `pydock`
    settings: Sequence[str] = ()  # that change what the command does
    docker_options: bool = False  # whether it has those of `docker run`
    completes: Mapping[str, str] = {}  # parameter -> the kind that `pydock completion` offers for it

    @property
    def summary(self) -> str:
        """The first line of the help."""
        return (self.__doc__ or "").strip().splitlines()[0]

    def spellings(self, name: str) -> list[str]:
        """Return how an option is written, the short form first: `-r` and `--requirement`."""
        if self.docker_options and name in OF_DOCKER:
            letter, long = OF_DOCKER[name].letter, OF_DOCKER[name].name
            return [f"-{letter}", long] if letter else [long]
        long = f"--{name.strip('_').replace('_', '-')}"
        return [self.short[name], long] if name in self.short else [long]

    def metavar(self, name: str) -> str:
        """Return what the help calls a parameter's value: `FILE`."""
        return self.metavars.get(name, name.upper().removesuffix("S"))

    def get_arguments(self, *args: Any, **kwargs: Any) -> list[Argument]:
        """Return the task's arguments for invoke's parser; a positional one that has a default may be left out."""
        arguments = super().get_arguments(*args, **kwargs)
        for argument in arguments:
            name = str(argument.attr_name or argument.name)
            if argument.positional and self.argspec(self.body).parameters[name].default is None:
                argument.__class__ = OptionalPositional
            if self.docker_options and name in self.short:
                argument.names = (*argument.names, self.short[name].lstrip("-"))
        return arguments


class OptionalPositional(Argument):
    """A positional argument that invoke's parser fills if there is a word for it, and does not insist on.

    The parser has no such thing: a positional argument is missing as long as its value is None. So the answer depends
    on what it asks for: to place a word that is no task's name, or to complain at the end.
    """

    @property
    def value(self) -> Any:
        given = self._value if self._value is not None else self.default
        frame = sys._getframe(1)  # noqa: SLF001 - the documented way to see the caller
        for _ in range(4):
            code, caller = frame.f_code.co_name, frame.f_locals
            if given is None and code == "complete_context":
                return ""
            if given is None and code == "handle" and caller.get("token") in caller["self"].contexts:
                return ""
            if frame.f_back is None:
                break
            frame = frame.f_back
        return given

    @value.setter
    def value(self, word: str) -> None:
        self.set_value(word, cast=True)


def command(
    *,
    positional: Sequence[str] = (),
    help: Mapping[str, str] | None = None,  # noqa: A002 - the name that invoke gives it
    name: str = "",
    aliases: Sequence[str] = (),
    rest: Rest | None = None,
    short: Mapping[str, str] | None = None,
    metavars: Mapping[str, str] | None = None,
    examples: Sequence[str] = (),
    settings: Sequence[str] = (),
    repeatable: Sequence[str] = (),
    docker_options: bool = False,
    completes: Mapping[str, str] | None = None,
) -> Callable[[Callable[..., None]], Command]:
    """Turn a function into a command: an invoke task whose errors become exit codes.

    The function's docstring and `help` are what `pydock COMMAND --help` and `inv --help` show; the first also shows
    `examples` and `settings`. The command is named like the function unless `name` is given. `repeatable` options are
    lists (`-r a.txt -r b.txt`), whose default must be None. With `docker_options`, the function's last parameter is
    `**options`, and the command has those of `engine/run_options.py`. What shells offer for a parameter follows from its
    name or its metavar (see `exports/completion.py`); `completes` says it where that is wrong.
    """
    words = dict(help or {})
    if docker_options:
        words.update({option.parameter: option.text for option in OPTIONS})
        metavars = {**{option.parameter: option.metavar for option in OPTIONS}, **(metavars or {})}
        short = {**{o.parameter: f"-{o.letter}" for o in OPTIONS if o.letter}, **(short or {})}
        repeatable = [*repeatable, *(option.parameter for option in OPTIONS if option.repeatable)]
    for_inv = dict(words)
    if rest:
        for_inv[rest.parameter] += " (with inv: one quoted text)"

    def decorate(body: Callable[..., None]) -> Command:
        names = [name or body.__name__, *aliases]
        if docker_options:
            body.__signature__ = _with_options(inspect.signature(body))  # type: ignore[attr-defined]
        make = task(
            klass=Command,
            name=names[0],
            positional=list(positional),
            iterable=list(repeatable),
            help=for_inv,
            aliases=tuple(aliases),
            # invoke would choose other letters than Docker's
            auto_shortflags=not docker_options,
        )
        made: Command = make(_errors_as_exit(body, names))
        made.rest, made.short, made.words, made.metavars = rest, short or {}, words, metavars or {}
        made.examples, made.settings, made.docker_options = examples, settings, docker_options
        made.completes = completes or {}
        return made

    return decorate


def _with_options(signature: inspect.Signature) -> inspect.Signature:
    """Return a function's signature with the options of `docker run` in the place of `**options`."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    added = [
        inspect.Parameter(
            option.parameter, kind, default=None if option.repeatable else "" if option.metavar else False
        )
        for option in OPTIONS
    ]
    return signature.replace(parameters=[*list(signature.parameters.values())[:-1], *added])


def _errors_as_exit(body: Callable[..., None], names: Sequence[str]) -> Callable[..., None]:
    """Turn pydock's errors into invoke's `Exit`, which `inv` shows as a message with an exit code."""

    @functools.wraps(body)
    def wrapper(*args: Any, **kwargs: Any) -> None:
        messages.print_any_text()
        invoked = invoked_as(args[0], names)
        messages.name_commands_as(f"{invoked.program} {invoked.collection}" if invoked else "")
        try:
            body(*args, **kwargs)
        except errors.PydockError as error:
            raise Exit(_shown(error), error.code) from error  # invoke prints it
        except BrokenPipeError:
            raise  # nobody reads our output any more
        except OSError as error:
            failure = errors.from_system(error)
            raise Exit(_shown(failure), failure.code) from error

    return wrapper


def invoked_as(context: Context, names: Sequence[str]) -> Invoked | None:
    """Return how `inv` was told to run the command of one of these names, None if `pydock` or another task runs it."""
    if "command_line" in context.config.get("pydock", {}):
        return None
    for index, word in enumerate(sys.argv[1:], 2):
        collection, dot, last = word.rpartition(".")
        if last in names:
            program = os.path.basename(sys.argv[0])
            return Invoked("inv" if program.endswith(".py") else program, collection + dot, sys.argv[index:])
    return None


def _shown(error: errors.PydockError) -> str:
    return messages.printable(messages.with_command_names(error.message))
