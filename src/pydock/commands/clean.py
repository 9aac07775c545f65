"""`pydock clean`."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from pydock import errors
from pydock.commands.command import command
from pydock.commands.session import Session
from pydock.engine import leftovers
from pydock.environments import files, origin, registry, scripts
from pydock.environments.environment import find_environment
from pydock.messages import confirm, say, set_outcome, warn

if TYPE_CHECKING:
    from invoke import Context

    from pydock.settings import Home


@command(
    help={"yes": "do not ask for confirmation"}, short={"yes": "-y"}, examples=["clean --dry", "clean --yes"]
)
def clean(c: Context, yes: bool = False) -> None:
    """Remove images of deleted environments, and other leftovers.

    Also the environments of scripts (`pydock run script.py`) that were not used for 14 days.
    """
    session = Session(c)
    found = leftovers.find_leftovers(session.engine, session.images)
    home, unused = None, []
    with contextlib.suppress(errors.UsageError):  # a user without a home folder has no scripts' environments
        home = scripts.script_home(os.environ)
        unused = scripts.unused_environments(home, time.time())
    if not found and not unused:
        leftovers.remove(session.engine, found)
        say("Nothing to clean.")
        return
    for tag in found.tags:
        say(f"image {tag}")
    for name in found.containers:
        say(f"container {name}")
    for container in found.warm:
        say(f"container {container.name}, which waits for programs of a deleted environment")
    for name in unused:
        say(f"environment {name} of a script, not used for 14 days")
    if not session.engine.dry:
        confirm("Remove these?", yes=yes)
        set_outcome("some of it may be removed; run the command again")
    leftovers.remove(session.engine, found)
    removed = [name for name in unused if home and _remove_script_environment(session, home, name)]
    session.say_done(f"Removed {len(found.tags) + len(found.containers) + len(found.warm) + len(removed)}.")


def _remove_script_environment(session: Session, home: Home, name: str) -> bool:
    """Remove image and folder; return whether they were removed: not if a script began to use them meanwhile."""
    try:
        environment = find_environment(session.settings._replace(home=home), name)
        with files.locked(environment.folder):
            if name not in scripts.unused_environments(home, time.time()):
                return False
            session.images.remove_all(environment)
            if not session.engine.dry:
                origin.forget(environment)
                files.remove_folder(environment.folder)
                registry.forget(environment.identity)
                scripts.forget(home, name)
    except (errors.EnvironmentNotFound, errors.ImageInUse) as error:
        warn(error.message)
        return False
    return True
