"""Requirements that another file than a requirements file declares: pyproject.toml, a script, a lock file.

They become lines of a requirements file, so each must be one requirement, and never an option or a second line.
"""

from __future__ import annotations

from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from pydock import errors
from pydock.messages import warn
from pydock.packages.pip_format import LogicalLine, read_lines
from pydock.packages.requirement_addresses import refuse_credentials
from pydock.packages.requirements import Line, name_of
from pydock.packages.toml_files import table


def declared_requirement(text: object, place: str) -> Line:
    """Return the line of one requirement (https://packaging.python.org/en/latest/specifications/dependency-specifiers/).

    `place` names the file and the table. Raises `BadProject` for anything else: an option, several lines, a path of this
    machine, a password.
    """
    if not isinstance(text, str) or not text.isprintable():
        raise errors.BadProject(f"{place}: {text!a} is not a requirement. Write for example 'pandas>=2'.")
    text = text.strip()
    lines = list(read_lines(text))
    is_one = len(lines) == 1 and isinstance(lines[0], LogicalLine) and lines[0].requirement == text
    try:
        refuse_credentials(text)
        Requirement(text)
        name = name_of(text)
    except InvalidRequirement as error:
        raise errors.BadProject(
            f"{place}: '{text}' is not a requirement: {str(error).splitlines()[0]}. Write for example 'pandas>=2'."
        ) from error
    except errors.UsageError as error:
        raise errors.BadProject(f"{place}: {error.message}") from error
    if (
        "${" in text
    ):  # would be replaced by a variable of this machine, which a file from elsewhere must not read
        raise errors.BadProject(
            f"{place}: '{text}' has a variable, which is replaced in requirements files only. Use -r FILE for it."
        )
    if not is_one:
        raise errors.BadProject(
            f"{place}: '{text}' has an option or a comment, which belongs into a requirements file. Remove it."
        )
    return Line(text, name, text)


def requirement_list(values: object, place: str) -> list[object]:
    """Return a list of requirements, not read yet; raises `BadProject` if it is none."""
    if not isinstance(values, list):
        raise errors.BadProject(f"{place} is not a list of requirements, such as ['pandas>=2', 'scipy'].")
    return values


def comment(text: str) -> Line:
    """Return a comment, whatever the text (a file's name) contains."""
    return Line(f"# {text if text.isprintable() else ascii(text)}")


def warn_of_indexes(tables: dict[str, Any], place: str) -> None:
    """Warn if uv or Poetry would take packages from indexes that the file names."""
    names = [
        name
        for name, found in (
            ("tool.uv.index", table(tables, "tool", "uv").get("index")),
            ("tool.poetry.source", table(tables, "tool", "poetry").get("source")),
        )
        if found
    ]
    if names:
        warn(
            f"{place}: the indexes in [[{names[0]}]] do not count. Packages come from the indexes of your pip configuration."
        )
