"""Print which of pip, setuptools and wheel the installed packages need: they are pinned like any other package.

Runs in the environment's Python, which may be as old as 3.6; pip brings the parser of requirements.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TOOLS = {"pip", "setuptools", "wheel", "distribute"}


def requirements() -> "Iterator[str]":
    """Yield the requirements of every installed package, as text."""
    try:
        from importlib.metadata import distributions
    except ImportError:  # before Python 3.8
        import pkg_resources  # type: ignore[import-untyped]

        for distribution in pkg_resources.working_set:
            yield from map(str, distribution.requires())
        return
    for distribution in distributions():
        yield from distribution.requires or []


def needed(texts: "Iterable[str]") -> "set[str]":
    """Return the tools that any of the requirements names, under the conditions of this Python."""
    try:
        from pip._vendor.packaging.requirements import InvalidRequirement, Requirement
    except ImportError:  # no pip
        return set()
    found = set()
    for text in texts:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        name = requirement.name.lower()
        if name in TOOLS and (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
            found.add(name)
    return found


if __name__ == "__main__":
    for tool in sorted(needed(requirements())):
        sys.stdout.write(f"# needed: {tool}\n")
