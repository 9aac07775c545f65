"""What earlier commands left on the engine: images whose folder is gone, and what killed commands did not remove."""

from __future__ import annotations

import os
import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, NamedTuple

from pydock.engine import argv as docker
from pydock.engine import warm_leftovers
from pydock.environments import registry
from pydock.environments.content import DOCKERFILE
from pydock.environments.files import hidden_sibling, is_locked
from pydock.messages import warn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pydock.engine.client import Engine
    from pydock.engine.images import Images, ListedImage
    from pydock.engine.warm import WarmContainer

TAG = re.compile(r"(?P<image>.+):(?P<identity>[0-9a-f]{8})-(?P<content>[0-9a-f]{16}|candidate|superseded)")
# The names of pydock's own containers, see `container_name` and `Images.read_file`.
CONTAINER = re.compile(r".+-(?:[0-9a-f]{12}|[0-9a-f]{8}-read)")
GRACE = timedelta(minutes=1)  # a container is in the state "created" for a moment before it starts


class EnvironmentImage(NamedTuple):
    """One tag of an environment's image on this engine; `folder` is "" if this user has not built it here."""

    listed: ListedImage
    image_name: str
    identity: str
    content: str
    folder: str

    @property
    def is_orphan(self) -> bool:
        """Whether this user built it here, and its folder is gone."""
        return bool(self.folder) and not os.path.isfile(os.path.join(self.folder, DOCKERFILE))


class Leftovers(NamedTuple):
    """What can be removed: tags, containers, and of environments that are gone their identities and warm containers."""

    tags: list[str]
    containers: list[str]
    identities: list[str]
    warm: list[WarmContainer]

    def __bool__(self) -> bool:
        return bool(self.tags or self.containers or self.warm)


def environment_images(images: Images, known: Sequence[ListedImage] | None = None) -> list[EnvironmentImage]:
    """Return all tags of environment images on the engine, of all users, newest first.

    `known` are the images with pydock's label, if they were listed already.
    """
    folders = registry.known_folders()
    found = []
    for listed in images.listed() if known is None else known:
        match = TAG.fullmatch(listed.tag)
        if match:
            image, identity, content = match.groups()
            found.append(EnvironmentImage(listed, image, identity, content, folders.get(identity, "")))
    return found


def find_leftovers(engine: Engine, images: Images, listed: Sequence[ListedImage] | None = None) -> Leftovers:
    """Return what no environment of this user needs any more; never anything of another user or machine.

    `listed` are the images with pydock's label, if they were listed already. Tools images belong to nobody, and are made again when they are needed.
    """
    every = environment_images(images, listed)
    known = [image for image in every if image.folder]
    orphans = [image for image in known if image.is_orphan and not is_locked(hidden_sibling(image.folder))]
    interrupted = [
        image
        for image in known
        if not image.is_orphan and not _is_committed(image) and not is_locked(image.folder)
    ]
    removed = [image.listed.tag for image in (*orphans, *interrupted)]
    remain = any(image.listed.tag not in removed for image in every)
    # An alias goes first: only the content tag of its image tells that it is an orphan's.
    tags = [*_aliases_of(orphans, [image for image in known if image not in orphans], images), *removed]
    tags += images.tools.unused(environments=remain)
    gone = {
        identity: folder
        for identity, folder in registry.known_folders().items()
        if not os.path.isfile(os.path.join(folder, DOCKERFILE)) and not is_locked(hidden_sibling(folder))
    }
    return Leftovers(tags, _abandoned_containers(engine), [*gone], warm_leftovers.containers_of(gone))


def remove(engine: Engine, leftovers: Leftovers) -> None:
    """Remove the leftovers; an image that a container uses stays."""
    for container in leftovers.containers:
        removal = docker.remove_stopped_container(engine.client, container)
        if engine.dry:
            engine.modify(removal)
        elif not engine.try_to_modify(removal):
            warn(f"Container {container} has been started meanwhile, so it was not removed.")
    if not engine.dry:
        warm_leftovers.end(engine, leftovers.warm)
        warm_leftovers.remove_folders(leftovers.identities)
    if leftovers.tags:
        engine.modify(docker.remove_images(engine.client, leftovers.tags))
    if not engine.dry:
        for identity in leftovers.identities:
            registry.forget(identity)


def _is_committed(image: EnvironmentImage) -> bool:
    return image.content not in {"candidate", "superseded"}


def _aliases_of(
    orphans: Sequence[EnvironmentImage], others: Iterable[EnvironmentImage], images: Images
) -> list[str]:
    """Return the aliases that only the orphans' images have."""
    ids: Mapping[str, str] = {image.listed.id: image.image_name for image in orphans}
    used = {image.listed.id for image in others}
    return [
        listed.tag
        for listed in (images.listed() if orphans else [])
        if listed.id in ids and listed.id not in used and listed.tag == f"{ids[listed.id]}:latest"
    ]


def _abandoned_containers(engine: Engine) -> list[str]:
    """Return pydock's containers that were created, but never started, because their command was killed."""
    found = []
    for line in engine.query(docker.list_unstarted_containers(engine.client)).splitlines():
        created, _, name = line.partition("\t")
        if CONTAINER.fullmatch(name) and _is_old(created):
            found.append(name)
    return found


def _is_old(created: str) -> bool:
    """Return whether `2026-11-22 12:00:00 +0000 UTC`, the engine's format, is more than a moment ago."""
    try:
        then = datetime.strptime(" ".join(created.split()[:3]), "%Y-%m-%d %H:%M:%S %z")
    except ValueError:
        return False
    return datetime.now(timezone.utc) - then > GRACE
