"""Reading requirements files: with the files that they include, and with the place of what is invalid."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from packaging.requirements import InvalidRequirement, Requirement

from pydock import errors
from pydock.environments.linked import is_project_path
from pydock.packages.compiled_files import from_lock
from pydock.packages.pip_format import (
    CONSTRAINT,
    EDITABLE,
    INCLUDE,
    InvalidLine,
    decode,
    option_lines,
    read_lines,
)
from pydock.packages.projects import is_source, project_line, source_line
from pydock.packages.remote_files import is_address, read_address
from pydock.packages.requirement_addresses import VCS, refuse_credentials
from pydock.packages.requirements import (
    LOCAL,
    Line,
    name_of,
    parse_specifier,
    requires_hashes,
    split_specifiers,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pydock.packages.pip_format import LogicalLine

# How requirements.in records a line of a constraints file, which it cannot refer to.
RECORDED_CONSTRAINT = re.compile(r"# constraint: (\S.*)")


def parse_files(paths: Iterable[str], constraints: Iterable[str] = ()) -> list[Line]:
    """Return the lines of requirements files and of constraints files, with those of the files that they include.

    A path may be an address (https://…). Lock files become requests and pins, see `lock_files`. Raises `BadRequirements`, naming file and line; also if some of the
    requirements have hashes and others do not, because pip refuses that too.
    """
    lines = [line for path in paths for line in from_lock(_parse_file(path, ()))]
    for path in constraints:
        lines += _parse_constraints(path, ())
    hashed = [line for line in lines if line.name]
    if any(line.hashes for line in hashed) or requires_hashes(lines):
        for line in hashed:
            if not line.hashes:
                raise errors.BadRequirements(
                    f"'{line.requirement}' has no hash (--hash), and other requirements have one. Add it, or remove the "
                    "others; `uv pip compile --generate-hashes` and pip-compile write them."
                )
    return lines


def parse_packages(words: Sequence[str] | str) -> list[Line]:
    """Return the lines for the packages of a command line: specifiers, and paths of local projects and wheels.

    Raises `UsageError`.
    """
    refuse_credentials(words if isinstance(words, str) else "\n".join(words))
    return [
        source_line(word.strip(), os.getcwd()) if is_source(word.strip()) else parse_specifier(word)
        for word in split_specifiers(words)
    ]


def parse_editable(values: Iterable[str]) -> list[Line]:
    """Return the lines for the values of `-e` on a command line: a project's folder, or the address of a repository.

    Raises `UsageError`.
    """
    lines = []
    for value in values:
        refuse_credentials(value)
        project = is_project_path(value)
        lines.append(project_line(value, os.getcwd()) if project else parse_specifier(value))
    return lines


def parse_options(options: Iterable[tuple[str, str]]) -> list[Line]:
    """Return the lines for options of a command line, whose names are long ones. Raises `UsageError`."""
    lines = []
    for text in option_lines(tuple(options)):
        refuse_credentials(text)
        option, _, value = text.partition(" ")
        if option == "--find-links" and not is_address(value):
            raise errors.UsageError(
                f"'{text}' is a path, which a build does not see. A wheel is installed by its path, for example "
                "`pydock install NAME ./wheels/x-1.0-py3-none-any.whl`."
            )
        if len(value.split()) > 1:
            raise errors.UsageError(f"'{text}': the value has blanks.")
        lines.append(Line(text, "", "", ((option, value),)))
    return lines


def _parse_file(path: str, seen: tuple[str, ...]) -> list[Line]:
    place = path if is_address(path) else os.path.realpath(path)
    if place in seen:
        raise errors.BadRequirements(f"{path} includes itself. Remove the `-r` line that leads back to it.")
    seen = (*seen, place)
    lines: list[Line] = []
    for line in _lines_of(_read(path, pipes=len(seen) == 1), path):
        rest = tuple(option for option in line.options if option[0] not in {INCLUDE, CONSTRAINT})
        if rest == line.options:
            lines.append(_line(line, path, "" if is_address(path) else os.getcwd()))
            continue
        for option, value in line.options:
            if option == INCLUDE:
                lines += _parse_file(_relative(path, value), seen)
            elif option == CONSTRAINT:
                lines += _parse_constraints(_relative(path, value), seen)
        if rest:
            lines.append(_line(line._replace(options=rest, text="\n".join(option_lines(rest))), path))
    return lines


def _parse_constraints(path: str, seen: tuple[str, ...]) -> list[Line]:
    return [
        constraint
        for line in _parse_file(path, seen)
        if (constraint := line if line.is_constraint else _as_constraint(line, path))
    ]


def _as_constraint(line: Line, path: str) -> Line | None:
    if not line.name:
        return None
    if "://" in line.requirement:
        raise errors.BadRequirements(
            f"{path}: the constraint '{line.requirement}' is an address, not a version bound. Request the package instead."
        )
    return Line(f"# constraint: {line.requirement}", "", line.requirement, (), is_constraint=True)


def _relative(path: str, included: str) -> str:
    """Return the path or address of an included file, which is relative to the file that includes it."""
    if is_address(included):
        return included
    return urljoin(path, included) if is_address(path) else os.path.join(os.path.dirname(path), included)


def _read(path: str, *, pipes: bool) -> str:
    refuse_credentials(path)
    try:
        content = (
            read_address(path)
            if is_address(path)
            else errors.read_file(path, errors.BadRequirements, pipes=pipes)
        )
        text = decode(content)
    except FileNotFoundError as error:
        raise errors.BadRequirements(f"Requirements file not found: {path}.") from error
    except (UnicodeDecodeError, LookupError) as error:
        raise errors.BadRequirements(
            f"{path} is not valid text: {error}. Save it as UTF-8, or declare its encoding in the first line "
            "(`# -*- coding: latin-1 -*-`)."
        ) from error
    if path.endswith((".txt", ".in")):
        return text
    from pydock.packages.lock_files import as_requirements  # needs TOML, JSON and YAML

    return as_requirements(path, text)


def parse_text(text: str, path: str, projects: str = "") -> list[Line]:
    """Return the lines of an environment's own file; `path` is only for messages.

    `projects` is the folder that linked projects are relative to; without it there are none. Raises `BadRequirements`.
    """
    lines = []
    for line in _lines_of(text, path):
        for option, value in line.options:
            if option in {INCLUDE, CONSTRAINT}:
                raise errors.BadRequirements(
                    f"{path}, line {line.number}: '{option} {value}' is not supported in an environment's own files. "
                    f"Use `pydock install NAME {option} {value}`, which records the lines of that file."
                )
        recorded = RECORDED_CONSTRAINT.fullmatch(line.text)
        if recorded and _is_constraint(recorded[1]):
            lines.append(Line(line.text, "", recorded[1], (), is_constraint=True))
        else:
            lines.append(_line(line, path, projects, own=True))
    return lines


def _is_constraint(requirement: str) -> bool:
    try:
        Requirement(requirement)
    except InvalidRequirement:  # an ordinary comment
        return False
    return True


def _lines_of(text: str, path: str) -> Iterator[LogicalLine]:
    refuse_credentials(text, path)
    for line in read_lines(text):
        if isinstance(line, InvalidLine):
            raise errors.BadRequirements(f"{path}, line {line.number}: {line.message}")
        yield line


def _line(line: LogicalLine, path: str, projects: str = "", *, own: bool = False) -> Line:
    """Return the line; `own` for one of an environment's own files, whose projects need not exist."""
    requirement = line.requirement.rstrip("; ")  # pip accepts a semicolon without a marker
    try:
        [editable] = [value for option, value in line.options if option == EDITABLE] or [""]
        if editable:
            return _editable(line, editable, projects)
        if projects and is_source(requirement):
            return _source(line, requirement, projects, recorded=own)
        name = name_of(requirement, stored=own) if requirement else ""
    except errors.UsageError as error:
        raise errors.BadRequirements(f"{path}, line {line.number}: {error.message}") from error
    return Line(line.text.rstrip(), name, requirement, line.options)


def _source(line: LogicalLine, path: str, projects: str, *, recorded: bool) -> Line:
    if line.options:
        raise errors.UsageError(f"'{path}': other options are not supported in this line.")
    return source_line(path, projects, line.text.rstrip(), recorded=recorded)


def _editable(line: LogicalLine, address: str, projects: str) -> Line:
    """Return the line of a project, or of a repository, which is installed like any other package."""
    if is_project_path(address):
        if not projects:
            raise errors.UsageError(
                f"'-e {address}' is a path of this machine, which cannot be named here. `pydock install NAME -e PATH` links "
                "a project."
            )
        if len(line.options) > 1:
            raise errors.UsageError(f"'-e {address}': other options are not supported in this line.")
        return project_line(address, projects, line.text.rstrip())
    if not VCS.match(address):
        raise errors.UsageError(
            f"'-e {address}' is neither a path nor the address of a repository (git+https://…)."
        )
    if "${" in address:
        raise errors.UsageError(
            f"'-e {address}': the clone of an editable package would keep the value of the variable in the image. Remove "
            "'-e', or put user name and password into ~/.netrc."
        )
    options = tuple(option for option in line.options if option[0] != EDITABLE)
    return Line(line.text.rstrip(), name_of(address), address, options)


def check_file(path: str) -> None:
    """Raise `BadRequirements` for the first line that no installer can read.

    Options and paths are accepted, because the user's own dockerfile may make sense of them.
    """
    try:
        text = errors.read_file(path).decode(errors="replace")
    except FileNotFoundError:  # the dockerfile may not need it
        return
    refuse_credentials(text, path)
    for line in read_lines(text):
        if isinstance(line, InvalidLine) or not line.requirement or LOCAL.match(line.requirement):
            continue
        _line(line, path, own=True)
