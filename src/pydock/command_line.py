"""How a call is read before any command is known: options for pydock itself, the command, the rest."""

from __future__ import annotations

from typing import NamedTuple

# Commands whose arguments after the environment's name belong to another program, byte for byte.
PASSING_ON = {"run"}
FLAGS = {"--local", "--global", "--echo", "--dry", "--help", "-h", "--version"}


class Call(NamedTuple):
    """A call's own flags, its command ("" if none) and what follows it."""

    flags: frozenset[str]
    command: str
    rest: list[str]

    @property
    def settings(self) -> dict[str, str]:
        """The settings that the flags stand for."""
        modes = [flag[2:] for flag in ("--local", "--global") if flag in self.flags]
        return {"mode": modes[0]} if modes else {}


def read_call(argv: list[str]) -> Call:
    """Split `[flags] COMMAND rest`; what cannot be a flag ends the flags, known or not."""
    for index, word in enumerate(argv):
        if word not in FLAGS:
            return Call(frozenset(argv[:index]), word, argv[index + 1 :])
    return Call(frozenset(argv), "", [])
