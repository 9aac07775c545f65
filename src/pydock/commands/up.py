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
    """Start services of an environment, and make `run` fast.

    The services are those of its docker-compose.yml (`pydock compose NAME --service NAME=IMAGE` adds one). A service that has a
    health check is ready when that succeeds. `run` then starts programs in the container that waits, many times faster; `run
    --fresh` does not. `down` ends all of it.
    """
    session = Session(c)
    environment = session.environment(name)
    has_services = has_compose_file(environment) and _start_services(session, environment)
    if not session.engine.dry:
        _take_up(session, environment, has_services=has_services)


def _start_services(session: Session, environment: Environment) -> bool:
    """Start the services; return whether there are any."""
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
        return True
    for found in companions_of(session.engine, folder=os.path.realpath(environment.folder)):
        session.say_done(f"{found.service}: {found.status}" + (f", {found.ports}" if found.ports else ""))
    return bool(project.companions)


def _take_up(session: Session, environment: Environment, *, has_services: bool) -> None:
    """Start the container that waits for programs, where there can be one."""
    from pydock.engine.warm import take_up

    name = environment.name
    if session.images.current(environment) is None:
        if has_services:  # which are of use without it
            return
        raise errors.ImageMissing(
            f"The image of environment '{name}' was not found. `pydock build {name}` builds it."
        )
    compose = compose_of(session, session.settings, environment)
    if take_up(session.settings, environment, environment.content_tag(), compose):
        session.say_done(f"Environment '{name}' is ready. `pydock down {name}` ends it.")
    elif not has_services:
        session.say_done(
            f"Every run of '{name}' has a container of its own: it publishes a port, or the engine is elsewhere."
        )
