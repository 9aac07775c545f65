"""`pydock install`, `uninstall` and `update`."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING

from pydock import errors
from pydock.commands.command import NAME_HELP, PACKAGES, command
from pydock.commands.session import Session
from pydock.environments import files, registry
from pydock.environments.environment import REQUIREMENTS_IN
from pydock.messages import printable, say, terminal_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from invoke import Context

    from pydock.packages.change import Changes, Packages


@command(
    positional=["name", "packages"],
    help={
        **NAME_HELP,
        "packages": "requirement specifiers, for example pandas 'scipy>=1.11'",
        "requirement": "a requirements file to install",
    },
    rest=PACKAGES,
    short={"requirement": "-r"},
)
def install(c: Context, name: str, packages: str | None = None, requirement: str = "") -> None:
    """Install packages into an environment and record them."""
    from pydock.packages import requirements

    lines = requirements.parse_specifiers(packages or "")
    if requirement:
        lines += requirements.parse_file(requirement)
    if not lines:
        raise errors.UsageError(
            f"No packages given. Run for example `pydock install {name} pandas`, or use --requirement FILE."
        )
    session = Session(c)
    with _locked_packages(session, name) as contents:
        _report(session, name, contents.install(lines), requirements.names(lines))


@command(
    positional=["name", "packages"],
    help={**NAME_HELP, "packages": "package names"},
    rest=PACKAGES,
)
def uninstall(c: Context, name: str, packages: str) -> None:
    """Remove packages, and dependencies that nothing else needs."""
    from pydock.packages.requirements import package_names

    names = package_names(packages)
    if not names:
        raise errors.UsageError(f"No packages given. Run for example `pydock uninstall {name} pandas`.")
    session = Session(c)
    with _locked_packages(session, name) as contents:
        _report(session, name, contents.uninstall(names))


@command(
    positional=["name", "packages"],
    help={**NAME_HELP, "packages": "package names; all packages if none are given"},
    rest=PACKAGES,
)
def update(c: Context, name: str, packages: str | None = None) -> None:
    """Update packages, or all of them, to the newest versions that requirements.in allows."""
    from pydock.packages.requirements import package_names

    names = package_names(packages or "")
    session = Session(c)
    with _locked_packages(session, name) as contents:
        _report(session, name, contents.update(names))


@contextlib.contextmanager
def _locked_packages(session: Session, name: str) -> Iterator[Packages]:
    """Lock the environment's folder and yield its packages."""
    from pydock.packages.change import Packages

    environment = session.environment(name)
    with files.locked(environment.folder):
        files.check_can_write(environment.folder)
        yield Packages(session.engine, session.images, session.settings, environment)
        if not session.engine.dry:
            registry.remember(environment)


def _report(session: Session, name: str, changes: Changes, requested: Sequence[str] = ()) -> None:
    """Print what changed, on stdout; on a terminal, one line about it."""
    if changes.added or changes.removed:
        if not (sys.stdout.isatty() and sys.stderr.isatty()):
            print(printable(str(changes)))
        if sys.stderr.isatty():
            say(changes.summary(requested, time.monotonic() - session.started, terminal_columns()))
    elif changes.requests_changed:
        session.say_done(f"No package of '{name}' changed; {REQUIREMENTS_IN} was updated.")
    else:
        session.say_done(f"Nothing to change in '{name}'.")
