"""`pydock logs`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pydock import errors
from pydock.commands.command import NAME_HELP, command
from pydock.commands.session import Session
from pydock.engine import argv as docker
from pydock.engine.companions import companions_of, compose_required
from pydock.messages import say

if TYPE_CHECKING:
    from invoke import Context


@command(
    positional=["name", "service"],
    help={**NAME_HELP, "service": "one service; all if none is given"},
    examples=["logs ds", "logs ds db"],
)
def logs(c: Context, name: str, service: str = "") -> None:
    """Print what the services beside an environment have printed."""
    session = Session(c)
    environment = session.environment(name)
    found = companions_of(session.engine, folder=os.path.realpath(environment.folder))
    services = sorted({one.service for one in found})
    if service and service not in services:
        known = f" There {'is' if len(services) == 1 else 'are'} {', '.join(services)}." if services else ""
        raise errors.UsageError(
            f"No service '{service}' of '{name}' is there.{known} `pydock up {name}` starts all."
        )
    if not found:
        say(f"No services of '{name}' are there. `pydock up {name}` starts them.")
    for project in sorted({one.project for one in found}):
        words = ["--ansi", "never", "logs", "--no-color", *([service] if service else [])]
        with compose_required():
            print(session.engine.query(docker.compose(session.engine.client, project, words)), end="")
