"""Commands of environments in a folder on PATH, for good: `pydock expose`."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from pydock import errors
from pydock.exports.facade import MADE_BY, wrapper, write_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pydock.engine.python_description import Description
    from pydock.environments.environment import Environment
    from pydock.settings import Home

TITLE = re.compile(r"# `(?P<command>[^`]+)` of the environment '(?P<name>[^']+)' of (?P<folder>.+)\.")
IDENTITY = re.compile(r"PYDOCK_INSIDE-}\" != ([0-9a-f]{8}) \]")
MAX_SIZE = 1 << 16  # bytes of a script that can be ours


class Exposed(NamedTuple):
    """A script of ours: its path, the command, and its environment's name, project and identity."""

    path: str
    command: str
    environment: str
    folder: str
    identity: str


def exposed_in(folder: str) -> list[Exposed]:
    """Return the scripts in a folder that `pydock expose` has made, sorted."""
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    found = (_read(os.path.join(folder, name)) for name in names)
    return [exposed for exposed in found if exposed]


def expose(
    environment: Environment, home: Home, description: Description, commands: Sequence[str], folder: str
) -> None:
    """Write scripts for commands of an environment into a folder.

    Raises `PydockError` before anything is written, if there is a file of that name that pydock did not make, or made for
    another environment.
    """
    paths = {command: os.path.join(folder, command) for command in commands}
    for command, path in paths.items():
        _check_free(path, command, environment)
    try:
        os.makedirs(folder, exist_ok=True)
        for command, path in paths.items():
            script = description.scripts.get(command)
            inside = script.path if script else description.executable
            write_file(path, wrapper(environment, home, command, inside=inside), 0o755)
    except OSError as error:
        raise errors.PydockError(
            f"Cannot write {error.filename or folder}: {error.strerror}. Check its permissions, or use --to FOLDER."
        ) from error


def remove(exposed: Iterable[Exposed]) -> None:
    """Remove scripts; raises `PydockError` if one cannot be removed."""
    for one in exposed:
        _remove(one.path)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise errors.PydockError(f"Cannot remove {path}: {error.strerror}. Check its permissions.") from error


def _check_free(path: str, command: str, environment: Environment) -> None:
    if not os.path.lexists(path):
        return
    found = _read(path)
    if found is None:
        raise errors.PydockError(
            f"{path} already exists, and pydock did not make it. Nothing was written. Use --to FOLDER for another folder."
        )
    if found.identity != environment.identity:
        raise errors.PydockError(
            f"{path} already exists: `{command}` of environment '{found.environment}' of {found.folder}. Nothing was "
            f"written. Remove it first (`rm {path}`), or use --to FOLDER for another folder."
        )


def _read(path: str) -> Exposed | None:
    """Return what a file is, None if it is not a script of ours."""
    try:
        if os.path.islink(path) or not os.path.isfile(path):
            return None
        text = errors.read_file(path, limit=MAX_SIZE).decode()
    except (OSError, UnicodeDecodeError, errors.PydockError):
        return None
    lines = text.splitlines()
    if len(lines) < 4 or lines[0] != "#!/bin/sh" or lines[2] != MADE_BY:  # noqa: PLR2004
        return None
    title, identity = TITLE.fullmatch(lines[1]), IDENTITY.search(lines[3])
    if not (title and identity):
        return None
    return Exposed(path, title["command"], title["name"], title["folder"], identity.group(1))
