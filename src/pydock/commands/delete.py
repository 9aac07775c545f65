"""`pydock delete`."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from pydock import errors
from pydock.commands.command import NAME_HELP, command
from pydock.commands.down import stop_companions
from pydock.commands.expose import remove_from_path
from pydock.commands.session import Session
from pydock.engine import argv as docker
from pydock.engine.companions import companions_of
from pydock.engine.compose_cache import has_compose_file
from pydock.engine.data import home_volume
from pydock.engine.warm import end_idle
from pydock.environments import files, origin, registry
from pydock.environments.environment import environments_folder
from pydock.messages import confirm, say, set_outcome

if TYPE_CHECKING:
    from invoke import Context

    from pydock.environments.environment import Environment


@command(
    positional=["name"],
    aliases=["rm", "remove"],
    help={
        **NAME_HELP,
        "yes": "do not ask for confirmation",
        "volume": "also delete the volume with the home folder (setting `home_volume`)",
    },
    short={"yes": "-y"},
    examples=["delete ds", "delete ds --yes"],
)
def delete(c: Context, name: str, yes: bool = False, volume: bool = False) -> None:
    """Delete an environment: its image and its folder.

    If the folder is a symbolic link, only the link is removed, and not the folder that it leads to. A volume with the
    environment's home folder is deleted only with --volume, or if you agree when asked.
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
    home = "" if link else _home_to_delete(session, environment, yes=yes, volume=volume)
    # The images first: a folder without an image can be built again, an image without a folder is a leftover.
    with files.locked(environment.folder):
        if not link:
            files.check_can_remove(environment.folder)
        end_idle(session.engine, environment)  # first, because it is in the services' network
        if not link and has_compose_file(environment):
            stop_companions(session, environment)
        session.images.remove_all(environment)
        if home:
            session.engine.modify(docker.remove_volume(session.engine.client, home))
        if not session.engine.dry:
            set_outcome(f"the image was deleted, {link or environment.folder} was not; run the command again")
            origin.forget(environment)
            if link:
                files.remove_link(link)
            else:
                files.remove_folder(environment.folder)
                registry.forget(environment.identity)
            remove_from_path(environment)
    session.say_done(f"Deleted environment '{name}'.")


def _home_to_delete(session: Session, environment: Environment, *, yes: bool, volume: bool) -> str:
    """Return the volume to delete; "" if there is none, or if it stays. It is the user's data, so `--yes` is not enough."""
    name = home_volume(environment)
    if not session.engine.query_found(docker.volume_exists(session.engine.client, name)).strip():
        return ""
    stays = f"The volume {name} with the home folder stays; `docker volume rm {name}` removes it."
    if not (volume or yes or session.engine.dry):
        with contextlib.suppress(errors.NotConfirmed):
            confirm(f"Delete the volume {name} with the home folder too?", yes=False)
            volume = True
    if not volume:
        say(stays)
    return name if volume else ""


def _services(session: Session, environment: Environment) -> str:
    """Return words for the services that are deleted too; "" if there are none."""
    if not has_compose_file(environment):
        return ""
    found = companions_of(session.engine, folder=os.path.realpath(environment.folder))
    names = sorted({one.service for one in found})
    return f"the services {', '.join(names)} (their volumes stay), " if names else ""
