"""`pydock up`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydock import errors
from pydock.commands.command import NAME_HELP, command
from pydock.commands.session import Session

if TYPE_CHECKING:
    from invoke import Context


@command(positional=["name"], help=NAME_HELP, examples=["up ds"], settings=["keep"])
def up(c: Context, name: str) -> None:
    """Keep a container ready, so that `run` starts programs at once; `down` ends it."""
    from pydock.engine.warm import take_up

    session = Session(c)
    environment = session.environment(name)
    image = session.images.current(environment)
    if image is None:
        raise errors.ImageMissing(
            f"The image of environment '{name}' was not found. `pydock build {name}` builds it."
        )
    if session.engine.dry:
        return
    if take_up(session.settings, environment, environment.content_tag()):
        session.say_done(f"Environment '{name}' is ready. `pydock down {name}` ends its container.")
    else:
        session.say_done(f"Runs of '{name}' need a container of their own here, so none was started.")
