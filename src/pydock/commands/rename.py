"""`pydock rename`."""

from __future__ import annotations

import contextlib
import os
import shlex
from typing import TYPE_CHECKING

from pydock import errors
from pydock.commands.command import command
from pydock.commands.copy import copy_records, refuse_existing
from pydock.commands.expose import remove_from_path
from pydock.commands.session import Session
from pydock.engine import argv as docker
from pydock.engine.companions import companions_of
from pydock.engine.data import home_volume
from pydock.engine.warm import end_idle
from pydock.environments import files, origin, registry
from pydock.environments.environment import describe_environment, environments_folder, new_folder
from pydock.environments.names import check_name
from pydock.environments.signals import signals_deferred
from pydock.messages import say, set_outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoke import Context

    from pydock.environments.environment import Environment


@command(
    positional=["name", "new_name"],
    help={"name": "the environment's name", "new_name": "its new name"},
    metavars={"new_name": "NEW_NAME"},
    examples=["rename ds datascience"],
)
def rename(c: Context, name: str, new_name: str) -> None:
    """Give an environment another name; nothing is built.

    Its services must be down. Programs that run in it go on. Compose's volumes stay attached, because docker-compose.yml keeps its
    project name. A volume with its home folder (setting `home_volume`) stays under the old name, and is named.
    """
    session = Session(c)
    environment = session.environment(name)
    folder = new_folder(session.settings.home, check_name(new_name))
    _check(session, environment, folder, new_name)
    renamed = describe_environment(session.settings, new_name, folder)
    with files.locked(environment.folder), contextlib.ExitStack() as stack:
        if session.engine.dry:
            print(f"mv {shlex.quote(environment.folder)} {shlex.quote(folder)}")
            tags = _tag_as(session, environment, renamed)
            session.engine.modify(docker.remove_images(session.engine.client, tags))
            return
        end_idle(session.engine, environment)
        with files.locked_new(folder, renamed_from=name):
            # What is prepared here harms nobody after a kill: `pydock clean` removes images and records without a folder.
            registry.remember(renamed)
            tags = _tag_as(session, environment, renamed)
            is_own = origin.is_own(session.settings, environment)
            as_now = renamed._replace(folder=environment.folder)
            copy_records(session.settings, environment, as_now, is_own=is_own)
            stack.enter_context(signals_deferred())  # the end of this block is the commit
        set_outcome(f"the environment has the name '{new_name}'")
        session.images.remove(tags)
        registry.forget(environment.identity)
        origin.forget(environment)
        commands = remove_from_path(environment)
    session.say_done(f"Renamed environment '{name}' to '{new_name}'.")
    if commands:
        say(
            f"Its commands are not exposed any more. `pydock expose {new_name} {' '.join(commands)}` exposes them again."
        )
    _name_volume(session, environment, renamed)


def _check(session: Session, environment: Environment, folder: str, new_name: str) -> None:
    """Raise an error if the environment cannot be renamed now."""
    refuse_existing(folder, new_name)
    written = os.path.join(environments_folder(session.settings.home), environment.name)
    if os.path.islink(written):
        raise errors.UnsafePath(
            f"{written} is a symbolic link to {environment.folder}. Rename the link yourself (`mv`), and run "
            f"`pydock build {new_name}`."
        )
    found = companions_of(session.engine, folder=os.path.realpath(environment.folder))
    if found:
        names = ", ".join(sorted({one.service for one in found}))
        raise errors.PydockError(
            f"The services of '{environment.name}' are up ({names}), and Compose finds them by the folder's name. Run "
            f"`pydock down {environment.name}` first; volumes stay. Nothing was changed."
        )


def _tag_as(session: Session, environment: Environment, renamed: Environment) -> Sequence[str]:
    """Give every image of the environment the tag that it has under the new name; return the old tags."""
    tags = [tag for tag in session.images.tags(environment) if environment.is_content_tag(tag)]
    for tag in tags:
        _, _, ending = tag.rpartition(":")
        identity, _, content = ending.partition("-")
        other = renamed.identity if identity == environment.identity else renamed.first_identity
        session.images.tag(tag, f"{renamed.image_name}:{other}-{content}")
    ours = {image.id for image in session.images.inspect_all(tags)}
    alias = session.images.inspect(environment.alias)
    if alias and alias.id in ours:  # else it is of an environment of the same name in another project
        session.images.tag(environment.alias, renamed.alias)
        return [environment.alias, *tags]
    return tags


def _name_volume(session: Session, environment: Environment, renamed: Environment) -> None:
    """Say what becomes of the volume with the home folder, which Docker cannot rename."""
    old, new = home_volume(environment), home_volume(renamed)
    if session.engine.query_found(docker.volume_exists(session.engine.client, old)).strip():
        say(
            f"The volume {old} with the home folder stays, and '{renamed.name}' begins with an empty one. To copy it: `docker run "
            f"--rm --user 0 -v {old}:/from -v {new}:/to --entrypoint cp {renamed.alias} -a /from/. /to/`, then `docker volume "
            f"rm {old}`."
        )
