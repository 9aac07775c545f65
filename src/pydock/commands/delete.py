"""`pydock delete`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydock.commands.command import NAME_HELP, command
from pydock.commands.session import Session
from pydock.environments import files, registry
from pydock.messages import confirm, set_outcome

if TYPE_CHECKING:
    from invoke import Context


@command(
    positional=["name"],
    help={**NAME_HELP, "yes": "do not ask for confirmation"},
    short={"yes": "-y"},
)
def delete(c: Context, name: str, yes: bool = False) -> None:
    """Delete an environment: its image and its folder."""
    session = Session(c)
    environment = session.environment(name)
    if not session.engine.dry:
        confirm(f"Delete the image and the folder {environment.folder}?", yes=yes)
    # The images first: a folder without an image can be built again, an image without a folder is a leftover.
    with files.locked(environment.folder):
        session.images.remove_all(environment)
        if not session.engine.dry:
            set_outcome(f"the image was deleted, {environment.folder} was not; run the command again")
            files.remove_folder(environment.folder)
            registry.forget(environment.identity)
    session.say_done(f"Deleted environment '{name}'.")
