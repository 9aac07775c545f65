"""`pydock info`."""

from __future__ import annotations

from json import dumps
from typing import TYPE_CHECKING, Any

from pydock import __version__, errors, settings
from pydock.commands.command import NAME_HELP, command
from pydock.commands.envs import environment_row
from pydock.commands.info_text import info_table
from pydock.commands.list_packages import read_packages
from pydock.commands.session import context_settings
from pydock.engine import argv as docker
from pydock.engine.client import Engine
from pydock.engine.compose_cache import COMPOSE_FILE, has_compose_file
from pydock.engine.containers import container_name
from pydock.engine.image_details import describe_image, local_digest
from pydock.engine.images import listed_images
from pydock.engine.warm import is_up, warm_containers
from pydock.environments import origin, requested
from pydock.environments.environment import find_environment
from pydock.environments.facade import facade_of
from pydock.environments.package_lists import listed_packages
from pydock.exports.facade import size_of_folder
from pydock.messages import redacted, terminal_width, warn

if TYPE_CHECKING:
    from invoke import Context

    from pydock.engine.images import ListedImage
    from pydock.environments.environment import Environment
    from pydock.settings import Settings

SECONDS = 10  # that the engine may take to answer


@command(
    positional=["name"],
    help={**NAME_HELP, "json": "print JSON"},
    examples=["info ds", "info ds --json"],
    settings=["home", "mode", "prefix"],
)
def info(c: Context, name: str, json: bool = False) -> None:
    """Show what an environment consists of, and what state it is in.

    Sizes are measured in the image. Without an engine, it shows what the files tell.
    """
    current = context_settings(c, refuse_untrusted=False)
    described = describe(c, current, find_environment(current, name))
    if json:
        print(redacted(dumps(described, indent=2)))
    else:
        print(info_table(described, terminal_width()))
        for text in described["unknown"]:
            warn(f"Not everything could be found out: {text}")


def describe(c: Context, current: Settings, environment: Environment) -> dict[str, Any]:
    """Return all that is known of an environment; what the engine did not tell is None, and `unknown` says why."""
    packages, missing = read_packages(environment)
    dockerfile = environment.dockerfile()
    described: dict[str, Any] = {
        "name": environment.name,
        "folder": environment.folder,
        "mode": current.home.mode,
        "python": dockerfile.python or None,
        "python_version": None,
        "base": {
            "image": dockerfile.base_image.partition("@")[0] or None,
            "pinned": dockerfile.base_image.partition("@")[2] or None,
            "local": None,
        },
        "packages": {
            "requested": [package.name for package in packages if package.requested],
            "dependencies": [package.name for package in packages if not package.requested],
            "missing": missing,
            "system": listed_packages(environment)[1],
        },
        "sizes": None,
        "image": None,
        "state": None,
        "drift": {
            "folder_changed": None,
            "requirements_edited": requested.is_edited(environment),
            "older_version": None,
        },
        "warm": [container.name for container in warm_containers(environment.name, environment.identity)],
        "up": is_up(environment),
        "activated": _activated(environment),
        "services": None if has_compose_file(environment) else [],
        "trust": _trust(current, environment),
        "settings": {
            name: {"value": getattr(current, name), "source": source}
            for name, source in sorted(current.sources.items())
            if source != "default" and name not in {"home", "mode"}
        },
        "unknown": [],
    }
    try:
        _ask_engine(Engine(c, current, SECONDS), environment, described, dockerfile.base_image)
    except errors.Interrupted:
        raise
    except errors.PydockError as error:
        described["unknown"].append(error.message)
    except (ValueError, LookupError, TypeError):
        described["unknown"].append("The client prints something else than Docker's does.")
    return described


def _activated(environment: Environment) -> dict[str, Any] | None:
    """Return the folder that `activate` puts on PATH and its size in bytes, None if there is none."""
    try:
        facade = facade_of(environment)
    except errors.UsageError:  # a user without a home folder has none
        return None
    if not facade.exists:
        return None
    return {"folder": facade.folder, "size": size_of_folder(facade.owner)}


def _trust(current: Settings, environment: Environment) -> dict[str, Any]:
    """Return what is the user's own or was trusted; None: there is nothing to trust."""
    layer, powerful = settings.project_settings(current)
    return {
        "environment": origin.is_own(current, environment),
        "settings_file": layer.source if powerful else None,
        "settings": settings.is_trusted(layer) if powerful else None,
        "compose_file": environment.path(COMPOSE_FILE) if has_compose_file(environment) else None,
    }


def _ask_engine(engine: Engine, environment: Environment, described: dict[str, Any], base: str) -> None:
    """Add what the engine knows."""
    listing = docker.list_images(engine.client, [*environment.tag_patterns, environment.alias])
    images = {image.tag: image for image in listed_images(engine.query(listing)) if image.tag}
    row = environment_row(environment, images)
    described["state"] = row["state"].partition(",")[0]
    described["drift"]["folder_changed"] = bool(row["image"]) and environment.content_tag() not in images
    if described["services"] is None:
        from pydock.engine.companions import companions_of  # only for environments with services

        described["services"] = [
            {"service": one.service, "state": one.state, "status": one.status, "ports": one.ports}
            for one in companions_of(engine, environment.folder)
        ]
    described["base"]["local"] = local_digest(engine, base) or None
    image = _image_of(row, images)
    if image is None:
        return
    details, measured = describe_image(engine, image.tag, container_name(environment))
    described["image"] = {
        "tag": row["image"],
        "id": image.id,
        "size": details.size if details else None,
        "created": row["updated"],
        "layers": details.layers if details else None,
        "version": details.version if details else None,
    }
    if details and details.version not in {"", __version__}:
        described["drift"]["older_version"] = details.version
    if measured:
        described["python_version"] = measured.python
        described["sizes"] = dict(sorted(measured.sizes.items(), key=lambda pair: (-pair[1], pair[0])))
    elif not engine.dry:
        described["unknown"].append("The sizes of the packages could not be measured in the image.")


def _image_of(row: dict[str, Any], images: dict[str, ListedImage]) -> ListedImage | None:
    return images.get(row["image"]) if row["image"] else None
