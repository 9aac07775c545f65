"""An environment's images on the engine: building, finding, tagging and removing them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tarfile
from typing import TYPE_CHECKING, Any, NamedTuple

from pydock import __version__, errors
from pydock.credentials import find_credentials
from pydock.engine import argv as docker
from pydock.engine.build_context import cache_namespace
from pydock.engine.build_secrets import build_arguments, describe_network
from pydock.engine.links import Links
from pydock.engine.system_packages import BuildTarget
from pydock.engine.tools import Tools
from pydock.environments.content import APK, APT
from pydock.environments.environment import DOCKERFILE, REQUIREMENTS
from pydock.environments.files import read_if_exists
from pydock.environments.origin import is_own
from pydock.environments.package_lists import likely_list
from pydock.messages import shell_words, warn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydock.engine.build_context import BuildContext
    from pydock.engine.build_secrets import Network
    from pydock.engine.client import Engine
    from pydock.environments.environment import Environment
    from pydock.environments.linked import LinkedProject
    from pydock.settings import Settings

# The build argument that BuildKit puts before the ids of cache mounts.
CACHE_NAMESPACE = "BUILDKIT_CACHE_MOUNT_NS"


# A text file or folder that the package manager of each list brings.
PACKAGE_MANAGERS = {APK: "/etc/apk/repositories", APT: "/etc/apt/apt.conf.d"}


class Image(NamedTuple):
    """What the engine knows of an image: its id, its tags, its dockerfile's last USER, its layers, lowest first."""

    id: str
    tags: list[str]
    user: str
    layers: list[str]
    labels: dict[str, str]


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
        self.tools = Tools(engine, settings, self)
        self.links = Links(engine, settings, self)
        self._warned: set[str] = set()  # environments whose builds get no credentials

    def network(self, environment: Environment, requirements: str = "") -> Network:
        """Return what builds of this environment get: credentials only if the user made or trusted it here.

        `requirements` is the text of the requirements files of the build. Says what is withheld, once. This is also for
        pydock's own steps, whose programs are those of the image. Raises `PydockError` if the requirements name variables
        that are withheld, because no installer works without them.
        """
        network = describe_network(self._settings, requirements=requirements)
        withheld = network.credentials()
        if not withheld or is_own(self._settings, environment):
            return network
        reason = (
            f"you did not make environment '{environment.name}' on this machine, or its files were changed for you. "
            f"`pydock trust {environment.name}` allows it"
        )
        if network.variables:
            names = ", ".join(sorted(network.variables))
            raise errors.PydockError(
                f"The requirements use the variables {names}, which the build does not get, because {reason}."
            )
        if environment.name not in self._warned:
            self._warned.add(environment.name)
            warn(f"The build does not get {' and '.join(withheld)}, because {reason}.")
        return network.without_credentials()

    def build(
        self,
        environment: Environment,
        content: str,
        *,
        context: str = "",
        alias: bool = True,
        candidate: bool = False,
        no_cache: bool = False,
        pull: bool = False,
        projects: Sequence[LinkedProject] | None = None,
    ) -> None:
        """Build the environment's folder, link its projects, and tag the image: as `content`, and with `alias` as the alias.

        `context` is another folder to build instead, a copy with other requirements, and `projects` are linked then, with
        the wheels that exist already. With `candidate`, the image has no other tag than that. `content` is the content tag
        of the folder as it is now. The image gets it only if the folder is still the same after the build; raises
        `EnvironmentChanged` if not.
        """
        linked = environment.linked_projects() if projects is None else projects
        self.links.check(linked)
        arguments = dict(environment.build_arguments)
        if self._engine.rootless:
            arguments.update(UID="0", GID="0")
        context = context or environment.folder
        requirements = read_if_exists(os.path.join(context, REQUIREMENTS)).decode(errors="replace")
        pulls = pull or "--pull" in self._settings.build_options
        try:
            with self.tools.context(environment, uv=_names_packages(requirements), pull=pulls) as tools:
                self._build(
                    context,
                    self.network(environment, requirements),
                    tags=[environment.candidate],
                    contexts={"pydock": tools.folder},
                    arguments={CACHE_NAMESPACE: cache_namespace(environment), **arguments},
                    no_cache=no_cache,
                    pull=pull,
                    options=self._settings.build_options,
                    context_as_shell=tools.as_shell,
                    labels={docker.ARGUMENTS_LABEL: arguments_text(environment.build_arguments)},
                    target=_target(environment),
                )
        except errors.Interrupted:  # the engine may have been done already
            self.remove([environment.candidate])
            raise
        if linked:
            self._link(environment, linked, kept=projects is not None)
        built = environment._replace(folder=context)
        if not self._engine.dry and built.content_tag(projects=linked) != content:
            self.remove([environment.candidate])
            raise errors.EnvironmentChanged(
                f"{environment.folder} was edited while its image was built; nothing was changed. Try again."
            )
        if candidate:
            return
        self.tag(environment.candidate, content)
        if alias:
            self.tag(environment.candidate, environment.alias)
        self._engine.modify(docker.remove_images(self._engine.client, [environment.candidate]))

    def _link(self, environment: Environment, projects: Sequence[LinkedProject], *, kept: bool) -> None:
        """Link the projects in the candidate image; remove it if that fails."""
        try:
            wheels = self.links.wheels(environment, environment.candidate, projects, kept=kept)
            self.links.link(environment, wheels)
        except BaseException:
            with contextlib.suppress(errors.PydockError):
                self.remove_candidate(environment)
            raise

    def build_step(
        self,
        environment: Environment,
        context: BuildContext,
        programs: BuildContext,
        network: Network,
        *,
        tags: Sequence[str] = (),
        output: str = "",
    ) -> None:
        """Build a temporary context of pydock's own, which begins with an environment's image.

        No registry has that image, so the user's `--pull` is left out.
        """
        self._build(
            context.folder,
            network,
            tags=tags,
            contexts={"pydock": programs.folder},
            arguments={CACHE_NAMESPACE: cache_namespace(environment)},
            output=output,
            options=[option for option in self._settings.build_options if option != "--pull"],
            context_as_shell="\n".join(filter(None, [programs.as_shell, context.as_shell])),
            target=_target(environment),
        )

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
        target: BuildTarget,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        _refuse_credentials([*(arguments or {}).values(), *options])
        with build_arguments(network, by_environment=self._engine.passes_environment) as given:
            argv = docker.build_image(
                self._engine.client,
                context,
                os.path.join(context, DOCKERFILE),
                tags=tags,
                contexts=contexts,
                arguments={**given.arguments, **(arguments or {})},
                inherited=given.inherited,
                labels={} if output else {docker.VERSION_LABEL: __version__, **(labels or {})},
                secrets=given.secrets,
                output=output,
                no_cache=no_cache,
                pull=pull,
                options=[*self._engine.build_options, *options],
            )
            as_shell = "\n".join(filter(None, [context_as_shell, given.as_shell]))
            self._engine.build(argv, given.variables, as_shell, target)

    def build_or_adopt(self, environment: Environment) -> None:
        """Tag an image that another folder with the same content and base image has; if there is none, build.

        Two tags take a quarter of the time of a build whose steps are all cached.
        """
        content = environment.content_tag()
        listed = self.listed([environment.content_pattern, environment.tag_pattern])
        # The environment does not exist yet, so other tags of it are from a `create` that was killed.
        own = [image.tag for image in listed if image.tag.startswith(environment.tag_pattern[:-1])]
        self.remove([tag for tag in own if tag != content])
        ending = content.rpartition("-")[2]
        candidates = [image.tag for image in listed if image.tag.endswith(f"-{ending}")]
        same = self._image_with_same_content(environment, candidates)
        if same and not self._settings.build_options:
            tagging = [self.tagging(same, tag) for tag in (content, environment.alias)]
            if self._engine.try_to_modify_all(tagging):  # its environment may have been deleted meanwhile
                return
        self.build(environment, content)

    def _image_with_same_content(self, environment: Environment, candidates: Sequence[str]) -> str | None:
        base = environment.dockerfile().base_image
        if not candidates or not base:
            return None
        found = self.inspect_all([base, candidates[0]])
        if len(found) < 2:  # noqa: PLR2004 - one of the two does not exist
            return None
        lower, image = found
        return image.id if image.layers[: len(lower.layers)] == lower.layers else None

    def current(self, environment: Environment) -> Image | None:
        """Return the image that was built from the folder as it is now, None if there is none."""
        return self.inspect(environment.content_tag())

    def state(self, environment: Environment) -> tuple[dict[str, Image], list[str]]:
        """Return the current image and that of a killed command, by tag; and all tags, newest first.

        Looks for the tools image too, because what follows needs it.
        """
        client = self._engine.client
        tags = [environment.content_tag(), environment.candidate, self.tools.image]
        inspected, listed = self._engine.query_all_found(
            [docker.inspect_images(client, tags), docker.list_images(client, environment.tag_patterns)]
        )
        found = {tag: image for image in _inspected(inspected) for tag in image.tags}
        self.tools.note(found)
        return found, [row.tag for row in listed_images(listed)]

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
        return [image.tag for image in self.listed(environment.tag_patterns)]

    def listed(self, references: Sequence[str] = (), label: str = docker.VERSION_LABEL) -> list[ListedImage]:
        """Return the images with a tag of one of the patterns, newest first; without patterns, with that label."""
        rows = listed_images(self._engine.query(docker.list_images(self._engine.client, references, label)))
        return [row for row in rows if not row.tag.endswith(":<none>")]

    def tag(self, image: str, tag: str) -> None:
        """Give an image another tag."""
        self._engine.modify(self.tagging(image, tag))

    def tagging(self, image: str, tag: str) -> list[str]:
        """Return the command that gives an image another tag."""
        return docker.tag_image(self._engine.client, image, tag)

    def remove(self, tags: Sequence[str]) -> None:
        """Remove tags, and the images that have no other tag; an image that a container uses stays."""
        if tags and not self._engine.dry:
            self._engine.try_to_modify(docker.remove_images(self._engine.client, tags))

    def remove_all(self, environment: Environment) -> None:
        """Remove every image of the environment.

        Raises `ImageInUse`, before it removes any, if a container uses one.
        """
        self._remove_reader_container(environment)
        tags = self.tags(environment)
        ours = {image.id for image in self.inspect_all(tags)}
        alias = self.inspect(environment.alias)
        if (
            alias and alias.id in ours
        ):  # else it belongs to an environment of the same name in another project
            tags.insert(0, environment.alias)  # first: after a kill, the other tags still show whose it was
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
        self._remove_reader_container(environment)
        self.remove([environment.candidate])

    def _remove_reader_container(self, environment: Environment) -> None:
        if not self._engine.dry:
            name = _reader_container_name(environment)
            self._engine.try_to_modify(docker.remove_container(self._engine.client, name))

    def untag_superseded(self, environment: Environment, before: Sequence[str]) -> bool:
        """Untag the images that this build replaced; they stay as `<none>` until the user prunes them.

        Returns whether there were any. `before` are the environment's tags before the build.
        """
        current = environment.content_tag()
        old = [tag for tag in before if environment.is_content_tag(tag) and tag != current]
        for tag in old:
            # Removing an image's last tag would remove the image, so another tag takes it from the one before. A content
            # tag never names a wrong image, not even for a moment.
            self.tag(tag, environment.superseded)
            self.remove([tag])
        if old:
            self.tag(current, environment.superseded)
        self.remove([tag for tag in before if not environment.is_content_tag(tag)])
        if old:
            self.remove([environment.superseded])
        return bool(old)

    def read_file(self, environment: Environment, image: str, path: str) -> str:
        """Return a text file of an image, without running anything in it."""
        with self._reader_container(environment, image) as name:
            archive = self._engine.query(docker.copy_from_container(self._engine.client, name, path)).encode()
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            file = tar.extractfile(tar.getmembers()[0])
            return file.read().decode() if file else ""

    def read_file_as_shell(self, environment: Environment, image: str, path: str, then: str) -> str:
        """Return shell commands that do what `read_file` does, and pipe the text to `then`."""
        client = self._engine.client
        name = _reader_container_name(environment)
        copy = shell_words(docker.copy_from_container(client, name, path))
        return "\n".join(
            [
                shell_words(docker.create_container(client, image, name)),
                f"{copy} | tar -xO | {then}",
                shell_words(docker.remove_container(client, name)),
            ]
        )

    def package_list(self, environment: Environment) -> str:
        """Return the name of the list that the environment's image can install: apt.txt or apk.txt.

        Its package manager decides; without an image, and with `--dry`, the names in the dockerfile. Raises `PydockError`
        for an image without either.
        """
        image = environment.content_tag()
        if self._engine.dry or not self.inspect(image):
            return _likely_list(environment)
        with self._reader_container(environment, image) as name:
            for file, path in PACKAGE_MANAGERS.items():
                if self._engine.try_to_modify(docker.copy_from_container(self._engine.client, name, path)):
                    return file
        raise errors.PydockError(
            f"The image of '{environment.name}' has neither apt nor apk, so pydock cannot install system packages in it. "
            "Nothing was changed. Add a step to the dockerfile that installs them."
        )

    @contextlib.contextmanager
    def _reader_container(self, environment: Environment, image: str) -> Iterator[str]:
        client = self._engine.client
        name = _reader_container_name(environment)
        create = docker.create_container(client, image, name)
        if not self._engine.try_to_modify(create):  # a killed command may have left the container
            self._engine.try_to_modify(docker.remove_container(client, name))
            self._engine.query(create)
        try:
            yield name
        finally:
            self._engine.try_to_modify(docker.remove_container(client, name))


