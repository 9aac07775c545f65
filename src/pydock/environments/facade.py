"""The facade of an environment: a folder on this machine that looks like a virtualenv, and what a run inside sees there.

It is in the user's home folder, and not with the environment's files, because a cloned repository could bring programs
there, and because the same path must be free in the container. `exports/facade.py` writes it.

Imported by every `pydock run`, so nothing slow is imported here.
"""

from __future__ import annotations

import os

from pydock import errors
from pydock._speed.named_tuple import NamedTuple
from pydock.settings import find_user_home

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from pydock.environments.environment import Environment

FOLDER = "venvs"  # below ~/.pydock
MARK = f"/.pydock/{FOLDER}/"


class Facade(NamedTuple):
    """Where a facade is; `name` is the environment's, `owner` the folder that belongs to the environment alone."""

    owner: str
    name: str

    @property
    def folder(self) -> str:
        """What VIRTUAL_ENV names, here and in the container."""
        return os.path.join(self.owner, self.name)

    @property
    def programs(self) -> str:
        """What is on PATH."""
        return os.path.join(self.folder, "bin")

    @property
    def inside(self) -> str:
        """The folder that a container has in the place of `folder`."""
        return os.path.join(self.owner, ".inside")

    @property
    def record(self) -> str:
        """The file that says what the facade was made of."""
        return os.path.join(self.owner, ".made-of")

    @property
    def exists(self) -> bool:
        return os.path.isfile(self.record)


def facade_of(environment: Environment) -> Facade:
    """Return the facade of an environment, whether it exists or not; raises `UsageError` for a user without a home."""
    owner = os.path.join(facades_folder(), f"{environment.identity}-{environment.name}")
    return Facade(owner, environment.name)


def facades_folder() -> str:
    home = find_user_home(os.environ)
    if not os.path.isabs(home):
        raise errors.UsageError(
            "HOME is not set to a folder, so there is no place for activated environments. Set HOME."
        )
    return os.path.join(os.path.realpath(home), ".pydock", FOLDER)


def quoted(text: str) -> str:
    """Return the text as one word of a shell, as `shlex.quote` does, which takes longer to import than this module."""
    return "'" + text.replace("'", "'\"'\"'") + "'"


def leave_facades(environ: MutableMapping[str, str]) -> None:
    """Remove facades from PATH, where a package could have put a program of the name of the engine's client."""
    path = environ.get("PATH", "")
    if MARK in path:
        environ["PATH"] = ":".join(place for place in path.split(":") if MARK not in place)
