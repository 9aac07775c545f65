"""`pydock down`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pydock.commands.command import NAME_HELP, command
from pydock.commands.session import Session
from pydock.engine.companions import companions_of, stop
from pydock.engine.warm import end_idle

if TYPE_CHECKING:
    from invoke import Context

    from pydock.environments.environment import Environment


@command(positional=["name"], help=NAME_HELP, examples=["down ds"])
def down(c: Context, name: str) -> None:
    """Stop and remove what `up` has started.

    The services beside the environment, and the container that waits for programs, also one that the setting `keep` has left.
    Volumes, and the data in them, stay. A program that still runs in the container is not ended.
    """
    session = Session(c)
    environment = session.environment(name)
    was_warm = end_idle(session.engine, environment)  # first, because it is in the services' network
    stopped = stop_companions(session, environment)
    if was_warm:
        stopped.append("the container that waited for programs")
    session.say_done(f"Removed {', '.join(stopped)}." if stopped else f"Nothing of '{name}' is up.")


def stop_companions(session: Session, environment: Environment) -> list[str]:
    """Stop and remove the services of an environment; return their names. Needs no docker-compose.yml."""
    found = companions_of(session.engine, folder=os.path.realpath(environment.folder))
    stop(session.engine, environment, sorted({one.project for one in found}))
    return sorted({one.service for one in found})
