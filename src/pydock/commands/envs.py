"""`pydock envs`, also called `list`."""

from __future__ import annotations

from datetime import datetime, timezone
from json import dumps
from typing import TYPE_CHECKING, Any

from pydock.commands.command import command
from pydock.commands.session import Session
from pydock.environments.environment import Environment, environment_names, find_environment
from pydock.messages import aligned, redacted, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoke import Context

    from pydock.engine.images import Images, ListedImage
    from pydock.settings import Settings

COLUMNS = ("name", "python", "image", "size", "updated", "state")


@command(aliases=["list"], help={"json": "print JSON"})
def envs(c: Context, json: bool = False) -> None:
    """List the environments: name, Python, image, size, age, state."""
    session = Session(c)
    rows = describe_environments(session.settings, session.images)
    if json:
        print(redacted(dumps(rows, indent=2)))
    elif rows:
        print(redacted(environments_table(rows)))
    else:
        say(
            f"No environments in {session.settings.home.folder}. `pydock create NAME VERSION` creates one, "
            "for example `pydock create datascience 3.12`."
        )


def describe_environments(settings: Settings, images: Images) -> list[dict[str, Any]]:
    """Return one row per environment, with one engine call however many there are."""
    names = environment_names(settings.home)
    if not names:
        return []
    by_tag = {image.tag: image for image in images.listed(f"{settings.prefix}*")}  # newest first
    return [_row(find_environment(settings, name), by_tag) for name in names]


def environments_table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as text with aligned columns."""
    lines = [[column.upper() for column in COLUMNS]]
    for row in rows:
        words = {**row, "updated": _age(row["updated"])}
        lines.append([words[column] or "-" for column in COLUMNS])
    return aligned(lines)


def _row(environment: Environment, images: dict[str, ListedImage]) -> dict[str, Any]:
    image, state = images.get(environment.content_tag()), "ready"
    if image is None:
        image, state = _older_image(environment, images), "changed since the build"
    if image is None:
        state = "not built"
    alias = images.get(environment.alias)
    return {
        "name": environment.name,
        "python": environment.dockerfile().python or "-",
        "image": environment.alias if image and alias and alias.id == image.id else image and image.tag,
        "size": image.size if image else None,
        "updated": image.created if image else None,
        "state": state,
        "folder": environment.folder,
    }


def _older_image(environment: Environment, images: dict[str, ListedImage]) -> ListedImage | None:
    beginning = environment.tag_pattern.removesuffix("*")
    older = [tag for tag in images if tag.startswith(beginning) and tag != environment.candidate]
    return images[older[0]] if older else None


def _age(created: str | None) -> str:
    """Return how long ago `created` was, in the engine's format: `2026-11-22 12:00:00 +0000 UTC`."""
    if not created:
        return "-"
    try:
        then = datetime.strptime(" ".join(created.split()[:3]), "%Y-%m-%d %H:%M:%S %z")
    except ValueError:
        return created
    seconds = max(0.0, (datetime.now(timezone.utc) - then).total_seconds())  # an engine's clock may be ahead
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        number = int(seconds // length)
        if number:
            return f"{number} {unit}{'s' if number > 1 else ''} ago"
    return "just now"
