"""How a call is read before any command is known: options for pydock itself, the command, the rest."""

from __future__ import annotations

from pydock._speed.named_tuple import NamedTuple

# Commands whose arguments after the environment's name belong to another program, byte for byte.
PASSING_ON = {"run"}
HELP = """\
usage: pydock [--local | --global] [--echo] [--dry] COMMAND ...

Python environments that are plain Docker images.

commands:
  create     Make an environment: its folder, its dockerfile and its image.
  shell      Start a shell in an environment, in the working directory.
  run        Run one command in an environment, in the working directory; its exit code is ours.
  install    Install packages into an environment, and record them.
  uninstall  Remove packages from an environment, with what only they needed.
  update     Update packages, or all of them, as far as what was asked for (requirements.in) allows.
  build      Build an environment's image from its files; also adopts a folder that came with a checkout.
  envs       List the environments: name, Python, image, size, age, state.
  delete     Remove an environment: its image and its folder.
  config     Show the mode (local or global), the home folder, and every setting with where it came from.

options:
  --local    environments of this folder (./.pydock)
  --global   environments of the user (~/.pydock)
  --echo     print every docker command before it runs
  --dry      only print the docker commands that would change something
  --version  print pydock's version
  -h, --help

`pydock COMMAND --help` explains a command.
"""
FLAGS = {"--local", "--global", "--echo", "--dry", "--help", "-h", "--version"}


class Call(NamedTuple):
    """A call's own flags, its command (None if there is none) and what follows it."""

    flags: frozenset[str]
    command: str | None
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
    return Call(frozenset(argv), None, [])
