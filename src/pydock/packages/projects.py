"""The lines of requirements files for a local project: `-e PATH[extras]` links it, `PATH[extras]` installs its wheel.

A path is relative to the working directory, as pip reads it; in requirements.in, to the environment's folder. Which package
a project is, only its build backend knows. So requirements.in records the name in a comment: `-e ../../..  # name`.
"""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name, parse_wheel_filename

from pydock import errors
from pydock.environments.linked import LinkedProject, parse_project, split_extras
from pydock.environments.stored_wheels import FILE
from pydock.packages.pip_format import EDITABLE, HASH
from pydock.packages.requirements import Line
from pydock.trust import hex_digest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydock.engine.links import Wheel

NAME = re.compile(r"\s#\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*$")
PATH = re.compile(r"[^@;:\s]+/[^@;]*")
UNWRITABLE = re.compile(
    r"\s[#-]|[;$\\]"
)  # pip reads it as a comment, an option, a marker, a variable, or a longer line
EXTRAS = re.compile(r"[A-Za-z0-9._,-]*")
# What a project that an installer can build has: https://packaging.python.org/en/latest/guides/writing-pyproject-toml/
FILES = ("pyproject.toml", "setup.py")


def project_line(value: str, folder: str, text: str = "") -> Line:
    """Return the line for `-e VALUE`, a path relative to `folder`; `text` is the line as it is written.

    Raises `UsageError` if that is not the folder of a Python project.
    """
    written = text or f"-e {value}"
    project = parse_project(value, folder)
    _check_name(project, written)
    _check_is_project(project, written, value, folder)
    return Line(
        written, _recorded_name(written) or project.folder, f"-e {value}", ((EDITABLE, project.text),)
    )


def source_line(value: str, folder: str, text: str = "", *, recorded: bool = False) -> Line:
    """Return the line for the project or the wheel at a path relative to `folder`; `text` is the line as it is written.

    One that is recorded with its package's name need not exist: the environment has its wheel. Raises `UsageError` for
    anything else.
    """
    written = text or value
    project = parse_project(value, folder)
    _check_name(project, written)
    if UNWRITABLE.search(project.folder):
        raise errors.UsageError(
            f"'{written}': requirements.in cannot have a path like this. Rename the folder."
        )
    name = _recorded_name(written) if recorded else ""
    if not name and project.folder.endswith(".whl") and os.path.isfile(project.folder):
        name = name_of_wheel_file(project.folder, written)
    elif not name and os.path.isfile(project.folder):
        raise errors.UsageError(
            f"'{written}' is a file. Of files, only wheels (.whl) can be installed; of a source distribution, unpack it and give "
            "its folder. A requirements file follows the option -r."
        )
    elif not name and not os.path.exists(project.folder):
        raise errors.UsageError(
            f"'{written}': neither a folder nor a wheel of this name was found in {folder}. What has a slash is a path."
        )
    elif not name:
        _check_is_project(project, written, value, folder)
    return Line(written, name or project.folder, value, source=project.text)


def is_source(requirement: str) -> bool:
    """Return whether a requirement is the path of a project or of a wheel, as pip decides: `.`, `./PATH`, `PATH/BELOW`."""
    path = split_extras(requirement)[0]
    if path in {".", ".."} or path.startswith(("./", "../", "/")):
        return True
    return bool(PATH.fullmatch(path))


def name_of_wheel_file(path: str, written: str) -> str:
    """Return the canonical name of the package in a wheel; raises `UsageError` if its file name is not a wheel's."""
    file = os.path.basename(path)
    try:
        if not FILE.fullmatch(file):
            raise ValueError(file)  # noqa: TRY301
        return str(parse_wheel_filename(file)[0])
    except ValueError as error:  # InvalidWheelFilename is one
        raise errors.UsageError(
            f"'{written}': {file} is not the file name of a wheel. Rename it back."
        ) from error


def _check_name(project: LinkedProject, written: str) -> None:
    if not EXTRAS.fullmatch(project.extras):
        raise errors.UsageError(f"'{written}': invalid extras. Use for example `-e '.[dev,test]'`.")
    if any(sign in project.folder for sign in "\n\r\t") or project.folder.endswith("]"):
        raise errors.UsageError(f"'{written}': a folder with this name cannot be linked. Rename it.")


def _check_is_project(project: LinkedProject, written: str, value: str, folder: str) -> None:
    if not os.path.isdir(project.folder):
        raise errors.UsageError(f"'{written}': folder {split_extras(value)[0]} not found in {folder}.")
    if not any(os.path.isfile(os.path.join(project.folder, file)) for file in FILES):
        raise errors.UsageError(
            f"'{written}': {project.folder} has no pyproject.toml and no setup.py, so it is not a Python project."
        )


def _recorded_name(written: str) -> str:
    found = NAME.search(written)
    return str(canonicalize_name(found[1])) if found else ""


def projects_of(lines: Iterable[Line]) -> list[LinkedProject]:
    """Return the projects that lines link, sorted as an environment's are."""
    return sorted({parse_project(line.project, "/") for line in lines if line.project})


def named(line: Line, wheel: Wheel, folder: str) -> Line:
    """Return a project's line with the name of its wheel, and with its path relative to `folder`, as it is recorded."""
    relative = LinkedProject(os.path.relpath(wheel.project.folder, folder), wheel.project.extras).text
    if line.source:
        requirement = relative if relative.startswith(".") else f"./{relative}"
    else:
        requirement = f"-e {shlex.quote(relative) if needs_quotes(relative) else relative}"
    comment = line.text.partition(" #")[2].strip() if line.name != wheel.project.folder else wheel.name
    text = f"{requirement}  # {comment or wheel.name}"
    return line._replace(text=text, name=wheel.name, requirement=requirement)


def needs_quotes(path: str) -> bool:
    return any(sign in path for sign in " '\"\\#$&;|<>()`*?")


def project_of(line: Line) -> LinkedProject:
    """Return the project whose wheel a line needs."""
    return parse_project(line.project or line.source, "/")


def as_requirement(wheel: Wheel, *, with_hash: bool = False) -> Line:
    """Return a project as an installer gets it in a step: the wheel that makes the link."""
    options = ((HASH, f"sha256:{hex_digest(errors.read_file(wheel.path))}"),) if with_hash else ()
    return Line(wheel.requirement, wheel.name, wheel.requirement, options)
