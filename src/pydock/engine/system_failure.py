"""Why apt or apk could not install system packages, in our words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pydock import errors
from pydock.engine.system_packages import PACKAGES
from pydock.environments.content import APK, APT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydock.engine.system_packages import BuildTarget

MAX_LINES = 6


class SystemFailure(NamedTuple):
    """A sentence without its end, what to do, and the lines that say more."""

    sentence: str
    advice: str
    lines: Sequence[str] = ()


NOT_SENT = re.compile(r'"/(ap[tk]\.txt)": not found')
NO_MANAGER = re.compile(r"\b(apt-get|apk|xargs): (?:command )?not found")
NOT_REACHED = re.compile(
    r"Temporary failure resolving|Could not resolve|Could not connect|Connection (?:failed|timed out|refused)|Failed to fetch"
    r"|[Cc]ertificate verification failed|network error|temporary error|DNS (?:lookup error|.*try again)|TLS: "
)
NOT_FOUND = re.compile(
    r"^E: (?:Unable to locate package (\S+)|Couldn't find any package by \w+ '([^']+)'"
    r"|Package '([^']+)' has no installation candidate)"
    r"|^ +(\S+) \((?:no such package|missing)\):",
    re.MULTILINE,
)
NO_VERSION = re.compile(r"^E: (?:Version|Release) '([^']+)' for '([^']+)' was not found", re.MULTILINE)
BROKEN_WORLD = re.compile(r"^ +breaks: world\[([^\]]+)\]", re.MULTILINE)
REASON = re.compile(r"(?:E|ERROR|Err:\d+|dpkg): ?|\S+ : (?:Depends|Breaks|Conflicts)")


def system_failure(text: str, target: BuildTarget | None) -> SystemFailure:
    """Return why the step that installs system packages failed, from what it printed."""
    file = target.package_list if target else APT
    manager = "apk" if file == APK else "apt"
    found = _not_started(text) or _not_reached(text)
    if found:
        return found
    wrong = _wrong_name(text, manager, file)
    if wrong:
        place = "in the command" if target and target.is_new else f"in the command or in {file}"
        return wrong._replace(advice=f"{wrong.advice} Correct it {place}.".strip())
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    reasons = [line for line in lines if REASON.match(line)] or lines
    return SystemFailure(f"{manager} could not install the system packages", "", reasons[-MAX_LINES:])


def _not_started(text: str) -> SystemFailure | None:
    sent = NOT_SENT.search(text)
    if sent:
        return SystemFailure(
            f"The build does not get {sent[1]}",
            f"A line of .dockerignore excludes it; add the line `!{sent[1]}` to it.",
        )
    manager = NO_MANAGER.search(text)
    if manager:
        return SystemFailure(
            f"The image has no {manager[1]}",
            f"{APT} is for images of Debian and Ubuntu, {APK} for those of Alpine.",
        )
    return None


def _not_reached(text: str) -> SystemFailure | None:
    lines = [line.strip() for line in text.splitlines() if NOT_REACHED.search(line)]
    if not lines:
        return None
    return SystemFailure(
        "The servers of the system packages cannot be reached",
        "Check the network and the proxy variables.",
        list(dict.fromkeys(lines))[-2:],
    )


def _wrong_name(text: str, manager: str, file: str) -> SystemFailure | None:
    found = [next(filter(None, match.groups())) for match in NOT_FOUND.finditer(text)]
    if found:
        names = list(dict.fromkeys(found))
        listed = ", ".join(f"'{name}'" for name in names)
        packages = "package" if len(names) == 1 else "packages"
        return SystemFailure(f"{manager} found no {packages} {listed}", _hint(names, file))
    version = NO_VERSION.search(text)
    if version:
        return SystemFailure(f"apt found no version '{version[1]}' of system package '{version[2]}'", "")
    broken = BROKEN_WORLD.search(text)
    return SystemFailure(f"apk found no package that fits '{broken[1]}'", "") if broken else None


def _hint(names: Sequence[str], file: str) -> str:
    """Return what was probably meant: the name on the other distribution, or a similar one of those that packages need."""
    here, there = (1, 0) if file == APK else (0, 1)
    known = {name for row in PACKAGES.values() for name in row[here].split()}
    for name in names:
        for row in PACKAGES.values():
            if row[there] == name and row[here] != name:
                return f"Did you mean '{row[here]}'?"
    hints = [errors.did_you_mean(name, known) for name in names]
    return hints[0].strip() if len(hints) == 1 else ""
