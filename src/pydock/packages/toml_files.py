"""Reading TOML: with Python's own parser from 3.11 on, and with tomli before."""

from __future__ import annotations

import sys
from typing import Any

from pydock import errors

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_SIZE = 1 << 24  # bytes; lock files of large projects have a few MiB
HINT = "Fix the file, or name another one."


def read_toml(path: str) -> dict[str, Any]:
    """Return the tables of a file. Raises `FileNotFoundError`, and `BadProject` if it cannot be read."""
    content = errors.read_file(path, errors.BadProject, HINT, limit=MAX_SIZE)
    try:
        return parse_toml(content.decode(), path)
    except UnicodeDecodeError as error:
        raise errors.BadProject(f"{path} is not valid UTF-8: {error}. {HINT}") from error


def parse_toml(text: str, path: str) -> dict[str, Any]:
    """Return the tables of a text; `path` is only for the message of `BadProject`."""
    try:
        return dict(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise errors.BadProject(f"{path} is not valid TOML: {error}. {HINT}") from error
    except RecursionError as error:
        raise errors.BadProject(f"{path} is nested too deeply. {HINT}") from error


def table(values: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return the table at `[a.b]`; an empty one if there is none, or something else."""
    for name in names:
        found = values.get(name)
        values = found if isinstance(found, dict) else {}
    return values
