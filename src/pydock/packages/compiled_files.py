"""Lock files given with -r: which of their lines were requested, and which only say in what version.

pip-compile and `uv pip compile`, `uv export` write after each package what it is needed for: `# via -r requirements.in`,
`# via pandas`, `# via myproject (pyproject.toml)`. A `pip freeze` says nothing of the kind, so all of its lines are requests.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pydock.packages.requirements import Line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

COMMENT = re.compile(r"(?:^|\s)#(.*)$")
VIA = re.compile(r"\s*via\b\s*(.*)")


def from_lock(lines: Sequence[Line]) -> list[Line]:
    """Return the lines of a lock file as requests without versions, and its versions as pins (`Line.is_pin`).

    Lines of any other file are returned as they are. So are those with hashes, which belong to one version.
    """
    packages = [(line, reasons) for line, reasons in _with_reasons(lines) if line.name]
    if not packages or not all(reasons and _is_pinned(line) for line, reasons in packages):
        return list(lines)
    names = {line.name for line, _ in packages}
    found = [line for line in lines if line.options and not line.name]
    for line, reasons in packages:
        if not {_name(reason) for reason in reasons} <= names:
            requirement = str(_without_version(line.requirement))
            found.append(Line(requirement, line.name, requirement))
        found.append(Line("", "", line.requirement, (), is_constraint=True, is_pin=True))
    return found


def _with_reasons(lines: Sequence[Line]) -> Iterator[tuple[Line, list[str]]]:
    """Yield each line with what it is needed for: from its comment, or from the comments below it."""
    for number, line in enumerate(lines):
        comments = []
        own = COMMENT.search(line.text) if line.name else None
        if own:
            comments.append(own[1])
        for following in lines[number + 1 :]:
            text = following.text.strip()
            if following.name or following.options or not text.startswith("#"):
                break
            comments.append(text[1:])
        yield line, _reasons(comments)


def _reasons(comments: Sequence[str]) -> list[str]:
    """Return what stands after `via`, on its line or on lines of their own; without constraints files."""
    found: list[str] = []
    begun = False
    for comment in comments:
        via = VIA.match(comment)
        begun = begun or bool(via)
        if begun:
            found += re.split(r",\s*", via[1] if via else comment.strip())
    return [reason for reason in found if reason and not reason.startswith("-c ")]


def _name(reason: str) -> str:
    """Return the name of the package that a reason is, or something that is none: `-r requirements.in`, `x (setup.py)`."""
    return reason if " " in reason else str(canonicalize_name(reason.partition("[")[0]))


def _is_pinned(line: Line) -> bool:
    if line.options or "://" in line.requirement:
        return False
    specifiers = list(Requirement(line.requirement).specifier)
    return len(specifiers) == 1 and specifiers[0].operator == "==" and "*" not in specifiers[0].version


def _without_version(requirement: str) -> Requirement:
    found = Requirement(requirement)
    found.specifier = type(found.specifier)()
    return found
