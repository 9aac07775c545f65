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
        "follow": "keep printing new output, until Ctrl-C",
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
        known = f" Started: {', '.join(services)}." if services else ""
        raise errors.UsageError(
            f"Service '{service}' of '{name}' not found.{known} `pydock up {name}` starts all services."
        )
    if not found:
        say(f"No services of '{name}' were started. `pydock up {name}` starts them.")
        return
    with compose_required():
        session.engine.query(docker.compose_version(session.engine.client))
    projects = sorted({one.project for one in found if not service or one.service == service})
    for project in projects:
        words = ["--ansi", "never", "logs", "--no-color"]
        # The file may have had another `name:` before. What is left of that prints nothing more.
        words += ["--follow"] if follow and project == projects[-1] else []
        words += [service] if service else []
        code = session.engine.show(docker.compose(session.engine.client, project, words))
        if code:
            raise Exit(code=code)
