"""`pydock expose`."""

from __future__ import annotations

import os
from json import dumps
from typing import TYPE_CHECKING

from pydock import errors
from pydock.commands.command import Rest, command
from pydock.commands.list_packages import read_packages
from pydock.commands.run import image_to_run
from pydock.commands.session import Session
from pydock.engine.python_description import PYTHON, RESERVED, describe_python
from pydock.environments.facade import facade_of, remove_tree
from pydock.exports import exposed
from pydock.messages import aligned, redacted, say, terminal_width, warn
from pydock.settings import find_user_home

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoke import Context

    from pydock.engine.python_description import Description
    from pydock.environments.environment import Environment

COMMANDS = Rest("commands", "\n".join)


@command(
    positional=["name", "commands"],
    help={
        "name": "the environment's name",
        "commands": "commands of its packages (default: all of the packages that you have installed by name)",
        "to": "the folder (default: ~/.local/bin)",
        "list": "list what is in the folder; with a NAME, of this environment",
        "remove": "remove these commands, or all of the environment",
        "json": "with --list: print JSON",
    },
    rest=COMMANDS,
    metavars={"to": "FOLDER"},
    examples=["expose tools ruff httpie", "expose tools", "expose --list", "expose tools --remove"],
    settings=["keep", "pass_env", "mount"],
)
def expose(
    c: Context,
    name: str | None = None,
    commands: str | None = None,
    to: str = "",
    list: bool = False,  # noqa: A002 - the option's name
    remove: bool = False,
    json: bool = False,
) -> None:
    """Put commands of an environment into a folder on PATH, for good."""
    session = Session(c)
    folder = (
        os.path.normpath(os.path.join(session.folder, os.path.expanduser(to))) if to else default_folder()
    )
    words = (commands or "").split()
    if list:
        _list(session, name, folder, json=json)
        return
    if not name:
        raise errors.UsageError("An environment is required, for example `pydock expose tools ruff`.")
    environment = session.environment(name)
    if remove:
        _remove(session, environment, words, folder)
        return
    _refuse_reserved(session, words)
    description = describe_python(session.engine, environment, image_to_run(session, environment))
    chosen = words or _commands_of_requested(environment, description)
    missing = [word for word in words if word not in description.scripts and not PYTHON.fullmatch(word)]
    if missing:
        known = ", ".join(description.scripts) or "none"
        raise errors.PydockError(
            f"Command '{missing[0]}' not found in environment '{name}'. Its packages have: {known}. Nothing was written."
        )
    if not chosen:
        raise errors.PydockError(
            f"The packages of environment '{name}' have no commands. Nothing was written. `pydock install {name} PACKAGE` "
            "installs one that has."
        )
    if session.engine.dry:
        for word in chosen:
            say(f"{os.path.join(folder, word)} would be written.")
        return
    exposed.expose(environment, session.settings.home, description, chosen, folder)
    say(f"Exposed in {folder}: {', '.join(chosen)}.")
    if folder not in os.environ.get("PATH", "").split(":"):
        warn(f'{folder} is not on PATH. Add it in your shell\'s startup file: export PATH="{folder}:$PATH"')


def _refuse_reserved(session: Session, words: Sequence[str]) -> None:
    """Raise `UsageError` for a name that pydock or the engine's client has: pydock would start itself without end."""
    engine = {os.path.basename(word) for word in session.settings.engine}
    for word in words:
        if word in engine or (RESERVED.fullmatch(word) and not PYTHON.fullmatch(word)):
            raise errors.UsageError(
                f"'{word}' cannot be exposed, because that name has a meaning on this machine. Nothing was written."
            )


def default_folder() -> str:
    """Return the folder for a user's own programs: https://www.freedesktop.org/software/systemd/man/latest/file-hierarchy.html."""
    home = find_user_home(os.environ)
    if not home:
        raise errors.UsageError("HOME is not set, so there is no ~/.local/bin. Use --to FOLDER.")
    return os.path.join(home, ".local", "bin")


def remove_from_path(environment: Environment) -> list[str]:
    """Remove what `activate` and `expose` have put on PATH; return the commands that were exposed in the default folder."""
    try:
        facade, folder = facade_of(environment), default_folder()
    except errors.UsageError:  # a user without a home folder has neither
        return []
    remove_tree(facade.owner)
    own = [one for one in exposed.exposed_in(folder) if one.identity == environment.identity]
    exposed.remove(own)
    return [one.command for one in own]


def _commands_of_requested(environment: Environment, description: Description) -> Sequence[str]:
    packages, _ = read_packages(environment)
    requested = {package.name for package in packages if package.requested}
    return [name for name, script in description.scripts.items() if script.package in requested]


def _list(session: Session, name: str | None, folder: str, *, json: bool) -> None:
    found = exposed.exposed_in(folder)
    if name:
        identity = session.environment(name).identity
        found = [one for one in found if one.identity == identity]
    if json:
        print(redacted(dumps([one._asdict() for one in found], indent=2)))
    elif found:
        rows = [[one.command, one.environment, one.folder] for one in found]
        print(redacted(aligned([["COMMAND", "ENVIRONMENT", "PROJECT"], *rows], terminal_width())))
    else:
        say(f"No commands of environments in {folder}.")


def _remove(session: Session, environment: Environment, words: Sequence[str], folder: str) -> None:
    own = {one.command: one for one in exposed.exposed_in(folder) if one.identity == environment.identity}
    missing = [word for word in words if word not in own]
    if missing:
        raise errors.PydockError(
            f"{os.path.join(folder, missing[0])} is not a command of environment '{environment.name}'. Nothing was removed. "
            "`pydock expose --list` lists them."
        )
    chosen = [own[word] for word in words or own]
    if session.engine.dry:
        for one in chosen:
            say(f"{one.path} would be removed.")
        return
    exposed.remove(chosen)
    say(f"Removed from {folder}: {', '.join(one.command for one in chosen) or 'nothing'}.")
