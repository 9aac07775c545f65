"""An environment's images on the engine: building, finding, tagging and removing them."""

from __future__ import annotations

import io
import json
import os
import tarfile
from typing import TYPE_CHECKING, Any, NamedTuple

from pydock import __version__, errors
from pydock.engine import argv as docker
from pydock.engine.build_context import build_context, cache_namespace
from pydock.engine.build_secrets import CA_BUNDLE, UV_TOML, build_arguments, describe_network
from pydock.engine.tools import FETCH, PINS, tools_context
from pydock.environments.environment import DOCKERFILE, REQUIREMENTS
from pydock.rendering import render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydock.engine.build_context import BuildContext
    from pydock.engine.build_secrets import Network
    from pydock.engine.client import Engine
    from pydock.engine.tools import Fetch
    from pydock.environments.environment import Environment
    from pydock.settings import Settings

# The build argument that BuildKit puts before the ids of cache mounts.
CACHE_NAMESPACE = "BUILDKIT_CACHE_MOUNT_NS"


class Image(NamedTuple):
    """What the engine knows of an image: its id, its tags, its dockerfile's last USER, its layers, lowest first."""

    id: str
    tags: list[str]
    user: str
    layers: list[str]


class ListedImage(NamedTuple):
    """One line of `docker images`; size (`132MB`) and creation time are as the engine prints them."""

    tag: str
    id: str
    size: str
    created: str

    @classmethod
    def of(cls, row: dict[str, str]) -> ListedImage:
        return cls(f"{row['Repository']}:{row['Tag']}", row["ID"], row["Size"], row["CreatedAt"])


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
        arguments = dict(environment.build_arguments)
        if self._engine.rootless:
            arguments.update(UID="0", GID="0")
        folder = context or environment.folder
        with tools_context(
            self._engine,
            self._settings,
            lambda fetch: self._fetch(environment.dockerfile().base_image, fetch),
            uv=_has_requirements(folder),
            pull=pull or "--pull" in self._settings.build_options,
        ) as tools:
            self._build(
                folder,
                describe_network(self._settings),
                tags=tags,
                contexts={"pydock": tools.folder},
                arguments={CACHE_NAMESPACE: cache_namespace(environment), **arguments},
                no_cache=no_cache,
                pull=pull,
                options=self._settings.build_options,
                context_as_shell=tools.as_shell,
            )

    def build_step(
        self,
        template: str,
        program: str,
        inputs: Mapping[str, str],
        environment: Environment,
        *,
        tags: Sequence[str] = (),
        output: str = "",
        **values: Any,
    ) -> None:
        """Build the template on the environment's image; `program` reads the `inputs` (file name -> text).

        Tags the image, or writes what it contains to the folder `output`. Raises `BadSetting` if the CA bundle cannot
        be read.
        """
        image = environment.content_tag()
        arguments = {CACHE_NAMESPACE: cache_namespace(environment)}
        with tools_context(self._engine, self._settings, lambda fetch: self._fetch(image, fetch)) as tools:
            self._build_step(
                template, program, inputs, tools, arguments, tags=tags, output=output, image=image, **values
            )

    def _fetch(self, base: str, fetch: Fetch) -> None:
        """Download uv's wheels on `base`; the user's own templates have no part in it."""
        if not base:
            raise errors.EngineError("The base image is not known.")
        self._build_step(
            "step.dockerfile.j2",
            FETCH,
            {os.path.basename(PINS): fetch.pins},
            fetch.programs,
            {},
            output=fetch.output,
            templates="",
            image=base,
            uid=None,
            user="",
            resolved="/wheels",
            timestamp=0,
        )

    def _build_step(
        self,
        template: str,
        program: str,
        inputs: Mapping[str, str],
        programs: BuildContext,
        arguments: Mapping[str, str],
        *,
        tags: Sequence[str] = (),
        output: str = "",
        templates: str | None = None,
        **values: Any,
    ) -> None:
        """Build a step of pydock's own in a temporary context.

        If a step mounts a secret, BuildKit 0.13 to 0.15 (Docker 26 to 27.1) reads the whole root file system first:
        https://github.com/moby/buildkit/pull/5251. That takes half a second for a plain Python, and more for a larger
        image. So only secrets that exist are mounted, and the CA certificates, which are not secret, are in the build
        context. No registry has an environment's image, so the user's `--pull` is left out.
        """
        network = describe_network(self._settings)
        secrets = [name for name in (*network.texts, *network.files) if name not in {CA_BUNDLE, UV_TOML}]
        own = self._settings.templates if templates is None else templates
        texts = {DOCKERFILE: render(template, own, secrets=secrets, program=program, **values), **inputs}
        certificates = {CA_BUNDLE: network.ca_bundle} if network.ca_bundle else {}
        try:
            with build_context((), texts, certificates) as context:
                self._build(
                    context.folder,
                    network.without_ca_bundle(),
                    tags=tags,
                    contexts={"pydock": programs.folder},
                    arguments=arguments,
                    output=output,
                    options=[option for option in self._settings.build_options if option != "--pull"],
                    context_as_shell="\n".join(filter(None, [programs.as_shell, context.as_shell])),
                )
        except FileNotFoundError as error:
            raise errors.BadSetting(f"{error.filename} was removed while it was read. Try again.") from error

    def _build(
        self,
        context: str,
        network: Network,
        *,
        tags: Sequence[str],
        contexts: Mapping[str, str] | None = None,
        arguments: Mapping[str, str] | None = None,
        output: str = "",
        no_cache: bool = False,
        pull: bool = False,
        options: Sequence[str],
        context_as_shell: str,
    ) -> None:
        with build_arguments(network, by_environment=self._engine.passes_environment) as given:
            argv = docker.build_image(
                self._engine.client,
                context,
                os.path.join(context, DOCKERFILE),
                tags=tags,
                contexts=contexts,
                arguments={**given.arguments, **(arguments or {})},
                inherited=given.inherited,
                labels={} if output else {docker.LABEL: __version__},
                secrets=given.secrets,
                output=output,
                no_cache=no_cache,
                pull=pull,
                options=[*self._engine.build_options, *options],
            )
            as_shell = "\n".join(filter(None, [context_as_shell, given.as_shell]))
            self._engine.build(argv, given.variables, as_shell)

    def build_or_adopt(self, environment: Environment, tags: Sequence[str]) -> None:
        """Tag an image that another folder with the same content and base image has; if there is none, build.

        Two tags take a quarter of the time of a build whose steps are all cached.
        """
        must_build = self._engine.dry or self._settings.build_options
        same = None if must_build else self._image_with_same_content(environment)
        if same is None:
            self.build(environment, tags)
            return
        self._engine.modify_all([docker.tag_image(self._engine.client, same, tag) for tag in tags])

    def _image_with_same_content(self, environment: Environment) -> str | None:
        listed = self.listed(environment.content_pattern)
        base = environment.dockerfile().base_image
        if not listed or not base:
            return None
        found = self.inspect_all([base, listed[0].tag])
        if len(found) < 2:  # noqa: PLR2004 - one of the two does not exist
            return None
        lower, image = found
        return image.id if image.layers[: len(lower.layers)] == lower.layers else None

    def current(self, environment: Environment) -> Image | None:
        """Return the image that was built from the folder as it is now, None if there is none."""
        return self.inspect(environment.content_tag())

    def state(self, environment: Environment) -> tuple[dict[str, Image], list[str]]:
        """Return the current image and that of a killed command, by tag; and all tags, newest first."""
        client = self._engine.client
        inspected, listed = self._engine.query_all_found(
            [
                docker.inspect_images(client, [environment.content_tag(), environment.candidate]),
                docker.list_images(client, environment.tag_pattern),
            ]
        )
        return {tag: image for image in _inspected(inspected) for tag in image.tags}, [
            row.tag for row in _rows(listed)
        ]

    def inspect(self, tag: str) -> Image | None:
        """Return the image of that tag, None if there is none."""
        found = self.inspect_all([tag])
        return found[0] if found else None

    def inspect_all(self, tags: Sequence[str]) -> list[Image]:
        """Return the images that exist, with one call however many there are."""
        if not tags:
            return []
        return _inspected(self._engine.query_found(docker.inspect_images(self._engine.client, tags)))

    def tags(self, environment: Environment) -> list[str]:
        """Return the tags of all images that were ever built for this environment, newest first."""
        return [image.tag for image in self.listed(environment.tag_pattern)]

    def listed(self, reference: str) -> list[ListedImage]:
        """Return the images with a tag of that pattern, newest first."""
        return _rows(self._engine.query(docker.list_images(self._engine.client, reference)))

    def tag(self, image: str, tag: str) -> None:
        """Give an image another tag."""
        self._engine.modify(docker.tag_image(self._engine.client, image, tag))

    def remove(self, tags: Sequence[str]) -> None:
        """Remove tags, and the images that have no other tag; an image that a container uses stays."""
        if tags and not self._engine.dry:
            self._engine.try_to_modify(docker.remove_images(self._engine.client, tags))

    def remove_all(self, environment: Environment) -> None:
        """Remove every image of the environment. Raises `ImageInUse`, before it removes any, if a container uses one."""
        tags = self.tags(environment)
        ours = {image.id for image in self.inspect_all(tags)}
        alias = self.inspect(environment.alias)
        if (
            alias and alias.id in ours
        ):  # else it belongs to an environment of the same name in another project
            tags.append(environment.alias)
        if not tags:
            return
        containers = self._engine.query(docker.list_containers(self._engine.client, sorted(ours)))
        pairs = [line.partition(" ") for line in containers.splitlines()]
        # An image with the same content under another tag does not matter.
        users = [name for image, _, name in pairs if image in tags]
        if users:
            raise errors.ImageInUse(
                f"The image of '{environment.name}' is in use by container {', '.join(users)}; nothing was removed. "
                f"Remove the container (`docker rm --force {users[0]}`) and try again."
            )
        self._engine.modify(docker.remove_images(self._engine.client, tags))

    def remove_candidate(self, environment: Environment) -> None:
        """Remove the image of a change that failed, and the container that its files were read from."""
        name = _reader_container_name(environment)
        self._engine.try_to_modify(docker.remove_container(self._engine.client, name))
        self.remove([environment.candidate])

    def untag_superseded(self, environment: Environment, before: Sequence[str]) -> bool:
        """Untag the images that this build replaced; they stay as `<none>` until the user prunes them.

        Returns whether there were any. `before` are the environment's tags before the build.
        """
        current = environment.content_tag()
        old = [tag for tag in before if tag not in {current, environment.candidate}]
        for tag in old:  # removing an image's last tag would remove the image, so the tag is moved first
            self.tag(current, tag)
        self.remove([*old, environment.candidate] if environment.candidate in before else old)
        return bool(old)

    def read_file(self, environment: Environment, image: str, path: str) -> str:
        """Return a text file of an image, without running anything in it."""
        client = self._engine.client
        name = _reader_container_name(environment)
        create = docker.create_container(client, image, name)
        if not self._engine.try_to_modify(create):  # a killed command may have left the container
            self._engine.try_to_modify(docker.remove_container(client, name))
            self._engine.query(create)
        try:
            archive = self._engine.query(docker.copy_from_container(client, name, path)).encode()
        finally:
            self._engine.try_to_modify(docker.remove_container(client, name))
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            file = tar.extractfile(tar.getmembers()[0])
            return file.read().decode() if file else ""


def _has_requirements(folder: str) -> bool:
    """Return whether the folder's requirements.txt asks for anything, so that an installer is needed."""
    try:
        text = errors.read_file(os.path.join(folder, REQUIREMENTS))
    except FileNotFoundError:
        return False
    return any(line.strip() and not line.strip().startswith(b"#") for line in text.splitlines())


def _reader_container_name(environment: Environment) -> str:
    """Return the name of the container that files are copied from; it never runs."""
    return f"{environment.name}-{environment.identity}-read"


def _rows(listing: str) -> list[ListedImage]:
    return [ListedImage.of(json.loads(line)) for line in listing.splitlines() if line.strip()]


def _inspected(answer: str) -> list[Image]:
    return [_image(raw) for raw in json.loads(answer or "[]")]


def _image(raw: dict[str, Any]) -> Image:
    config, root = raw.get("Config") or {}, raw.get("RootFS") or {}
    return Image(raw["Id"], raw.get("RepoTags") or [], config.get("User") or "", root.get("Layers") or [])
