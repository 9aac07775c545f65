"""`@command`: an invoke task that also says how `pydock` reads its arguments."""

from __future__ import annotations

import functools
import shlex
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from invoke import Exit, Task, task

from pydock import errors
from pydock.messages import redacted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAME_HELP = {"name": "the environment's name"}


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
COMMAND = Rest("command", shlex.join, verbatim=True)


class Command(Task[Any]):
    """A task; `rest` and `short` tell the console program more about its parameters than invoke can."""

    rest: Rest | None = None
    short: Mapping[str, str] = {}  # parameter -> its one-letter option
    words: Mapping[str, str] = {}  # parameter -> help text


def command(
    *,
    positional: Sequence[str] = (),
    help: Mapping[str, str] | None = None,  # noqa: A002 - the name that invoke gives it
    aliases: Sequence[str] = (),
    rest: Rest | None = None,
    short: Mapping[str, str] | None = None,
) -> Callable[[Callable[..., None]], Command]:
    """Turn a function into a command: an invoke task whose errors become exit codes.

    The function's docstring and `help` are what `pydock COMMAND --help` and `inv --help` show.
    """
    words = dict(help or {})
    for_inv = dict(words)
    if rest:
        for_inv[rest.parameter] += " (with inv: one quoted text)"

    def decorate(body: Callable[..., None]) -> Command:
        make = task(klass=Command, positional=list(positional), help=for_inv, aliases=tuple(aliases))
        made: Command = make(_errors_as_exit(body))
        made.rest, made.short, made.words = rest, short or {}, words
        return made

    return decorate


def _errors_as_exit(body: Callable[..., None]) -> Callable[..., None]:
    """Turn pydock's errors into invoke's `Exit`, which `inv` shows as a message with an exit code."""

    @functools.wraps(body)
    def wrapper(*args: Any, **kwargs: Any) -> None:
        try:
            body(*args, **kwargs)
        except errors.PydockError as error:
            raise Exit(redacted(error.message), error.code) from error  # invoke prints it
        except BrokenPipeError:
            raise  # nobody reads our output any more
        except OSError as error:
            failure = errors.from_system(error)
            raise Exit(redacted(failure.message), failure.code) from error

    return wrapper
