"""The rules of .dockerignore: https://docs.docker.com/build/concepts/context/#dockerignore-files.

The reference is https://github.com/moby/patternmatcher: the last pattern that matches a path or one of its parents
decides.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from pydock import errors

if TYPE_CHECKING:
    from collections.abc import Callable


def excludes(path: str) -> tuple[Callable[[str], bool], bool]:
    """Read the file; return whether a relative path is excluded, as a function, and whether there are exceptions."""
    rules = parse(errors.read_file(path).decode("utf-8-sig", errors="replace"))

    def excluded(relative: str) -> bool:
        names = relative.split("/")
        parents = ["/".join(names[:count]) for count in range(1, len(names) + 1)]
        result = False
        for pattern, exception in rules:
            if any(pattern.fullmatch(parent) for parent in parents):
                result = not exception
        return result

    return excluded, any(exception for _, exception in rules)


def parse(text: str) -> list[tuple[re.Pattern[str], bool]]:
    """Return the patterns in order, and for each whether it is an exception (`!`)."""
    rules = []
    for line in text.splitlines():
        pattern = line.strip()
        if line.startswith("#") or not pattern:
            continue
        exception = pattern.startswith("!")
        if exception:
            pattern = pattern[1:].strip()
        pattern = posixpath.normpath(pattern).lstrip("/") if pattern else ""
        if pattern and pattern != ".":
            rules.append((re.compile(_as_regex(pattern), re.DOTALL), exception))
    return rules


def _as_regex(pattern: str) -> str:
    parts = []
    index = 0
    while index < len(pattern):
        character = pattern[index]
        index += 1
        if character == "*" and pattern[index : index + 1] == "*":
            index += 1
            if pattern[index : index + 1] == "/":
                index += 1
                parts.append("(?:.*/)?")
            else:
                parts.append(".*")
        elif character == "*":
            parts.append("[^/]*")
        elif character == "?":
            parts.append("[^/]")
        elif character == "[" and "]" in pattern[index:]:
            end = pattern.index("]", index + 1) if "]" in pattern[index + 1 :] else len(pattern)
            group = pattern[index:end].replace("\\", "\\\\")
            parts.append(f"[{'^' + group[1:] if group[:1] in '^!' else group}]")
            index = end + 1
        elif character == "\\" and index < len(pattern):
            parts.append(re.escape(pattern[index]))
            index += 1
        else:
            parts.append(re.escape(character))
    return "".join(parts)