def _target(environment: Environment) -> BuildTarget:
    return BuildTarget(environment.name, environment.made_now, _likely_list(environment))


def _likely_list(environment: Environment) -> str:
    text = read_if_exists(environment.path(DOCKERFILE)).decode(errors="replace")
    return likely_list(text, environment.build_arguments)


def arguments_text(arguments: Mapping[str, str]) -> str:
    """Return build arguments as the label has them: `GID=1000 UID=1000 USER=me`."""
    return " ".join(f"{name}={value}" for name, value in sorted(arguments.items()))


def _names_packages(requirements: str) -> bool:
    """Return whether a requirements file asks for anything, so that an installer is needed."""
    return any(line.strip() and not line.strip().startswith("#") for line in requirements.splitlines())


def _refuse_credentials(words: Sequence[str]) -> None:
    for word in words:
        found = find_credentials(word)
        if found:
            host = f" at {found[0].host}" if found[0].host else ""
            raise errors.BadSetting(
                f"An address{host} in the setting 'build_options' or 'repository' has a password or a token, which would "
                "be on a command line and in the image's history. Put it into ~/.netrc or pip's configuration; pydock "
                "passes both as build secrets."
            )


def _reader_container_name(environment: Environment) -> str:
    """Return the name of the container that files are copied from; it never runs."""
    return f"{environment.name}-{environment.identity}-read"


def listed_images(listing: str) -> list[ListedImage]:
    """Return what `docker images` printed, a JSON object per line; raises `ValueError` or `KeyError` if it is not that."""
    return [ListedImage.of(json.loads(line)) for line in listing.splitlines() if line.strip()]


def _inspected(answer: str) -> list[Image]:
    return [_image(raw) for raw in json.loads(answer or "[]")]


def _image(raw: dict[str, Any]) -> Image:
    config, root = raw.get("Config") or {}, raw.get("RootFS") or {}
    return Image(
        raw["Id"],
        raw.get("RepoTags") or [],
        config.get("User") or "",
        root.get("Layers") or [],
        config.get("Labels") or {},
    )
