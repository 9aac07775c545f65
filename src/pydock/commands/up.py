"""`pydock up`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pydock import errors
from pydock.commands.command import NAME_HELP, command
from pydock.commands.session import Session
from pydock.engine.compose_cache import COMPOSE_FILE, has_compose_file

if TYPE_CHECKING:
    from invoke import Context


@command(positional=["name"], help=NAME_HELP, examples=["up ds"])
def up(c: Context, name: str) -> None:
    """Start an environment's services and wait until they are ready.

    The services are those of its docker-compose.yml. A service that has a health check is ready when that succeeds.
    """
    from pydock.engine.companions import companions_of, start
    from pydock.engine.compose import check_trusted, read_project

    session = Session(c)
    environment = session.environment(name)
    if not has_compose_file(environment):
        session.say_done(
            f"Environment '{name}' has no {COMPOSE_FILE}, so it has no services. `pydock compose {name} --service NAME=IMAGE` "
            "adds one, for example db=postgres:16."
        )
        return
    project = read_project(session.engine, session.settings, environment)
    check_trusted(session.settings, environment, project)
    try:
        start(session.engine, session.settings, environment, project)
    except errors.EngineError as error:
        if type(error) is errors.EngineError:  # Compose's own failure, such as an unhealthy service
            reason = error.message.partition(" failed with exit code ")[2].partition(": ")[2] or error.message
            error.message = (
                f"Not all services of '{name}' are ready: {reason}\n`pydock logs {name}` shows what they printed, and "
                f"`pydock down {name}` removes them."
            )
        raise
    if session.engine.dry:
        return
    if not project.companions:
        session.say_done(f"{environment.path(COMPOSE_FILE)} has no services beside the environment.")
        return
    for found in companions_of(session.engine, folder=os.path.realpath(environment.folder)):
        session.say_done(f"{found.service}: {found.status}" + (f", {found.ports}" if found.ports else ""))
