"""`pydock logs`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from invoke import Exit

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
    help={
        **NAME_HELP,
        "service": "one service; all if none is given",
        "follow": "go on with what they print from now on, until Ctrl-C",
    },
    short={"follow": "-f"},
    examples=["logs ds", "logs --follow ds db"],
)
def logs(c: Context, name: str, service: str = "", follow: bool = False) -> None:
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
    if found:
        with compose_required():
            session.engine.query(docker.compose_version(session.engine.client))
    projects = sorted({one.project for one in found if not service or one.service == service})
    options = ["--ansi", "never"]
    for project in projects:
        # The file may have had another name before. What is left of that prints nothing more.
        words = ["logs", "--no-color", *(["--follow"] if follow and project == projects[-1] else [])]
        argv = docker.compose(
            session.engine.client, project, [*options, *words, *([service] if service else [])]
        )
        code = session.engine.show(argv)
        if code:
            raise Exit(code=code)
