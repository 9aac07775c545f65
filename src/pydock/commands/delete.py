"""`pydock delete`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pydock.commands.command import NAME_HELP, command
from pydock.commands.down import stop_companions
from pydock.commands.session import Session
from pydock.engine.companions import companions_of
from pydock.engine.compose_cache import has_compose_file
from pydock.environments import files, origin, registry
from pydock.environments.environment import environments_folder
from pydock.messages import confirm, set_outcome

if TYPE_CHECKING:
    from invoke import Context

    from pydock.environments.environment import Environment


@command(
    positional=["name"],
    aliases=["rm", "remove"],
    help={**NAME_HELP, "yes": "do not ask for confirmation"},
    short={"yes": "-y"},
    examples=["delete ds", "delete ds --yes"],
)
def delete(c: Context, name: str, yes: bool = False) -> None:
    """Delete an environment: its image and its folder.

    If the folder is a symbolic link, only the link is removed, and not the folder that it leads to.
    """
    session = Session(c)
    environment = session.environment(name)
    written = os.path.join(environments_folder(session.settings.home), name)
    link = written if os.path.islink(written) else ""
    if not session.engine.dry:
        what = (
            f"the link {link}? The folder {environment.folder} stays"
            if link
            else f"the folder {environment.folder}"
        )
        services = _services(session, environment)
        confirm(f"Delete {services}the image and {what}{'.' if link else '?'}", yes=yes)
    # The images first: a folder without an image can be built again, an image without a folder is a leftover.
    with files.locked(environment.folder):
        if not link:
            files.check_can_remove(environment.folder)
            if has_compose_file(environment):
                stop_companions(session, environment)
        session.images.remove_all(environment)
        if not session.engine.dry:
            set_outcome(f"the image was deleted, {link or environment.folder} was not; run the command again")
            origin.forget(environment)
            if link:
                files.remove_link(link)
            else:
                files.remove_folder(environment.folder)
                registry.forget(environment.identity)
    session.say_done(f"Deleted environment '{name}'.")


def _services(session: Session, environment: Environment) -> str:
    """Return words for the services that are deleted too; "" if there are none."""
    if not has_compose_file(environment):
        return ""
    found = companions_of(session.engine, folder=os.path.realpath(environment.folder))
    names = sorted({one.service for one in found})
    return f"the services {', '.join(names)} (their volumes stay), " if names else ""
