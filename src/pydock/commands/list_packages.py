"""`pydock packages` and `pydock freeze`."""

from __future__ import annotations

import os
import re
from json import dumps
from typing import TYPE_CHECKING, Any, NamedTuple

from pydock import errors
from pydock.commands.command import NAME_HELP, command
from pydock.commands.session import context_settings
from pydock.environments.environment import REQUIREMENTS, REQUIREMENTS_IN, find_environment
from pydock.environments.files import read_if_exists
from pydock.environments.package_lists import listed_packages
from pydock.environments.stored_wheels import parse_requirement
from pydock.messages import aligned, printable, redacted, say, terminal_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoke import Context

    from pydock.environments.environment import Environment

FORMATS = ("columns", "freeze", "json")
FILES = (REQUIREMENTS, REQUIREMENTS_IN)


class Package(NamedTuple):
    """An installed package: its line of requirements.txt, and the line that requested it, None for a dependency."""

    name: str
    line: str
    requested: str | None

    @property
    def version(self) -> str | None:
        """The version, None if the line has none: for an address, or a line that somebody wrote."""
        wheel = parse_requirement(self.line)
        if wheel:
            return wheel.version
        pin = re.match(r"[^=<>!~@;\s]+\s*===?\s*([^\s,;]+)", self.line)
        return pin.group(1) if pin else None

    @property
    def url(self) -> str | None:
        """The address that the package was installed from, None for the index."""
        address = self.line.partition(" @ ")[2] or self.line
        return address if "://" in address else None

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "version": self.version, "url": self.url, "requested": self.requested}


@command(
    positional=["name"],
    completes={"format": "columns,freeze,json"},
    help={
        **NAME_HELP,
        "json": "print JSON, the same as --format json",
        "format": "columns, freeze (lines as in requirements.txt) or json (default: columns)",
    },
    examples=["packages ds", "packages ds --json", "freeze ds > requirements.txt"],
)
def packages(c: Context, name: str, json: bool = False, format: str = "columns") -> None:  # noqa: A002 - the option's name
    """List the installed packages, and which of them were requested.

    They are read from the environment's requirements.txt and requirements.in, without the engine.
    """
    show_packages(c, name, json=json, format=format)


@command(positional=["name"], help=NAME_HELP, examples=["freeze ds > requirements.txt"])
def freeze(c: Context, name: str) -> None:
    """Print the installed packages as the lines of a requirements file."""
    show_packages(c, name, format="freeze")


def show_packages(c: Context, name: str, *, json: bool = False, format: str = "columns") -> None:  # noqa: A002
    """Print the packages of an environment in one of the `FORMATS`."""
    if format not in FORMATS:
        raise errors.UsageError(f"Invalid value '{format}' for --format. Use one of: {', '.join(FORMATS)}.")
    if json and format == "freeze":
        raise errors.UsageError("Options --json and --format freeze cannot be used together.")
    environment = find_environment(context_settings(c), name)
    packages, missing = read_packages(environment)
    if json or format == "json":
        print(redacted(dumps([package.as_json() for package in packages], indent=2)))
    elif format == "freeze":
        print(printable("".join(f"{package.line}\n" for package in packages)), end="")
    else:
        if packages:
            print(packages_table(packages))
        file, system = listed_packages(environment)
        if system:
            print(printable(f"{chr(10) * bool(packages)}System packages ({file}): {', '.join(system)}"))
    if missing:
        say(
            f"Requested in {REQUIREMENTS_IN}, but not installed: {', '.join(missing)}. "
            f"`pydock update {name}` installs what that file asks for."
        )
    elif not packages:
        say(f"No packages in '{name}'. `pydock install {name} PACKAGE` installs one.")


def read_packages(environment: Environment) -> tuple[list[Package], list[str]]:
    """Return the installed packages of an environment's files, and the names of requested ones that are not installed.

    Without a requirements.in, what requirements.txt has was requested, as for the commands that change packages. A
    requested package with a marker may be for another machine, so it is not missing.
    """
    from pydock.packages.requirement_files import parse_text
    from pydock.packages.requirements import with_names

    requested: dict[str, list[str]] = {}
    texts = {file: read_if_exists(environment.path(file)).decode(errors="replace") for file in FILES}
    pins = [line for line in parse_text(texts[REQUIREMENTS], environment.path(REQUIREMENTS)) if line.name]
    installed = {line.name: line.requirement for line in pins}
    wishes = REQUIREMENTS_IN if os.path.exists(environment.path(REQUIREMENTS_IN)) else REQUIREMENTS
    folder = environment.folder if wishes == REQUIREMENTS_IN else ""
    written = parse_text(texts[wishes], environment.path(wishes), folder)
    links = []
    for line, named in zip(written, with_names(written, pins)):
        if line.project:
            links.append(Package(line.name, f"{line.name} @ file://{line.project}", line.requirement))
        elif named.name:
            requested.setdefault(named.name, []).append(line.requirement)
    missing = [
        name
        for name, lines in requested.items()
        if name not in installed and not any(";" in line or "://" in line for line in lines)
    ]
    packages = [
        Package(name, line, ", ".join(requested.get(name, [])) or None) for name, line in installed.items()
    ]
    return sorted([*packages, *links]), missing


def packages_table(packages: Sequence[Package]) -> str:
    """Return the packages as text with aligned columns."""
    rows = [
        [package.name, package.version or package.url or "-", package.requested or ""] for package in packages
    ]
    return aligned(
        [["PACKAGE", "VERSION", "REQUESTED"], *rows], terminal_width(), shrink=[(2, 10), (1, 10), (0, 10)]
    )
