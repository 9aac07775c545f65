"""`pydock down`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydock.commands.command import NAME_HELP, command
from pydock.commands.session import Session

if TYPE_CHECKING:
    from invoke import Context


@command(positional=["name"], help=NAME_HELP, examples=["down ds"])
def down(c: Context, name: str) -> None:
    """End the container that `up` or the setting `keep` has left, when its last program ends."""
    from pydock.engine.warm import take_down

    session = Session(c)
    environment = session.environment(name)
    found = not session.engine.dry and take_down(environment)
    session.say_done(
        f"No container of '{name}' waits any more." if found else f"No container of '{name}' waits."
    )
