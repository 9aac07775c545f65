"""`pydock compose`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pydock import errors
from pydock.commands.command import NAME_HELP, command
from pydock.commands.session import Session
from pydock.engine.build_context import file_as_shell
from pydock.engine.companions import own_project_name
from pydock.engine.compose_cache import COMPOSE_FILE
from pydock.environments import files, origin
from pydock.environments.environment import describe_environment, new_folder
from pydock.exports.compose_file import Additions, extended_text, new_text, own_service_name, read_additions
from pydock.settings import project_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoke import Context

    from pydock.environments.environment import Environment


HELP = {
    "publish": "a port, as `docker run -p` takes it; without an address, only this machine can connect",
    "volume": "a folder or a volume of Docker, as `docker run -v` takes it",
    "env": "a variable: NAME=VALUE, or NAME for the value of whoever runs it",
    "service": "another service that runs beside the environment, such as a database",
}
METAVARS = {"service": "NAME=IMAGE", "env": "NAME=VALUE", "publish": "PORT", "volume": "SOURCE:TARGET"}


@command(
    positional=["name"],
    help={**NAME_HELP, **HELP},
    short={"publish": "-p", "volume": "-v", "env": "-e"},
    metavars=METAVARS,
    repeatable=[*HELP],
    examples=[
        "compose ds -p 8888:8888",
        "compose ds -v ./data:/data -e DEBUG=1",
        "compose ds --service db=postgres:16",
    ],
)
def compose(
    c: Context,
    name: str,
    publish: list[str] | None = None,
    volume: list[str] | None = None,
    env: list[str] | None = None,
    service: list[str] | None = None,
) -> None:
    """Write or extend docker-compose.yml: ports, volumes, services.

    `run` and `shell` honour the file, and so does `docker compose` without pydock. Values of variables are written into the file;
    for a password, give only the NAME.
    """
    session = Session(c)
    environment = session.environment(name)
    added = read_additions(
        publish or (),
        volume or (),
        env or (),
        service or (),
        folder=environment.folder,
        working_directory=session.folder,
    )
    with files.locked(environment.folder):
        before = _read(environment)
        after = _extended(session, environment, before, added)
        if after == before:
            session.say_done(f"{environment.path(COMPOSE_FILE)} has all of this already.")
            return
        if session.engine.dry:
            print(file_as_shell(environment.path(COMPOSE_FILE), after))
            return
        files.replace_in_one_step(environment.folder, COMPOSE_FILE, after)
        origin.is_own(
            session.settings, environment
        )  # remembers the edit now, because Git may touch the file later
    session.say_done(
        f"{'Changed' if before else 'Wrote'} {environment.path(COMPOSE_FILE)}."
        + (f" `pydock up {name}` starts the services." if added.services else "")
    )


def compose_text(
    session: Session,
    name: str,
    ports: Sequence[str],
    volumes: Sequence[str],
    variables: Sequence[str],
    services: Sequence[str],
) -> str:
    """Return the text of docker-compose.yml for an environment that is to be created, "" if it needs none.

    Raises `UsageError` for an invalid value.
    """
    if not (ports or volumes or variables or services):
        return ""
    folder = new_folder(session.settings.home, name)
    added = read_additions(
        ports, volumes, variables, services, folder=folder, working_directory=session.folder
    )
    return _extended(session, describe_environment(session.settings, name, folder), "", added)


def _read(environment: Environment) -> str:
    """Return the text of the file, "" if there is none."""
    path = environment.path(COMPOSE_FILE)
    if os.path.islink(path):
        raise errors.UnsafePath(
            f"{path} is a symbolic link. Replace it by a copy of the file. Nothing was changed."
        )
    try:
        return files.read_if_exists(path).decode()
    except UnicodeDecodeError as error:
        raise errors.BadCompose(f"{path} is not valid UTF-8: {error}. Nothing was changed.") from error


def _extended(session: Session, environment: Environment, before: str, added: Additions) -> str:
    if before:
        return extended_text(before, own_service_name(before, environment.name), added)
    ids = {"UID": environment.caller.uid, "GID": environment.caller.gid}
    return new_text(own_project_name(environment), ids, added, _project_mount(session, environment))


def _project_mount(session: Session, environment: Environment) -> tuple[str, str]:
    """Return the mount of a local environment's project, where `pydock run` mounts it too; a global one has none."""
    home = session.settings.home
    project = os.path.realpath(project_folder(home.folder))
    source = os.path.relpath(project, environment.folder)
    if home.mode != "local" or ":" in source:  # Compose splits paths at colons
        return "", ""
    name = os.path.basename(project) or "root"
    return ("", "") if ":" in name else (source, f"/home/{environment.caller.name}/{name}")
