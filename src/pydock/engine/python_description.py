"""What an image's Python is, and which console scripts its packages have: the image says it itself, so nothing of it is trusted."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from pydock import errors
from pydock.engine import argv as docker
from pydock.engine.build_context import read_program
from pydock.engine.containers import container_name, selinux_enforces

if TYPE_CHECKING:
    from pydock.engine.client import Engine
    from pydock.environments.environment import Environment

PROGRAM = "describe_python.py"
VERSION = re.compile(r"\d{1,3}\.\d{1,3}\.\d{1,3}")
# The name of a program; no option, and no hidden file. Packages have `[` and `2to3`.
NAME = re.compile(r"[A-Za-z0-9_\[][A-Za-z0-9_.+\-\[\]]{0,99}")
PYTHON = re.compile(r"python[0-9.]*")
# These keep their meaning on this machine, whatever a package calls its scripts; pydock itself calls some of them.
RESERVED = re.compile(
    r"activate(\..*)?|deactivate|pydock|python[0-9.]*|pip[0-9.]*|docker.*|podman.*|nerdctl|sudo|doas|env|sh"
)


class Script(NamedTuple):
    """A console script: its path in the image, and the canonical name of its package."""

    path: str
    package: str


class Description(NamedTuple):
    """An image's Python: its version (`3.12.4`), its program, and the names by which it is found.

    `scripts` are console scripts by name. `packages` are folders that a virtual environment would not
    see by itself.
    """

    version: str
    executable: str
    programs: tuple[str, ...]
    scripts: dict[str, Script]
    packages: tuple[str, ...]

    @property
    def short_version(self) -> str:
        return ".".join(self.version.split(".")[:2])


def describe_python(engine: Engine, environment: Environment, image: str, copy_to: str = "") -> Description:
    """Run the image's Python to describe it; with `copy_to`, it copies its packages into that folder.

    Raises `PydockError` if it does not answer.
    """
    container = container_name(environment)
    result = engine.run_and_capture(
        docker.describe_python(
            engine.client, container, image, read_program(PROGRAM), copy_to, selinux=selinux_enforces()
        ),
        container,
    )
    if result.failed:
        lines = str(result.stderr).strip().splitlines()[-3:]
        reason = "".join(f"\n  {line}" for line in lines)
        raise errors.PydockError(
            f"The packages of environment '{environment.name}' could not be listed (exit code {result.exited}).{reason}"
        )
    return read_description(str(result.stdout), environment.name)


def read_description(text: str, name: str) -> Description:
    """Return what the last line says; raises `PydockError` if it is not what `inside/describe_python.py` prints."""
    try:
        found: dict[str, Any] = json.loads(text.strip().rpartition("\n")[2])
        executable, version = _path(found["executable"]), _version(found["version"])
        scripts = {
            script: Script(_path(path), str(package))
            for script, (path, package) in found["scripts"].items()
            if NAME.fullmatch(script) and not RESERVED.fullmatch(script)
        }
        programs = tuple(program for program in found["programs"] if PYTHON.fullmatch(program))
        packages = tuple(_path(folder) for folder in found["packages"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise errors.PydockError(
            f"The Python of environment '{name}' gave an answer that cannot be read. Is `python3` in the image a Python?"
        ) from error
    return Description(version, executable, programs, scripts, packages)


def _version(value: str) -> str:
    """Return a version of Python; raises `ValueError` for anything else."""
    if not VERSION.fullmatch(value):
        raise ValueError(value)
    return value


def _path(value: str) -> str:
    """Return an absolute path of the image; raises `ValueError` for anything else."""
    if not os.path.isabs(value) or not value.isprintable():
        raise ValueError(value)
    return value
