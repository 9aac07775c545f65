"""`pydock up`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pydock import errors
from pydock.commands.command import NAME_HELP, command
from pydock.commands.run import compose_of
from pydock.commands.session import Session
from pydock.engine.compose_cache import has_compose_file

if TYPE_CHECKING:
    from invoke import Context

    from pydock.environments.environment import Environment


@command(positional=["name"], help=NAME_HELP, examples=["up ds"], settings=["run_options", "keep"])
def up(c: Context, name: str) -> None:
    """Start an environment's services and wait until they are ready, and keep a container ready for `run`.

    The services are those of its docker-compose.yml. A service that has a health check is ready when that succeeds.
    `run` then starts programs in the container that waits, many times faster; `run --fresh` does not. `down` ends all of it.
    """
    session = Session(c)
    environment = session.environment(name)
    if has_compose_file(environment):
        _start_services(session, environment)
    if not session.engine.dry:
        _take_up(session, environment)


def _start_services(session: Session, environment: Environment) -> None:
    from pydock.engine.companions import companions_of, start
    from pydock.engine.compose import check_trusted, read_project

    project = read_project(session.engine, session.settings, environment)
    check_trusted(session.settings, environment, project)
    try:
        start(session.engine, session.settings, environment, project)
    except errors.EngineError as error:
        if type(error) is errors.EngineError:  # Compose's own failure, such as an unhealthy service
            reason = error.message.partition(" failed with exit code ")[2].partition(": ")[2] or error.message
            error.message = (
                f"Not all services of '{environment.name}' are ready: {reason}\n`pydock logs {environment.name}` shows what they printed, and "
                f"`pydock down {environment.name}` removes them."
            )
        raise
    if session.engine.dry:
        return
    for found in companions_of(session.engine, folder=os.path.realpath(environment.folder)):
        session.say_done(f"{found.service}: {found.status}" + (f", {found.ports}" if found.ports else ""))


def _take_up(session: Session, environment: Environment) -> None:
    """Start the container that waits for programs, where there can be one."""
    from pydock.engine.warm import take_up

    name = environment.name
    if session.images.current(environment) is None:
        raise errors.ImageMissing(
            f"The image of environment '{name}' was not found. `pydock build {name}` builds it."
        )
    compose = compose_of(session, session.settings, environment)
    if take_up(session.settings, environment, environment.content_tag(), compose):
        session.say_done(f"Environment '{name}' is ready. `pydock down {name}` ends it.")
    else:
        session.say_done(
            f"Every run of '{name}' has a container of its own: it publishes a port, or the engine is elsewhere."
        )
