"""`pydock pip`: pip's command line, for those who type it from habit, and for programs that do."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from pydock import errors
from pydock.commands.change_packages import SETTINGS, install_packages, uninstall_packages
from pydock.commands.command import NAME_HELP, Rest, command
from pydock.commands.list_packages import read_packages, show_packages
from pydock.commands.mistakes import refuse_unless_environment
from pydock.commands.run import run_words
from pydock.commands.session import Session
from pydock.engine import argv as docker
from pydock.messages import call_of_user, say, shell_words, warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoke import Context

ARGUMENTS = Rest("arguments", shlex.join, verbatim=True)
NO_PIP = 86  # our exit code in the container, which pip does not have
# One process if there is a `python`: a failed import tells that the image has no pip.
PROGRAM = (
    "import sys\n"
    "try: import pip\n"
    f"except ImportError: sys.exit({NO_PIP})\n"
    "import runpy; runpy.run_module('pip', run_name='__main__', alter_sys=True)"
)
SCRIPT = 'python=$(command -v python || command -v python3) || exit 86; exec "$python" -c "$0" "$@"'
WRITES_CONFIGURATION = {"set", "unset", "edit"}


@command(
    positional=["name", "arguments"],
    help={**NAME_HELP, "arguments": "what you would type after `pip`, as it is"},
    rest=ARGUMENTS,
    examples=[
        "pip ds install pandas",
        "pip ds install -r requirements.txt",
        "pip ds list --outdated",
        "pip ds uninstall -y pandas",
    ],
    settings=SETTINGS,
)
def pip(c: Context, name: str, arguments: str | None = None) -> None:
    """Run pip; `install` and `uninstall` change the environment.

    `pip install` does what `pydock install` does, `pip uninstall` what `pydock uninstall` does, without asking. Everything
    else is done by the pip of the environment, in a container. Options that an environment cannot honour are refused.
    """
    try:
        words = shlex.split(arguments or "")
    except ValueError as error:
        raise errors.UsageError(f"Invalid arguments: {error}. Check the quotes.") from error
    from pydock.packages import pip_call

    session = Session(c)
    _refuse_missing_name(session, name, words)
    command, others = pip_call.command_of(words)
    if command == "install" and not pip_call.is_for_pip_itself(others):
        _install(session, name, others)
    elif command == "uninstall" and not pip_call.is_for_pip_itself(others):
        _uninstall(session, name, others)
    elif command == "config" and WRITES_CONFIGURATION & {*others}:
        raise errors.UsageError(
            "pip's configuration in a container is lost with it. Runs and builds get that of this machine: change it with "
            f"`{shlex.join(['pip', *words])}` outside, or edit ~/.config/pip/pip.conf."
        )
    else:
        _run_pip(c, session, name, words, command)


def _refuse_missing_name(session: Session, name: str, words: Sequence[str]) -> None:
    """Raise an error for `pydock pip install pandas`, and for a name that no environment has."""
    from pydock.packages import pip_call

    if name in pip_call.COMMANDS:
        try:
            session.environment(name)
        except errors.PydockError as error:
            raise errors.UsageError(
                f"The environment's name is missing: `pydock pip NAME {shlex.join([name, *words])}`."
            ) from error
    refuse_unless_environment(session.settings, "pip", name, words)
    session.environment(name)


def _install(session: Session, name: str, words: Sequence[str]) -> None:
    from pydock.packages import pip_call
    from pydock.packages.requirement_files import parse_options

    asked = pip_call.read_install(words, name)
    if not (asked.packages or asked.requirement or asked.editable):
        raise errors.PydockError(
            f"You must give at least one requirement to install, for example `pydock install {name} pandas`."
        )
    options = parse_options(asked.options)
    call = ["install", name, *(["-U"] if asked.upgrade else [])]
    for letter, values in (("-r", asked.requirement), ("-c", asked.constraint), ("-e", asked.editable)):
        for value in values:
            call += [letter, value]
    recorded = ", ".join(line.text for line in options)
    also = f" It records in requirements.in, for all packages: {recorded}." if recorded else ""
    say(f"`pip install` is `{call_of_user()}{shell_words([*call, *asked.packages])}` here.{also}")
    if asked.not_heeded:
        warn(f"Ignored, because builds have no such option: {', '.join(asked.not_heeded)}.")
    install_packages(
        session,
        name,
        packages="".join(f"{word}\n" for word in asked.packages),
        requirement=asked.requirement,
        constraint=asked.constraint,
        editable=asked.editable,
        upgrade=asked.upgrade,
        options=options,
    )


def _uninstall(session: Session, name: str, words: Sequence[str]) -> None:
    from pydock.packages import pip_call
    from pydock.packages.requirement_files import parse_files
    from pydock.packages.requirements import names, package_names

    asked = pip_call.read_uninstall(words, name)
    wanted = [*package_names(asked.packages), *names(parse_files(asked.requirement))]
    if not wanted:
        raise errors.PydockError(
            f"You must give at least one requirement to uninstall, for example `pydock uninstall {name} pandas`."
        )
    packages, missing = read_packages(session.environment(name))
    known = {package.name for package in packages} | {*missing}
    found = [package for package in dict.fromkeys(wanted) if package in known]
    if found:
        say(f"`pip uninstall` is `{call_of_user()}{shell_words(['uninstall', name, *found])}` here.")
    for package in dict.fromkeys(wanted):
        if package not in known:
            warn(f"Skipping {package} as it is not installed.")  # pip's words, and its exit code 0
    if found:
        uninstall_packages(session, name, found)


def _run_pip(c: Context, session: Session, name: str, words: Sequence[str], command: str) -> None:
    """Run the environment's own pip, and exit with its exit code; without one, pydock answers what it knows."""
    environment = session.environment(name)
    if run_words(session, environment, [docker.SHELL, "-c", SCRIPT, PROGRAM, *words], NO_PIP) == 0:
        return
    if command in {"list", "freeze"} and not {"--outdated", "-o"} & {*words}:
        show_packages(c, name, format="freeze" if command == "freeze" else _format_of(words))
    elif command == "show":
        _show(session, name, words)
    else:
        raise errors.PydockError(
            f"The image of '{name}' has no pip. `pydock install {name} pip` installs it; `pydock packages {name}` lists the "
            "installed packages without it."
        )


def _format_of(words: Sequence[str]) -> str:
    """Return the value of `--format`, `columns` if it has none."""
    for word, following in zip(words, [*words[1:], ""]):
        if word == "--format":
            return following
        if word.startswith("--format="):
            return word.partition("=")[2]
    return "columns"


def _show(session: Session, name: str, words: Sequence[str]) -> None:
    """Print what pydock knows of packages, in the words of `pip show`."""
    from pydock.packages.pip_call import command_of
    from pydock.packages.requirements import package_names

    packages, _ = read_packages(session.environment(name))
    known = {package.name: package for package in packages}
    wanted = package_names([word for word in command_of(words)[1] if not word.startswith("-")])
    shown = [
        f"Name: {package}\nVersion: {known[package].version or ''}" for package in wanted if package in known
    ]
    missing = ", ".join(package for package in wanted if package not in known)
    if not shown:
        raise errors.PydockError(f"Package(s) not found: {missing}")
    if missing:
        warn(f"Package(s) not found: {missing}")
    print("\n---\n".join(shown))
