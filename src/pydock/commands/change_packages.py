"""`pydock install`, `uninstall` and `update`."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING

from pydock import errors
from pydock.commands.command import NAME_HELP, PACKAGES, command
from pydock.commands.mistakes import refuse_requirements_file, refuse_unless_environment
from pydock.commands.session import Session
from pydock.environments import files, registry
from pydock.environments.environment import REQUIREMENTS_IN
from pydock.environments.package_lists import split_words
from pydock.exports.completion import PROJECT
from pydock.messages import is_terminal, printable, say, terminal_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from invoke import Context

    from pydock.packages.change import Packages
    from pydock.packages.pins import Changes
    from pydock.packages.requirements import Line

# What a base image may have already, older than the newest release: an installation would leave it.
IN_BASE_IMAGES = {"pip", "setuptools", "wheel"}
SETTINGS = ("installer", "build_options", "ca_bundle", "pip_config", "netrc")


@command(
    positional=["name", "packages"],
    completes={"packages": PROJECT},
    help={
        **NAME_HELP,
        "packages": "requirement specifiers, for example pandas 'scipy>=1.11', or a project of yours: . or './libs/foo[dev]'",
        "requirement": "a requirements file to install; may be given several times",
        "constraint": "a file of version bounds; may be given several times",
        "editable": "a project of yours to link, with extras: . or '.[dev]'; may be given several times",
        "system": "packages of Debian or Alpine, separated by commas; they are installed first",
        "upgrade": "also update the named packages that are installed already, as `pydock update` does",
    },
    rest=PACKAGES,
    short={"requirement": "-r", "constraint": "-c", "editable": "-e", "upgrade": "-U"},
    repeatable=["requirement", "constraint", "editable", "system"],
    metavars={"requirement": "FILE", "constraint": "FILE", "editable": "PATH", "system": "PACKAGES"},
    examples=[
        "install ds pandas 'scipy>=1.11'",
        "install ds -r requirements.txt",
        "install ds -e '.[test]'",
        "install ds .",
        "install ds -U pandas",
        "install ds --system build-essential,libpq-dev psycopg2",
    ],
    settings=SETTINGS,
)
def install(
    c: Context,
    name: str,
    packages: str | None = None,
    requirement: Sequence[str] | None = None,
    constraint: Sequence[str] | None = None,
    editable: Sequence[str] | None = None,
    upgrade: bool = False,
    system: Sequence[str] | None = None,
) -> None:
    """Install packages into an environment and record them."""
    install_packages(
        Session(c),
        name,
        packages or "",
        requirement or (),
        constraint or (),
        editable or (),
        system or (),
        upgrade=upgrade,
    )


def install_packages(
    session: Session,
    name: str,
    packages: str,
    requirement: Sequence[str],
    constraint: Sequence[str],
    editable: Sequence[str],
    system: Sequence[str] = (),
    options: Sequence[Line] = (),
    *,
    upgrade: bool = False,
) -> None:
    """Install what was asked for, and report it; `options` are lines of a requirements file that have no package."""
    from pydock.packages import requirement_files, requirements

    words = _words(packages)
    if words or not (requirement or editable or system):
        refuse_unless_environment(session.settings, "install", name, words)
    refuse_requirements_file(name, words)
    lines = requirement_files.parse_packages(packages)
    lines += requirement_files.parse_files(requirement, constraint)
    lines += requirement_files.parse_editable(editable)
    lines += options
    system_packages = split_words(system) if system else []
    if not (requirement or system) and not requirements.names(lines):
        raise errors.UsageError(
            f"No packages given. Run for example `pydock install {name} pandas`, or use --requirement FILE."
        )
    older: list[str] = []
    with locked_packages(session, name) as contents:
        if upgrade:
            there = contents.installed_names() | IN_BASE_IMAGES
            older = [wanted for wanted in requirements.names(lines) if wanted in there]
        if system or not older or not contents.has_requested(lines):
            changes = contents.install(lines, system_packages)
            added = contents.added_system_packages()
            if added:
                session.say_done(f"Installed system packages: {', '.join(added)}.")
            if lines or not added:
                _report(session, name, changes, requirements.names(lines))
    if older:
        with locked_packages(session, name) as contents:
            _report(session, name, contents.update(list(dict.fromkeys(older))), older)


@command(
    positional=["name", "packages"],
    help={**NAME_HELP, "packages": "package names"},
    rest=PACKAGES,
    examples=["uninstall ds scipy"],
    settings=SETTINGS,
)
def uninstall(c: Context, name: str, packages: str) -> None:
    """Remove packages, and dependencies that nothing else needs."""
    from pydock.packages.requirements import package_names

    session = Session(c)
    refuse_unless_environment(session.settings, "uninstall", name, _words(packages))
    names = package_names(packages)
    if not names:
        raise errors.UsageError(f"No packages given. Run for example `pydock uninstall {name} pandas`.")
    uninstall_packages(session, name, names)


def uninstall_packages(session: Session, name: str, names: Sequence[str]) -> None:
    """Remove packages, given by their canonical names, and report it."""
    with locked_packages(session, name) as contents:
        _report(session, name, contents.uninstall(names))


@command(
    positional=["name", "packages"],
    help={**NAME_HELP, "packages": "package names; all packages if none are given"},
    rest=PACKAGES,
    examples=["update ds", "update ds pandas"],
    settings=SETTINGS,
)
def update(c: Context, name: str, packages: str | None = None) -> None:
    """Update packages, or all, as far as requirements.in allows."""
    from pydock.packages.requirements import package_names

    session = Session(c)
    refuse_unless_environment(session.settings, "update", name, _words(packages))
    names = package_names(packages or "")
    with locked_packages(session, name) as contents:
        _report(session, name, contents.update(names))


def _words(packages: str | None) -> list[str]:
    """Return what was given as packages, as words: one in a line by `pydock`, one text by `inv`."""
    text = packages or ""
    return text.splitlines() if "\n" in text else text.split()


@contextlib.contextmanager
def locked_packages(session: Session, name: str) -> Iterator[Packages]:
    """Lock the environment's folder and yield its packages."""
    from pydock.packages.change import Packages

    environment = session.environment(name)
    with files.locked(environment.folder):
        files.check_can_write(environment.folder)
        yield Packages(session.engine, session.images, session.settings, environment)
        if not session.engine.dry:
            registry.remember(environment)
        session.renew_facade(environment)


def _report(session: Session, name: str, changes: Changes, requested: Sequence[str] = ()) -> None:
    """Print what changed, on stdout; on a terminal, one line about it."""
    if changes.added or changes.removed:
        on_terminal = is_terminal(sys.stderr)
        if not (on_terminal and is_terminal(sys.stdout)):
            print(printable(str(changes)))
        if on_terminal:
            say(changes.summary(requested, time.monotonic() - session.started, terminal_columns()))
        _name_running(session, name)
    elif changes.requests_changed:
        session.say_done(f"No package of '{name}' changed; {REQUIREMENTS_IN} was updated.")
    else:
        session.say_done(f"Nothing to change in '{name}'.")


def _name_running(session: Session, name: str) -> None:
    """Name the containers that run since before the change, and do not see it."""
    from pydock.engine.running import containers_before

    with contextlib.suppress(
        errors.PydockError
    ):  # the packages were changed, whatever the engine answers now
        found = containers_before(session.engine, session.environment(name))
        if found:
            say(f"Still running with the previous packages: {', '.join(found)}. New runs have the new ones.")
