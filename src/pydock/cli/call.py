"""How a command line is split before any command is known: pydock's own options, the command, the rest."""

from __future__ import annotations

from pydock._speed.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# pydock's own options; `commands/command.py` says what they do.
FLAGS = ("--local", "--global", "--echo", "--dry", "--version", "-V", "--help", "-h")
RUN = ("run", "exec")  # the command that takes all further words as they are, and its alias
SCRIPT = "--script"  # the option of `run` that takes a script instead of an environment


class Call(NamedTuple):
    """A command line's own flags, its command (None if there is none) and the words after it."""

    flags: frozenset[str]
    command: str | None
    rest: list[str]

    @property
    def settings(self) -> dict[str, str]:
        """The settings that the flags set."""
        modes = [flag[2:] for flag in ("--local", "--global") if flag in self.flags]
        return {"mode": modes[0]} if modes else {}


def read_call(argv: list[str]) -> Call:
    """Split `[flags] COMMAND rest`; the first word that is not a flag is the command, valid or not."""
    for index, word in enumerate(argv):
        if word not in FLAGS:
            return Call(frozenset(argv[:index]), word, argv[index + 1 :])
    return Call(frozenset(argv), None, [])


def read_run_call(call: Call, before: Mapping[str, Any] | None = None) -> tuple[Call, dict[str, Any]]:
    """Return the call of `run` or `shell` without the options before NAME, and the values of those of `docker run`.

    pydock's own flags there are added to the call's, and the values to those `before`. Raises `UsageError` if a value is missing.
    """
    values = dict(before or {})
    flags, rest = set(call.flags), call.rest
    while rest and rest[0][:1] == "-":
        if rest[0] in FLAGS:
            flags.add(rest[0])
            rest = rest[1:]
            continue
        from pydock.engine.run_options import read_options  # only for runs that have any

        found, remaining = read_options(rest)
        if len(remaining) == len(rest):
            break
        for name, value in found.items():
            values[name] = [*values.get(name, []), *value] if isinstance(value, list) else value
        rest = remaining
    return call._replace(flags=frozenset(flags), rest=list(rest)), values


def without_separator(words: list[str]) -> list[str]:
    """Return a command's words without the `--` that may precede them: `run ds -- python -V`."""
    return words[1:] if words[:1] == ["--"] else words
