"""The lines of requirements files that link a local project: `-e PATH[extras]`.

A path is relative to the working directory, as pip reads it; in requirements.in, to the environment's folder. Which package
a project is, only its build backend knows. So requirements.in records the name in a comment: `-e ../../..  # name`.
"""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from pydock import errors
from pydock.environments.linked import LinkedProject, parse_project, split_extras
from pydock.packages.pip_format import EDITABLE, HASH
from pydock.packages.requirements import Line
from pydock.trust import hex_digest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydock.engine.links import Wheel

NAME = re.compile(r"\s#\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*$")
EXTRAS = re.compile(r"[A-Za-z0-9._,-]*")
# What a project that an installer can build has: https://packaging.python.org/en/latest/guides/writing-pyproject-toml/
FILES = ("pyproject.toml", "setup.py")


def project_line(value: str, folder: str, text: str = "") -> Line:
    """Return the line for `-e VALUE`, a path relative to `folder`; `text` is the line as it is written.

    Raises `UsageError` if that is not the folder of a Python project.
    """
    written = text or f"-e {value}"
    project = parse_project(value, folder)
    if not EXTRAS.fullmatch(project.extras):
        raise errors.UsageError(f"'{written}': invalid extras. Use for example `-e '.[dev,test]'`.")
    if any(sign in project.folder for sign in "\n\r\t") or project.folder.endswith("]"):
        raise errors.UsageError(f"'{written}': a folder with this name cannot be linked. Rename it.")
    if not os.path.isdir(project.folder):
        raise errors.UsageError(f"'{written}': folder {split_extras(value)[0]} not found in {folder}.")
    if not any(os.path.isfile(os.path.join(project.folder, file)) for file in FILES):
        raise errors.UsageError(
            f"'{written}': {project.folder} has no pyproject.toml and no setup.py, so it is not a Python project."
        )
    found = NAME.search(written)
    name = str(canonicalize_name(found[1])) if found else project.folder
    return Line(written, name, f"-e {value}", ((EDITABLE, project.text),))


def projects_of(lines: Iterable[Line]) -> list[LinkedProject]:
    """Return the projects that lines link, sorted as an environment's are."""
    return sorted({parse_project(line.project, "/") for line in lines if line.project})


def named(line: Line, wheel: Wheel, folder: str) -> Line:
    """Return a project's line with the name of its wheel, and with its path relative to `folder`, as it is recorded."""
    relative = LinkedProject(os.path.relpath(wheel.project.folder, folder), wheel.project.extras).text
    requirement = f"-e {shlex.quote(relative) if needs_quotes(relative) else relative}"
    comment = line.text.partition(" #")[2].strip() if line.name != wheel.project.folder else wheel.name
    return Line(f"{requirement}  # {comment or wheel.name}", wheel.name, requirement, line.options)


def needs_quotes(path: str) -> bool:
    return any(sign in path for sign in " '\"\\#$&;|<>()`*?")


def as_requirement(wheel: Wheel, *, with_hash: bool = False) -> Line:
    """Return a project as an installer gets it in a step: the wheel that makes the link."""
    options = ((HASH, f"sha256:{hex_digest(errors.read_file(wheel.path))}"),) if with_hash else ()
    return Line(wheel.requirement, wheel.name, wheel.requirement, options)
