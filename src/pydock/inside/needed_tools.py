"""Print which of pip, setuptools and wheel the installed packages need: they are pinned like any other package.

Runs in every installation, in the environment's Python, which may be as old as 3.6. So it reads what packages require as text:
`importlib.metadata` and the parser that pip brings would take half a second where the packages are pandas and SciPy.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TOOLS = {"pip", "setuptools", "wheel", "distribute"}


def requirements(folders: "Iterable[str]") -> "Iterator[str]":
    """Yield the requirements of the packages in these folders, as text."""
    for folder in folders:
        for entry in os.listdir(folder) if os.path.isdir(folder) else []:
            path = os.path.join(folder, entry)
            if entry.endswith(".dist-info"):
                yield from of_wheel(lines(os.path.join(path, "METADATA")))
            elif entry.endswith(".egg-info") or entry == "EGG-INFO":
                yield from of_egg(lines(os.path.join(path, "requires.txt")))


def lines(path: str) -> "Iterator[str]":
    """Yield the lines of a file that may not exist."""
    if os.path.isfile(path):
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                yield line.strip()


def of_wheel(metadata: "Iterable[str]") -> "Iterator[str]":
    """Yield the requirements of a METADATA file.

    https://packaging.python.org/en/latest/specifications/core-metadata/
    """
    for line in metadata:
        if not line:  # what follows is the description
            return
        field, _, value = line.partition(":")
        if field.lower() == "requires-dist":
            yield value.strip()


def of_egg(required: "Iterable[str]") -> "Iterator[str]":
    """Yield the requirements of requires.txt without those of extras.

    https://setuptools.pypa.io/en/latest/deprecated/python_eggs.html#requires-txt
    """
    extra = marker = ""
    for line in required:
        if line.startswith("["):
            extra, _, marker = line.strip("[]").partition(":")
        elif line and not extra:
            yield line + "; " + marker if marker else line


def needed(texts: "Iterable[str]") -> "set[str]":
    """Return the tools that any of the requirements names, under the conditions of this Python."""
    found = set()
    for text in texts:
        name = name_of(text)
        marker = text.partition(";")[2]
        if name in TOOLS and (not marker or (not is_of_extra(marker) and holds(text))):
            found.add(name)
    return found


def name_of(text: str) -> str:
    end = next((place for place, sign in enumerate(text) if not (sign.isalnum() or sign in "._-")), len(text))
    return text[:end].lower()


def is_of_extra(marker: str) -> bool:
    """Return whether a marker holds with an extra only; this saves the import of the parser in most environments."""
    return marker.split()[-3:-1] == ["extra", "=="] and " or " not in marker


def holds(text: str) -> bool:
    """Return whether a requirement's condition holds; no, if there is no parser or it cannot read the condition."""
    try:
        from pip._vendor.packaging.requirements import InvalidRequirement, Requirement
    except ImportError:  # no pip
        return False
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return False
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


if __name__ == "__main__":
    for tool in sorted(needed(requirements(sys.path))):
        sys.stdout.write("# needed: %s\n" % tool)  # noqa: UP031
