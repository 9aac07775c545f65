"""What a script's block of metadata asks for: a Python, and packages (PEP 723)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pydock import errors
from pydock.packages.declared_requirements import declared_requirement, requirement_list, warn_of_indexes
from pydock.packages.python_version import STABLE, newest_python
from pydock.packages.toml_files import parse_toml, table

if TYPE_CHECKING:
    from pydock.packages.requirements import Line


class Metadata(NamedTuple):
    """A version of Python (a tag of the image `python`), and requirements."""

    python: str
    lines: list[Line]

    def normalized(self) -> list[str]:
        """Return the requirements such that their order and their spelling do not matter."""
        found = set()
        for line in self.lines:
            requirement = Requirement(line.requirement)
            requirement.name = canonicalize_name(requirement.name)
            found.add(str(requirement))
        return sorted(found)


def parse_metadata(block: str, path: str) -> Metadata:
    """Read a block of metadata; `path` is the script's. Raises `BadProject`.

    `[tool]` is for other tools. But what uv takes from elsewhere than the index is refused, because the index may have
    another package of that name.
    """
    place = f"{path}, block of metadata"
    values = parse_toml(block, place)
    warn_of_indexes(values, place)
    lines = [
        declared_requirement(value, f"{place}, dependencies")
        for value in requirement_list(values.get("dependencies", []), f"{place}, dependencies")
    ]
    sources = {canonicalize_name(name) for name in table(values, "tool", "uv", "sources")}
    for line in lines:
        if line.name in sources:
            raise errors.BadProject(
                f"{place}: [tool.uv.sources] takes '{line.name}' from elsewhere than the index, which only uv reads. "
                "Write the address into the requirement: 'NAME @ git+https://…'."
            )
    required = values.get("requires-python")
    python = STABLE[0]
    if required is not None:
        python = newest_python(required, place, "Change requires-python there.")
    return Metadata(python, lines)
