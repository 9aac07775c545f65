"""The text of `requirements.txt`: what an installer lists as installed, complete and pinned."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pydock.environments.environment import REQUIREMENTS, REQUIREMENTS_IN
from pydock.environments.stored_wheels import parse_requirement
from pydock.packages.pip_format import HASH, InvalidLine, option_lines, read_lines
from pydock.packages.requirement_addresses import with_variables
from pydock.packages.requirements import names, options, requires_hashes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pydock.packages.requirements import Line

# Installed with Python rather than by the user; recorded if they were requested, or if a package needs them.
TOOLS = {"pip", "setuptools", "wheel", "distribute"}
# How inside/needed_tools.py lists the tools that packages need.
NEEDED = "# needed: "
# How inside/installer.sh lists packages of the base image whose own requirements are not met.
CONFLICTED = "# conflicted: "


class Changes(NamedTuple):
    """What a command changed: packages, as `name==version` lines, and whether requirements.in changed."""

    added: list[str]
    removed: list[str]
    requests_changed: bool

    @classmethod
    def between(cls, before: str, after: str, *, requests_changed: bool) -> Changes:
        old, new = _packages(before), _packages(after)
        return cls(sorted(new - old), sorted(old - new), requests_changed)

    def __str__(self) -> str:
        signs = [f"+ {line}" for line in self.added] + [f"- {line}" for line in self.removed]
        return "\n".join(sorted(signs, key=lambda sign: (sign[2:].split("==")[0], sign[0] == "+")))

    def summary(self, requested: Sequence[str], seconds: float, columns: int) -> str:
        """Return one line: as many packages as fit, those that were `requested` first, how many, and the changed files."""
        before = dict(line.split("==", 1) for line in self.removed if "==" in line)
        after = [line.partition("==")[::2] for line in self.added]
        names = {name for name, _ in after}
        parts = [
            f"+ {name} {version}{f' (was {before[name]})' if name in before else ''}"
            for name, version in after
        ]
        parts += [f"- {line.replace('==', ' ')}" for line in self.removed if line.split("==")[0] not in names]
        parts.sort(key=lambda part: part.split()[1] not in requested)
        updated = f"{REQUIREMENTS} and {REQUIREMENTS_IN}" if self.requests_changed else REQUIREMENTS
        count = "1 package" if len(parts) == 1 else f"{len(parts)} packages"
        end = f"{count}, {seconds:.1f} s; {updated} updated"
        shown = len(parts)
        while shown > 1 and len(_list_of(parts, shown)) + len(end) + 2 > columns:
            shown -= 1
        return f"{_list_of(parts, shown)}, {end}"


NO_CHANGES = Changes([], [], requests_changed=False)


def pinned_text(listed: str, requested: Sequence[Line], stored: Mapping[str, str] | None = None) -> str:
    """Return the text of requirements.txt for the packages that an installer lists.

    `stored` are the lines of local projects whose wheels are in the environment's folder, by name.

    Options, such as an index, are copied, because every build of the folder needs them. What the dockerfile installed
    from a local path is left to the dockerfile, and so is what no installer could install: packages of the base image that
    lack something. If a requirement has hashes, every pin has: those that were requested
    with it, else those of the installer.
    """
    kept = _marked(listed, NEEDED) | set(names(requested))
    left = _marked(listed, CONFLICTED) - kept
    addresses = [(line.name, line.requirement) for line in requested if "://" in line.requirement]
    hashed = requires_hashes(requested)
    pins = {}
    for line in read_lines(listed):
        if isinstance(line, InvalidLine) or not line.requirement or " @ file:" in line.requirement:
            continue
        spelled = re.split(r"==| @ ", line.requirement)[0]
        name = canonicalize_name(spelled)
        if name in left or (name in TOOLS and name not in kept):
            continue
        pin = with_variables(
            name + line.requirement[len(spelled) :], addresses
        )  # pip and uv spell names differently
        found = [value for option, value in line.options if option == HASH]
        hashes = (_requested_hashes(pin, name, requested) or found) if hashed else []
        pins[name] = " \\\n    ".join([pin, *(f"{HASH}={value}" for value in hashes)])
    pins.update({canonicalize_name(name): line for name, line in (stored or {}).items()})
    written = [text for line in options(requested) for text in option_lines(line.options)]
    return "".join(f"{text}\n" for text in [*dict.fromkeys(written), *(pins[name] for name in sorted(pins))])


def _marked(listed: str, mark: str) -> set[str]:
    return {
        canonicalize_name(line[len(mark) :].strip()) for line in listed.splitlines() if line.startswith(mark)
    }


def _requested_hashes(pin: str, name: str, requested: Iterable[Line]) -> list[str]:
    """Return the hashes that were requested for exactly this version."""
    for line in requested:
        if line.name == name and line.hashes and "://" not in line.requirement:
            versions = {specifier.version for specifier in Requirement(line.requirement).specifier}
            if versions == {pin.partition("==")[2]}:
                return line.hashes
    return []


def _packages(text: str) -> set[str]:
    """Return the requirements of a requirements.txt. A local project's is `name==version`, and the wheel in parentheses."""
    return {
        shown(line.requirement)
        for line in read_lines(text)
        if not isinstance(line, InvalidLine) and line.requirement
    }


def shown(requirement: str) -> str:
    """Return a requirement of requirements.txt as it is shown: for a local project's wheel, with its version."""
    wheel = parse_requirement(requirement)
    name = requirement.partition(" @ ")[0]
    return f"{name}=={wheel.version} ({wheel.sha256[:8]})" if wheel else requirement


def _list_of(parts: Sequence[str], shown: int) -> str:
    """Return the first parts, with a sign only where it changes: `+ numpy 2.1.0, six 1.16.0, - idna 3.1 …`."""
    words = [
        part[2:] if number and part[0] == parts[number - 1][0] else part
        for number, part in enumerate(parts[:shown])
    ]
    return ", ".join(words) + (" …" if shown < len(parts) else "")
