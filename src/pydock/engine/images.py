"""An environment's images on the engine: building, finding, aliasing and removing them."""

from __future__ import annotations

import io
import json
import os
import tarfile
from typing import TYPE_CHECKING, Any, NamedTuple

from pydock import __version__, errors
from pydock.engine import argv as docker
from pydock.environments.environment import DOCKERFILE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydock.engine.build_secrets import Network
    from pydock.engine.client import Engine
    from pydock.environments.environment import Environment
    from pydock.settings import Settings


LOCAL = "localhost/"  # how podman names images that are from no registry


class Image(NamedTuple):
    """What the engine knows of an image: its id, its tags, its dockerfile's last USER, its layers, bottom first."""

    id: str
    tags: list[str]
    user: str
    layers: list[str]


class ListedImage(NamedTuple):
    """A line of `docker images`: the size as the engine says it (`132MB`), the moment of creation likewise."""

    tag: str
    id: str
    size: str
    created: str

    @classmethod
    def of(cls, row: dict[str, str]) -> ListedImage:
        return cls(
            f"{row['Repository']}:{row['Tag']}".removeprefix(LOCAL), row["ID"], row["Size"], row["CreatedAt"]
        )


class Images:
    """The images of environments, on one engine."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings

    def build(
        self,
        environment: Environment,
        tags: Sequence[str],
        *,
        context: str = "",
        no_cache: bool = False,
        pull: bool = False,
    ) -> None:
        """Build the environment's dockerfile in its folder, or in `context`, and tag the image."""
        context = context or environment.folder
        arguments = dict(environment.build_arguments)
        if self._engine.rootless:
            arguments.update(UID="0", GID="0")
        self.build_context(context, tags=tags, arguments=arguments, no_cache=no_cache, pull=pull)

    def build_context(
        self,
        context: str,
        *,
        tags: Sequence[str] = (),
        arguments: dict[str, str] | None = None,
        output: str = "",
        network: Network | None = None,
        made_by: str = "",
        no_cache: bool = False,
        pull: bool = False,
    ) -> None:
        """Build the dockerfile of a folder; `made_by` are the shell lines that would make one that is ours.

        A step of ours begins with an image of ours, which no registry has: the user's `--pull` is not for it.
        """
        if network is None:
            from pydock.engine.build_secrets import describe_network

            network = describe_network(self._settings)
        argv = docker.build_image(
            self._engine.client,
            context,
            os.path.join(context, DOCKERFILE),
            tags=tags,
            arguments=arguments,
            inherited=network.proxies,
            labels={} if output else {docker.LABEL: __version__},
            secrets=list(network.secrets.values()),
            output=output,
            no_cache=no_cache,
            pull=pull,
            options=[
                option for option in self._settings.build_options if not (made_by and option == "--pull")
            ],
        )
        self._engine.build(argv, network.variables, made_by)

    def build_or_adopt(self, environment: Environment, tags: Sequence[str]) -> None:
        """Tag an image that was built from the same content, on the same base, for another folder; else build.

        What the engine's build cache would do in a fifth of a second, two tags do in a twentieth.
        """
        asks_more = self._engine.dry or self._settings.build_options
        twin = None if asks_more else self._twin(environment)
        if twin is None:
            self.build(environment, tags)
            return
        self._engine.change_all([docker.tag_image(self._engine.client, twin, tag) for tag in tags])

    def _twin(self, environment: Environment) -> str | None:
        listed = self.listed(environment.content_pattern)
        base = environment.base_image()
        if not listed or not base:
            return None
        found = self.inspect_all([base, listed[0].tag])
        if len(found) < 2:  # noqa: PLR2004 - one of the two is not there
            return None
        bottom, image = found
        return image.id if image.layers[: len(bottom.layers)] == bottom.layers else None

    def current(self, environment: Environment) -> Image | None:
        """Return the image that was built from the folder as it is now, None if there is none."""
        return self.inspect(environment.content_tag())

    def state(self, environment: Environment) -> tuple[dict[str, Image], list[str]]:
        """Return the images of the folder as it is and of a killed command, by tag; and all tags, newest first."""
        client = self._engine.client
        wanted = [environment.content_tag(), environment.candidate]
        inspected, listed = self._engine.attempt_all(
            [
                docker.inspect_images(client, wanted),
                docker.list_images(client, environment.tag_pattern),
            ]
        )
        return {tag: image for image in _inspected(inspected.stdout) for tag in image.tags}, [
            row.tag for row in _rows(listed.stdout)
        ]

    def inspect(self, tag: str) -> Image | None:
        found = self.inspect_all([tag])
        return found[0] if found else None

    def inspect_all(self, tags: Sequence[str]) -> list[Image]:
        """Return those of the images that exist, in one call whatever their number."""
        if not tags:
            return []
        answer = self._engine.attempt(docker.inspect_images(self._engine.client, tags))
        return _inspected(answer.stdout)

    def tags(self, environment: Environment) -> list[str]:
        """Return the tags of all images that were ever built for this environment, newest first."""
        return [image.tag for image in self.listed(environment.tag_pattern)]

    def listed(self, reference: str) -> list[ListedImage]:
        """Return the images with a tag of that pattern, newest first."""
        argv = docker.list_images(self._engine.client, reference)
        return _rows(self._engine.ask(argv))

    def tag(self, image: str, tag: str) -> None:
        self._engine.change(docker.tag_image(self._engine.client, image, tag))

    def remove(self, tags: Sequence[str]) -> None:
        """Remove tags, and images that lose their last one; one that a container uses stays."""
        if tags and not self._engine.dry:
            self._engine.attempt(docker.remove_images(self._engine.client, tags))

    def remove_all(self, environment: Environment) -> None:
        """Remove every image of the environment; raises `ImageInUse`, before anything, where a container uses one."""
        tags = self.tags(environment)
        ours = {image.id for image in self.inspect_all(tags)}
        alias = self.inspect(environment.alias)
        if alias and alias.id in ours:  # else it is the namesake's in another project
            tags.append(environment.alias)
        if not tags:
            return
        containers = self._engine.ask(docker.list_containers(self._engine.client, sorted(ours)))
        pairs = [line.partition(" ") for line in containers.splitlines()]
        users = [name for image, _, name in pairs if image in tags]  # a twin's container takes no harm
        if users:
            raise errors.ImageInUse(
                f"The image of '{environment.name}' is used by container {', '.join(users)}. Remove it "
                f"(`docker rm --force {users[0]}`) and try again; nothing was removed."
            )
        self._engine.change(docker.remove_images(self._engine.client, tags))

    def remove_candidate(self, environment: Environment) -> None:
        """Remove the image that did not come to be the environment's, and the container it was read through."""
        client = self._engine.client
        self._engine.attempt(docker.remove_container(client, _reader(environment)))
        self.remove([environment.candidate])

    def leave_superseded(self, environment: Environment, before: Sequence[str]) -> bool:
        """Take the names off the images of before a `build`, which are the user's to remove (`<none>`)."""
        current = environment.content_tag()
        old = [tag for tag in before if tag not in {current, environment.candidate}]
        for tag in old:  # `rmi` of an image's last name would remove the image
            self.tag(current, tag)
        self.remove([*old, environment.candidate] if environment.candidate in before else old)
        return bool(old)

    def read_file(self, environment: Environment, image: str, path: str) -> str:
        """Return a text file out of an image, without starting anything in it."""
        client = self._engine.client
        name = _reader(environment)
        create = docker.create_container(client, image, name)
        if not self._engine.attempt(create).ok:  # a killed command may have left the container there
            self._engine.attempt(docker.remove_container(client, name))
            self._engine.ask(create)
        try:
            archive = self._engine.ask(docker.copy_from_container(client, name, path)).encode()
        finally:
            self._engine.attempt(docker.remove_container(client, name))
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            file = tar.extractfile(tar.getmembers()[0])
            return file.read().decode() if file else ""


def _reader(environment: Environment) -> str:
    """Return the name of the container that files are read through; it never runs."""
    return f"{environment.name}-{environment.identity}-read"


def _rows(listing: str) -> list[ListedImage]:
    return [ListedImage.of(json.loads(line)) for line in listing.splitlines() if line.strip()]


def _inspected(answer: str) -> list[Image]:
    return [_image(raw) for raw in json.loads(answer or "[]")]


def _image(raw: dict[str, Any]) -> Image:
    config, root = raw.get("Config") or {}, raw.get("RootFS") or {}
    tags = [tag.removeprefix(LOCAL) for tag in raw.get("RepoTags") or []]
    return Image(raw["Id"], tags, config.get("User") or "", root.get("Layers") or [])
