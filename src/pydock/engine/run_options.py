"""Options of `docker run` that `run` and `shell` have too: `-e`, `-p 8888:8888`, `--gpus all`.

Imported only by runs that have any, and by the tasks.
"""

from __future__ import annotations

import os

from pydock import errors
from pydock._speed.named_tuple import NamedTuple
from pydock.engine.endpoint import container_exists

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from pydock.settings import Settings

    Values = Mapping[str, Any]


class Option(NamedTuple):
    """An option: its parameter in the tasks, its letter, what its value is called, and its help."""

    parameter: str
    letter: str
    metavar: str  # "" for an option without a value
    text: str
    repeatable: bool = False

    @property
    def name(self) -> str:
        """The option as it is typed: `--shm-size`."""
        return f"--{self.parameter.replace('_', '-')}" if self.parameter != CONTAINER_NAME else "--name"


CONTAINER_NAME = "container_name"  # the tasks have a parameter `name`, the environment's
FRESH = "fresh"  # pydock's own
ACTIVATED = "activated"  # the same
OPTIONS = (
    Option("env", "e", "NAME[=VALUE]", "set a variable; without a value, pass yours on", repeatable=True),
    Option("env_file", "", "FILE", "set the variables of a file, such as .env", repeatable=True),
    Option("volume", "v", "FROM:TO[:ro]", "mount a folder, a file or a named volume", repeatable=True),
    Option("mount", "", "MOUNT", "mount something, in the long form", repeatable=True),
    Option("tmpfs", "", "PATH", "mount a temporary folder in memory", repeatable=True),
    Option(
        "publish",
        "p",
        "[PORT:]PORT",
        "make a port reachable at 127.0.0.1 or ADDRESS:PORT:PORT; 0 or no first PORT: any free one",
        repeatable=True,
    ),
    Option("network", "", "NETWORK", "join a network; `host`, `none`", repeatable=True),
    Option("gpus", "", "GPUS", "add GPUs; `all`"),
    Option("memory", "m", "SIZE", "limit the memory: 512m, 2g"),
    Option("shm_size", "", "SIZE", "the size of /dev/shm (default: half of the memory)"),
    Option("cpus", "", "NUMBER", "limit the processors: 1.5"),
    Option("user", "u", "USER[:GROUP]", "run as another user"),
    Option("workdir", "w", "FOLDER", "start in another folder of the container"),
    Option("read_only", "", "", "let nothing be written but to mounts"),
    Option("entrypoint", "", "PROGRAM", "run this program, with the command as its arguments"),
    Option(CONTAINER_NAME, "", "CONTAINER", "name the container"),
    Option("detach", "d", "", "run in the background, and print the container's id"),
    Option(FRESH, "", "", "use a new container, even if one waits for programs (`up`, setting 'keep')"),
    Option(ACTIVATED, "", "", "run as the programs of an activated environment do (`activate`)"),
)
LONG = {
    **{option.name: option for option in OPTIONS},
    "--net": next(o for o in OPTIONS if o.parameter == "network"),
}
LETTERS = {option.letter: option for option in OPTIONS if option.letter}
# What people type out of habit, and pydock does anyway where it is right.
ALWAYS = ("--rm", "--init", "--interactive", "--tty")
ALWAYS_LETTERS = "it"
# Variables that the client itself reads, and so get their values on its command line. https://docs.docker.com/reference/cli/docker/
OF_THE_CLIENT = ("DOCKER", "BUILDX", "BUILDKIT", "COMPOSE", "OTEL_", "GO", "LD_", "SSL_", "XDG_", "SSH_")
OF_THE_CLIENT_EXACTLY = {
    "PATH",
    "HOME",
    "TMPDIR",
    "TERM",
    "LANG",
    "NO_PROXY",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
}
NAME_SIGNS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def read_options(words: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """Return the values of the options that begin the words, and the rest from the first other word on.

    Options that can be repeated have a list of values. Raises `UsageError` if a value is missing.
    """
    values: dict[str, Any] = {}
    rest = list(words)
    while rest and rest[0][:1] == "-":
        found = _read_long(rest) if rest[0][:2] == "--" else _read_letters(rest)
        if found is None:
            break
        for option, value in found:
            if option.repeatable:
                values.setdefault(option.parameter, []).append(value)
            else:
                values[option.parameter] = value
    return values, rest


def _read_long(rest: list[str]) -> list[tuple[Option, Any]] | None:
    name, equals, value = rest[0].partition("=")
    if name in ALWAYS:
        del rest[0]
        return []
    option = LONG.get(name)
    if option is None:
        return None
    del rest[0]
    if not option.metavar:
        return [(option, value.lower() not in {"false", "f", "0"})]
    return [(option, value if equals else _value(option.name, rest))]


def _read_letters(rest: list[str]) -> list[tuple[Option, Any]] | None:
    letters = rest[0][1:]
    found: list[tuple[Option, Any]] = []
    while letters:
        letter, letters = letters[0], letters[1:]
        option = LETTERS.get(letter)
        if option is None and letter not in ALWAYS_LETTERS:
            return None
        if option and option.metavar:
            del rest[0]
            return [*found, (option, letters.removeprefix("=") if letters else _value(f"-{letter}", rest))]
        if option:
            found.append((option, True))
    if rest[0] == "-":
        return None
    del rest[0]
    return found


def _value(name: str, rest: list[str]) -> str:
    if not rest:
        raise errors.UsageError(f"Option {name} needs a value.")
    return rest.pop(0)


def docker_words(values: Values, *, by_name: bool) -> tuple[list[str], dict[str, str]]:
    """Return the options as words for `docker run`, and variables for the environment of its client.

    `by_name` says that the client gets our environment: then the values of variables are passed there, because anybody
    can read a command line. Raises `UsageError` for a file or a folder that does not exist.
    """
    words: list[str] = []
    variables: dict[str, str] = {}
    for option in OPTIONS:
        value = values.get(option.parameter)
        if not value or option.parameter in {CONTAINER_NAME, FRESH, ACTIVATED}:
            continue
        if not option.metavar:
            words.append(option.name)
            continue
        for each in value if option.repeatable else (value,):
            if option.parameter == "env" and by_name and _may_be_passed(each):
                name, _, variables[name] = each.partition("=")
                each = name  # noqa: PLW2901 - the value is in `variables`
            words += [option.name, _checked(option, each)]
    return words, variables


def _may_be_passed(text: str) -> bool:
    name, equals, value = text.partition("=")
    upper = name.upper()
    return (
        bool(name and equals)
        and "\0" not in value
        and upper not in OF_THE_CLIENT_EXACTLY
        and not upper.startswith(OF_THE_CLIENT)
    )


def _checked(option: Option, value: str) -> str:
    """Return the value; raise `UsageError` for a file that is not there. Docker would make a folder, which belongs to root."""
    if option.parameter == "env_file" and not os.path.exists(value):
        raise errors.UsageError(f"The file {value} of --env-file was not found.")
    if option.parameter == "volume" and value[:1] in {"/", ".", "~"}:
        source, colon, target = value.partition(":")
        source = os.path.abspath(os.path.expanduser(source))
        if colon and not os.path.exists(source):
            raise errors.UsageError(
                f"{source} does not exist, so it cannot be mounted. For a new folder: `mkdir -p {source}`."
            )
        return f"{source}{colon}{target}"
    return value


def check_container_name(settings: Settings, name: str) -> None:
    """Raise `UsageError` for a name that no container can have, `ContainerExists` if one has it."""
    signs = set(name) <= set(f"{NAME_SIGNS}_.-")
    if len(name) < 2 or not signs or name[0] not in NAME_SIGNS:  # noqa: PLR2004 - the engine's rule
        raise errors.UsageError(
            f"{name!r} is not a valid name for a container. Use letters, digits, `_`, `.` and `-`; begin with a letter or digit."
        )
    if container_exists(settings, name):
        raise errors.ContainerExists(
            f"There is a container '{name}' already. `docker rm --force {name}` removes it; or choose another name."
        )
