"""What the commands work with: the settings, the engine, the environments and their images."""

from __future__ import annotations

import contextlib
import os
import shlex
from typing import TYPE_CHECKING

from pydock import errors
from pydock.engine.client import Engine
from pydock.engine.containers import container_name, leave_nothing_behind, run_argv
from pydock.engine.endpoint import check_local
from pydock.engine.images import Images
from pydock.environments import files
from pydock.environments.environment import (
    ASKED,
    DOCKERFILE,
    REQUIREMENTS,
    Environment,
    describe_environment,
    environments_folder,
    find_environment,
)
from pydock.messages import say, warn
from pydock.rendering import render
from pydock.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from invoke import Context

    from pydock.packages.change import Changes, Packages
    from pydock.packages.requirements import Line


class Workshop:
    """The environments of one home folder, on one engine."""

    def __init__(self, context: Context) -> None:
        self.settings = context_settings(context)
        self.engine = Engine(context, self.settings)
        self.images = Images(self.engine, self.settings)

    def environment(self, name: str) -> Environment:
        return find_environment(self.settings, name)

    def create(self, name: str, version: str, base: str, requirement: str) -> None:
        """Make folder and image together, or neither; `requirement` is a file to install from, or ""."""
        lines = _read_requirements(requirement)
        folder = os.path.join(environments_folder(self.settings.home), name)
        environment = describe_environment(self.settings, name, folder)
        dockerfile = render(
            "dockerfile.j2",
            self.settings.templates,
            base=base,
            repository=self.settings.repository,
            version=version,
            caller=environment.caller,
            installer=self.settings.installer,
        )
        contents = {DOCKERFILE: dockerfile, REQUIREMENTS: ""}
        with self._new_folder(folder) as place:
            files.write_new(place, contents)
            staged = environment._replace(folder=place)
            if self.engine.dry:
                print(_as_shell(folder, contents))
                self.images.build(environment, [staged.content_tag(), staged.alias])
                return
            try:
                self.images.build_or_adopt(staged, [staged.content_tag(), staged.alias])
                if lines:
                    self._packages(staged).install(lines)
            except BaseException:
                with contextlib.suppress(errors.PydockError):
                    self.images.remove_all(staged)
                raise

    @contextlib.contextmanager
    def packages(self, name: str) -> Iterator[Packages]:
        """Lock the environment and open its packages."""
        environment = self.environment(name)
        with files.locked(environment.folder):
            yield self._packages(environment)

    def build(self, name: str, *, no_cache: bool, pull: bool) -> bool:
        """Build from the files as they are; return whether an older image was left without a name."""
        from pydock.packages.requirements import check_file

        environment = self.environment(name)
        with files.locked(environment.folder):
            check_file(environment.path(REQUIREMENTS))
            before = self.images.tags(environment)
            tags = [environment.content_tag(), environment.alias]
            old = self.images.inspect(tags[0])
            self.images.build(environment, tags, no_cache=no_cache, pull=pull)
            if self.engine.dry:
                return False
            left = self.images.leave_superseded(environment, before)
            new = self.images.inspect(tags[0])
            return left or bool(old and new and old.id != new.id)

    def delete(self, environment: Environment) -> None:
        """Remove the images, then the folder; a folder alone can be built again, an image alone is litter."""
        with files.locked(environment.folder):
            self.images.remove_all(environment)
            if not self.engine.dry:
                files.remove_folder(environment.folder)

    def say(self, sentence: str) -> None:
        """Say what was done, if it was."""
        if not self.engine.dry:
            say(sentence)

    def report(self, name: str, changes: Changes) -> None:
        if changes.added or changes.removed:
            print(changes)
        elif changes.asked:
            self.say(f"The packages of '{name}' stay as they are; {ASKED} now says what was asked for.")
        else:
            self.say(f"Nothing to change in '{name}'.")

    def run(self, name: str, command: Sequence[str]) -> int:
        """Run a command in the environment, on our own terminal; return its exit code."""
        environment = self.environment(name)
        check_local(self.settings)
        image = self._image_to_run(environment)
        container = container_name(environment)
        argv = run_argv(self.settings, environment, image, container, command)
        if self.engine.dry:
            return self.engine.terminal(argv)
        held = leave_nothing_behind(self.settings, container)
        try:
            return self.engine.terminal(argv)
        finally:
            os.close(held)

    def _image_to_run(self, environment: Environment) -> str:
        tag = environment.content_tag()
        if self.images.current(environment):
            return tag
        older = [old for old in self.images.tags(environment) if old != environment.candidate]
        if older:
            warn(
                f"{environment.folder} has changed since its image was built; this is the image as it was. "
                f"`pydock build {environment.name}` brings it up to date."
            )
            return older[0]
        raise errors.ImageMissing(
            f"Environment '{environment.name}' has no image on this engine. `pydock build {environment.name}` makes it."
        )

    def _packages(self, environment: Environment) -> Packages:
        from pydock.packages.change import Packages

        return Packages(self.engine, self.images, self.settings, environment)

    @contextlib.contextmanager
    def _new_folder(self, folder: str) -> Iterator[str]:
        if self.engine.dry:
            import tempfile  # rarely needed

            with tempfile.TemporaryDirectory(prefix="pydock-") as place:
                yield place
        else:
            with files.locked_new(folder) as place:
                yield place


def context_settings(context: Context) -> Settings:
    """Return the settings for invoke's configuration: its table `pydock`, laid over pydock's own defaults.

    A parent collection's `configure` replaces the whole table, so nothing in it is taken for granted.
    """
    table = dict(context.config.get("pydock", {}))
    return load_settings(table, table.pop("command_line", None))


def _read_requirements(path: str) -> list[Line]:
    if not path:
        return []
    from pydock.packages.requirements import parse_file

    return parse_file(path)


def _as_shell(folder: str, contents: dict[str, str]) -> str:
    """Return the shell lines that would make the folder."""
    lines = [f"mkdir -p {shlex.quote(folder)}"]
    for name, text in contents.items():
        path = shlex.quote(os.path.join(folder, name))
        lines.append(f"cat > {path} <<'END'\n{text}END" if text else f": > {path}")
    return "\n".join(lines)
