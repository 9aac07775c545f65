"""`pydock outdated`."""

from __future__ import annotations

from json import dumps
from typing import TYPE_CHECKING, Any, NamedTuple

from pydock.commands.change_packages import SETTINGS, locked_packages
from pydock.commands.command import NAME_HELP, command
from pydock.commands.list_packages import Package, read_packages
from pydock.commands.session import Session
from pydock.environments.environment import REQUIREMENTS
from pydock.messages import aligned, redacted, terminal_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoke import Context


class Outdated(NamedTuple):
    """A package that an update would change: its line of requirements.txt now and then, and the line that requested it."""

    name: str
    current: Package
    update: Package
    requested: str | None

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "current": _shown(self.current),
            "update": _shown(self.update),
            "requested": self.requested,
        }


@command(
    positional=["name"],
    help={**NAME_HELP, "json": "print JSON"},
    examples=["outdated ds", "outdated ds --json"],
    settings=SETTINGS,
)
def outdated(c: Context, name: str, json: bool = False) -> None:
    """List the packages that `pydock update` would change.

    It asks the package index as `update` does, and changes nothing. `pydock pip NAME list --outdated` also lists newer releases
    that requirements.in or other packages do not allow.
    """
    session = Session(c)
    environment = session.environment(name)
    with locked_packages(session, name) as contents:
        found, added, removed = _compared(
            contents.pins_now(), contents.pins_after_update(), read_packages(environment)[0]
        )
    if session.engine.dry:
        return
    if json:
        print(redacted(dumps([package.as_json() for package in found], indent=2)))
    elif found:
        rows = [
            [package.name, _shown(package.current), _shown(package.update), package.requested or ""]
            for package in found
        ]
        print(aligned([["PACKAGE", "CURRENT", "UPDATE", "REQUESTED"], *rows], terminal_width(), [(3, 10)]))
    also = [
        f"{verb} {', '.join(names)}" for verb, names in (("install", added), ("remove", removed)) if names
    ]
    if found or also:
        more = f" It would also {' and '.join(also)}." if also else ""
        session.say_done(
            f"`pydock update {name}` updates them.{more}"
            if found
            else f"An update would {' and '.join(also)}."
        )
    else:
        session.say_done(f"All packages of '{name}' are as new as requirements.in allows.")


def _compared(
    before: str, after: str, packages: Sequence[Package]
) -> tuple[list[Outdated], list[str], list[str]]:
    """Return the packages whose pins differ, and the names of those that only one of the two texts has."""
    old, new = _pins(before), _pins(after)
    requested = {package.name: package.requested for package in packages}
    found = [
        Outdated(name, Package(name, line, None), Package(name, new[name], None), requested.get(name))
        for name, line in sorted(old.items())
        if name in new and new[name] != line
    ]
    return found, sorted(new.keys() - old.keys()), sorted(old.keys() - new.keys())


def _pins(text: str) -> dict[str, str]:
    from pydock.packages.requirement_files import parse_text

    return {line.name: line.requirement for line in parse_text(text, REQUIREMENTS) if line.name}


def _shown(package: Package) -> str:
    return package.version or package.url or package.line
