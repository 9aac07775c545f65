"""`pydock clean`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydock.commands.command import command
from pydock.commands.session import Session
from pydock.engine import leftovers
from pydock.messages import confirm, say, set_outcome

if TYPE_CHECKING:
    from invoke import Context


@command(
    help={"yes": "do not ask for confirmation"}, short={"yes": "-y"}, examples=["clean --dry", "clean --yes"]
)
def clean(c: Context, yes: bool = False) -> None:
    """Remove images of deleted environments, and other leftovers."""
    session = Session(c)
    found = leftovers.find_leftovers(session.engine, session.images)
    if not found:
        leftovers.remove(session.engine, found)
        say("Nothing to clean.")
        return
    for tag in found.tags:
        say(f"image {tag}")
    for name in found.containers:
        say(f"container {name}")
    if not session.engine.dry:
        confirm("Remove these?", yes=yes)
        set_outcome("some of it may be removed; run the command again")
    leftovers.remove(session.engine, found)
    session.say_done(f"Removed {len(found.tags) + len(found.containers)}.")
