"""`pydock envs` and `pydock list`."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from json import dumps
from typing import TYPE_CHECKING, Any

from pydock import errors
from pydock.commands.command import command
from pydock.commands.list_packages import show_packages
from pydock.commands.session import Session
from pydock.engine.compose_cache import COMPOSE_FILE
from pydock.engine.warm import warm_containers
from pydock.environments.environment import (
    REQUIREMENTS_IN,
    Environment,
    environment_names,
    environments_folder,
    find_environment,
)
from pydock.environments.requested import is_edited, requested_message
from pydock.messages import aligned, redacted, say, terminal_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoke import Context

    from pydock.engine.client import Engine
    from pydock.engine.images import Images, ListedImage
    from pydock.engine.leftovers import EnvironmentImage
    from pydock.settings import Settings

COLUMNS = ("name", "python", "image", "size", "updated", "state")

ALL_COLUMNS = ("name", "image", "size", "updated", "state", "folder")
# What to shorten first on a narrow terminal, and to how many characters: what other columns tell too.
SHRINK = (("image", 10), ("folder", 10), ("python", 10), ("name", 24), ("state", 10), ("name", 10))


EDITED = f"{REQUIREMENTS_IN} edited"

HELP = {"json": "print JSON", "all": "list all environment images of this engine, of all users"}


@command(help=HELP, examples=["envs", "envs --all --json"], settings=["home", "mode", "prefix"])
def envs(c: Context, json: bool = False, all: bool = False) -> None:  # noqa: A002 - the option's name
    """List the environments: name, Python, image, size, age, state."""
    show_environments(c, json=json, all=all)


@command(
    name="list",
    aliases=["ls"],
    positional=["name"],
    help={"name": "list the packages of this environment instead, as `pydock packages`", **HELP},
    examples=["list", "list ds"],
)
def list_(c: Context, name: str | None = None, json: bool = False, all: bool = False) -> None:  # noqa: A002
    """List the environments, or with a NAME its packages."""
    if name and all:
        raise errors.UsageError("Option --all lists environments, so it cannot be used with a NAME.")
    if name:
        show_packages(c, name, json=json)
    else:
        show_environments(c, json=json, all=all)


def show_environments(c: Context, *, json: bool, all: bool) -> None:  # noqa: A002
    """Print the environments of the home folder, or with `all` those of the engine."""
    session = Session(c)
    if all:
        rows, columns = describe_images(session.images), ALL_COLUMNS
    else:
        rows, columns = describe_environments(session.settings, session.images), COLUMNS
        _add_services(rows, session.engine)
    if json:
        print(redacted(dumps(rows, indent=2)))
    elif rows:
        print(redacted(environments_table(rows, columns, terminal_width())))
        for row in rows:
            if row["state"].partition(",")[0] == EDITED:
                say(requested_message(row["name"]))
    elif all:
        say("No environment images on this engine.")
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
    by_tag = {image.tag: image for image in images.listed([f"{settings.prefix}*"])}  # newest first
    rows = [_row_or_reason(settings, name, by_tag) for name in names]
    return [row for row in rows if row]


def _add_services(rows: list[dict[str, Any]], engine: Engine) -> None:
    """Add the services that run beside the environments; asks the engine only if one has a docker-compose.yml."""
    with_file = [row for row in rows if os.path.lexists(os.path.join(row["folder"], COMPOSE_FILE))]
    if not with_file:
        return
    from pydock.engine.companions import companions_of

    found = companions_of(engine)
    for row in with_file:
        folder = os.path.realpath(row["folder"])
        own = {one.service: one.status for one in found if os.path.realpath(one.folder) == folder}
        if own:
            row["services"] = own
            row["state"] = f"{row['state']}, with {', '.join(own)}"


def describe_images(images: Images) -> list[dict[str, Any]]:
    """Return one row per environment that has images on this engine: the newest image of each."""
    from pydock.engine.leftovers import environment_images

    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for image in environment_images(images):  # newest first
        key = (image.image_name, image.identity)
        rows.setdefault(
            key,
            {
                "name": image.image_name,
                "image": image.listed.tag,
                "size": image.listed.size,
                "updated": image.listed.created,
                "state": _state_of(image),
                "folder": image.folder or None,
            },
        )
    return list(rows.values())


def _state_of(image: EnvironmentImage) -> str:
    if not image.folder:
        return "of another user, machine or version"
    return "orphan (folder not found)" if image.is_orphan else "in use"


def environments_table(
    rows: Sequence[dict[str, Any]], columns: Sequence[str] = COLUMNS, width: int = 0
) -> str:
    """Return the rows as text with aligned columns; on a terminal of that width, no wider than that if possible."""
    lines = [[column.upper() for column in columns]]
    for row in rows:
        words = {**row, "updated": age_text(row["updated"])}
        lines.append([words[column] or "-" for column in columns])
    return aligned(lines, width, [(columns.index(name), least) for name, least in SHRINK if name in columns])


def _row_or_reason(settings: Settings, name: str, images: dict[str, ListedImage]) -> dict[str, Any] | None:
    """Return the row of one environment, whose state says why if it cannot be read; None if it was removed."""
    try:
        return environment_row(find_environment(settings, name), images)
    except errors.EnvironmentNotFound:
        return None
    except errors.PydockError as error:
        reason = error.message
    except OSError as error:  # removed or changed while it was read
        reason = f"Cannot read {error.filename}: {error.strerror}."
    return {
        "name": name,
        "python": "-",
        "image": None,
        "size": None,
        "updated": None,
        "state": "".join(sign if sign.isprintable() else "?" for sign in f"unusable: {reason}"),
        "folder": os.path.join(environments_folder(settings.home), name),
    }


def environment_row(environment: Environment, images: dict[str, ListedImage]) -> dict[str, Any]:
    """Return the row of an environment, whose images are given by tag, newest first."""
    image, state = images.get(environment.content_tag()), "ready"
    if image is None:
        image, state = _older_image(environment, images), "changed since the build"
    if image is None:
        state = "not built"
    elif state == "ready" and is_edited(environment):
        state = EDITED
    is_warm = any(warm_containers(environment.name, environment.identity))
    alias = images.get(environment.alias)
    return {
        "name": environment.name,
        "python": environment.dockerfile().python or "-",
        "image": environment.alias if image and alias and alias.id == image.id else image and image.tag,
        "size": image.size if image else None,
        "updated": image.created if image else None,
        "state": f"{state}, warm" if is_warm else state,
        **({"warm": True} if is_warm else {}),
        "folder": environment.folder,
    }


def _older_image(environment: Environment, images: dict[str, ListedImage]) -> ListedImage | None:
    beginnings = tuple(pattern.removesuffix("*") for pattern in environment.tag_patterns)
    older = [tag for tag in images if tag.startswith(beginnings) and environment.is_content_tag(tag)]
    return images[older[0]] if older else None


def age_text(created: str | None) -> str:
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
