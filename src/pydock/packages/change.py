"""Changing the packages of an environment: resolve, build a candidate image, check it, and only then commit.

The rename of `requirements.txt` is the commit. A command that is killed before it leaves the environment as it was; one
that is killed after it leaves it as it should be, and the next command removes the leftovers.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from pydock import errors
from pydock.engine.build_secrets import read_pip_options, variable_values
from pydock.engine.build_step import build_step
from pydock.engine.links import links
from pydock.engine.warm import retire_all
from pydock.environments import files, package_lists, stored_wheels
from pydock.environments.environment import DOCKERFILE, PACKAGE_LISTS, REQUIREMENTS, REQUIREMENTS_IN
from pydock.environments.requested import is_edited
from pydock.environments.requested import remember as remember_requests
from pydock.environments.signals import signals_deferred
from pydock.environments.temporary import temporary_folder, writing
from pydock.messages import redacted, set_outcome
from pydock.packages import projects, requirement_files, requirements
from pydock.packages.dry import REBUILD, commit_as_shell, not_built
from pydock.packages.folder_copy import copy_folder
from pydock.packages.pinned_build import build_pinned
from pydock.packages.pins import NO_CHANGES, Changes, pinned_text
from pydock.packages.requirement_addresses import refuse_credentials
from pydock.packages.system import SystemChange, plan_system_change
from pydock.packages.wheels import Wheels
from pydock.packages.wheels_mount import WheelsMount, has_mount, with_mount

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from pydock.engine.client import Engine
    from pydock.engine.images import Image, Images
    from pydock.environments.environment import Environment
    from pydock.packages.requirements import Line
    from pydock.settings import Settings

# Each install adds a layer, and Docker fails at about 125. A build from the files starts again with a few.
MAX_LAYERS = 40
# Where inside/increment.sh writes the list of installed packages, and where the dockerfile copies requirements.txt.
FREEZE_FILE = "/usr/local/share/requirements.txt"
# The folder that inside/resolve.sh writes to.
RESOLVED_FOLDER = "/resolved"
EVERYTHING = "*"


class Packages:
    """The packages of one environment, whose folder must be locked while they are changed."""

    def __init__(self, engine: Engine, images: Images, settings: Settings, environment: Environment) -> None:
        self._engine = engine
        self._images = images
        self._settings = settings
        self._environment = environment
        self._before = self._read_files()
        self._content_before = environment.content_tag()
        self._uncommitted: list[str] = []  # tags of a change that is not committed yet
        self._tags: list[str] = []  # every tag that the environment has on the engine
        self._wheels = Wheels(images, environment, self._installed())  # of local projects
        # What is built: the environment, or a copy of it whose dockerfile changes.
        self._source = environment
        # Whose image packages are installed on: the environment's, or that of the copy if its system packages change.
        self._base = environment
        self._system: SystemChange | None = None
        self._mount: WheelsMount | None = None
        self._was_edited = is_edited(
            environment
        )  # requirements.in, so that only a resolution of everything applies it
        self._resolved = False
        self.requested = self._read_requested()
        self.shown_folder = environment.folder  # where `--dry` says that the files are

    def install(
        self, lines: Sequence[Line], system: Sequence[str] = (), image: Image | None = None
    ) -> Changes:
        """Install the requested packages, as one layer on the current image, or on `image` if it is known.

        System packages come first, in a build of the files.
        """
        requirement_files.check_file(self._environment.path(REQUIREMENTS))
        pins = [line for line in lines if line.is_pin]
        lines = [line for line in lines if not line.is_pin]
        named = [line for line in lines if not line.project]
        variable_values(requirements.for_installer(requirements.merge(self.requested, named)), os.environ)
        with contextlib.ExitStack() as stack:
            dockerfile = self._dockerfile_for([*lines, *self.requested])
            if system:
                self._system = plan_system_change(
                    system, self._before, self._environment, self._images, self._settings, dockerfile
                )
                self._source = self._base = stack.enter_context(self._copy_with(self._system))
            else:
                self._change_dockerfile(dockerfile, stack)
            return self._install(lines, pins, image or self.up_to_date_image())

    def _install(self, lines: Sequence[Line], pins: Sequence[Line], image: Image) -> Changes:
        try:
            if not lines:
                pinned = self._before[REQUIREMENTS]
                return NO_CHANGES if self._engine.dry else self._commit(pinned, self.requested)
            content = self._base.content_tag()
            lines = self._wheels.build(lines, content)
            requested = self._wheels.build(requirements.merge(self.requested, lines), content, kept=True)
            self._build_increment(image, requested, lines, pins)
            if self._engine.dry:
                if self._wheels.stored():
                    print(redacted(self._wheels.as_shell()))
                place = self.shown_folder
                shown = commit_as_shell(self._images, self._environment, place, FREEZE_FILE, requested)
                print(redacted(shown))
                return NO_CHANGES
            frozen = self._images.read_file(self._environment, self._environment.candidate, FREEZE_FILE)
            pinned, requested = self._pinned(frozen, requested)
            if len(image.layers) >= MAX_LAYERS:
                self._images.remove_candidate(self._environment)
                self._tags.remove(self._environment.candidate)
                self._rebuild(pinned, requested)
                return self._commit(pinned, requested)
            return self._commit(pinned, requested, self._environment.candidate, replaced=image.id)
        except BaseException:
            with contextlib.suppress(errors.PydockError):
                self._images.remove_candidate(self._environment)
                self._images.remove(self._uncommitted)
            raise

    @contextlib.contextmanager
    def _copy_with(self, change: SystemChange | WheelsMount) -> Iterator[Environment]:
        """Yield the environment with a copy of its folder that has the change; with `--dry`, print how to make it."""
        if self._engine.dry and not change.is_empty:
            print(redacted(change.as_shell(self._environment)))
        with temporary_folder() as parent:
            folder = os.path.join(parent, self._environment.name)
            with writing(folder):
                copy_folder(self._environment.folder, folder)
                change.write_copy(folder)
                if stored_wheels.MOUNTED in change.dockerfile:
                    stored_wheels.write(folder, {})
            yield self._environment._replace(folder=folder, copy_of=self._environment.folder)

    def _dockerfile_for(self, lines: Iterable[Line]) -> str:
        """Return the dockerfile as it must be for these requirements: with the mount of wheels if a local project is one."""
        dockerfile = self._before[DOCKERFILE]
        needed = any(line.source for line in lines)
        return with_mount(dockerfile, self._environment) if needed else dockerfile

    def _change_dockerfile(self, dockerfile: str, stack: contextlib.ExitStack) -> None:
        """Make a copy of the folder that has the dockerfile, if it is another one, for as long as `stack` is open."""
        change = WheelsMount(dockerfile, self._before[DOCKERFILE])
        if not change.is_empty:
            self._mount = change
            self._source = stack.enter_context(self._copy_with(change))

    def uninstall(self, names: Sequence[str]) -> Changes:
        """Remove packages, and dependencies that nothing else needs; the image is built again from the files."""
        missing = [
            name
            for name in names
            if name not in self.installed_names() | {line.name for line in self.requested}
        ]
        if missing:
            raise errors.PackagesUnavailable(
                f"{_are(missing)} not installed in '{self._environment.name}'; nothing was changed. "
                f"{self._environment.path(REQUIREMENTS)} lists the installed packages."
            )
        requested = requirements.remove(self.requested, names)
        with contextlib.ExitStack() as stack:
            self._change_dockerfile(self._dockerfile_for(requested), stack)
            return self._uninstall(requested, names)

    def _uninstall(self, requested: Sequence[Line], names: Sequence[str]) -> Changes:
        pinned, requested = self._resolve(requested, [], {line.name for line in requested if line.source})
        if self._engine.dry:
            print(REBUILD)
            return NO_CHANGES
        needed = {line.name for line in requirement_files.parse_text(pinned, REQUIREMENTS)} & set(names)
        if needed:
            raise errors.PackagesUnavailable(
                f"{_are(sorted(needed))} needed by other requested packages "
                f"({', '.join(requirements.names(requested))}); nothing was changed. Uninstall those too."
            )
        return self._rebuild_and_commit(pinned, requested)

    def update(self, names: Sequence[str]) -> Changes:
        """Update packages, or all of them, to the newest versions that the requested ones allow."""
        installed = self.installed_names()  # reads requirements.txt before anything is built
        known = installed | {line.name for line in self.requested}
        missing = [name for name in names if name not in known]
        if missing:
            raise errors.PackagesUnavailable(
                f"{_are(missing)} not installed in '{self._environment.name}'. `pydock install` installs packages."
            )
        local = {line.name for line in self.requested if line.project or line.source}  # built again, or kept
        upgrade = [name for name in names if name not in local] if names else [EVERYTHING]
        with contextlib.ExitStack() as stack:
            self._change_dockerfile(self._dockerfile_for(self.requested), stack)
            pinned, requested = self._resolve(self.requested, upgrade, local - {*names} if names else ())
            if self._engine.dry:
                print(REBUILD)
                return NO_CHANGES
            return self._rebuild_and_commit(pinned, requested)

    def pins_now(self) -> str:
        """Return the text of requirements.txt."""
        return self._before[REQUIREMENTS]

    def pins_after_update(self) -> str:
        """Return the text that requirements.txt would have after an update of everything. Nothing is changed."""
        local = {line.name for line in self.requested if line.project or line.source}
        return self._resolve(self.requested, [EVERYTHING], local)[0]

    def added_system_packages(self) -> list[str]:
        """Return the words that the last installation added to the list of system packages."""
        return self._system.added() if self._system else []

    def installed_names(self) -> set[str]:
        """Return the names of the packages that requirements.txt has."""
        return {line.name for line in self._installed()}

    def has_requested(self, lines: Sequence[Line]) -> bool:
        """Return whether an installation of these lines would change nothing of what is requested and installed."""
        wanted = requirements.merge(self.requested, (line for line in lines if not line.is_pin))
        return wanted == self.requested and set(requirements.names(lines)) <= self.installed_names()

    def up_to_date_image(self) -> Image:
        """Return the image of the folder as it is; build it if it does not exist."""
        package_lists.check_lists(self._base)
        image = self._current_image()
        if image is None:
            content = self._base.content_tag()
            if self._base is self._environment:
                build_pinned(self._images, self._environment, content)
            else:
                context = "" if self._engine.dry else self._base.folder
                self._images.build(self._environment, content, context=context, alias=False)
                self._uncommitted.append(content)
            self._tags.append(content)
            image = self._images.current(self._base)
        if image is None:
            if not self._engine.dry:
                raise errors.ImageMissing(
                    f"The image of '{self._environment.name}' was removed while it was in use. Try again."
                )
            return not_built(self._environment)
        return image

    def _current_image(self) -> Image | None:
        """Return the image of the folder as it is, None if there is none; remove what a killed command left."""
        candidate = self._environment.candidate
        found, self._tags = self._images.state(self._base)
        leftovers = [tag for tag in self._tags if not self._environment.is_content_tag(tag)]
        if leftovers:  # from a command that was killed
            self._images.remove_candidate(self._environment)
            self._images.remove([tag for tag in leftovers if tag != candidate])
            self._tags = [tag for tag in self._tags if tag not in leftovers]
        return found.get(self._base.content_tag())

    @contextlib.contextmanager
    def _image_to_resolve_on(self) -> Iterator[str]:
        """Yield the tag of an image with the environment's Python.

        If the current image does not exist, its pins may not be installable: for another version of Python, or because
        one has vanished from the index. So it is not built; the dockerfile without packages is.
        """
        package_lists.check_lists(self._environment)
        if self._current_image():
            yield self._environment.content_tag()
            return
        try:
            self._build_copy("", (), candidate=True)
        except errors.BuildFailed:  # a step of the user's own dockerfile needs the packages
            self.up_to_date_image()
            yield self._environment.content_tag()
            return
        try:
            yield self._environment.candidate
        finally:
            with contextlib.suppress(errors.PydockError):
                self._images.remove([self._environment.candidate])

    def _build_increment(
        self, image: Image, requested: Sequence[Line], wanted: Sequence[Line], pins: Sequence[Line]
    ) -> None:
        candidate = self._environment.candidate
        names = requirements.names(wanted)
        names_of_wheels = self._wheels.replaced(wanted)
        inputs = {
            "wanted.txt": requirements.for_installer(
                [
                    *requirements.options(requested),
                    *(line for line in wanted if line.name and not line.project and not line.source),
                    *self._wheels.as_requirements(
                        line for line in requested if line.project or (line.source and line.name in names)
                    ),
                ]
            ),
            **({"replaced": _joined(names_of_wheels)} if names_of_wheels else {}),
            "bounds.txt": requirements.for_installer(requirements.bounds(requested)),
            **self._inputs(requested, pins),
        }
        content = self._base.content_tag()
        self._build_step("increment.sh", inputs, content, tags=[candidate], user=image.user or "root")
        self._tags.append(candidate)

    def _inputs(self, requested: Sequence[Line], pins: Sequence[Line] = ()) -> dict[str, str]:
        """Return the files that every step reads; `pins` are more constraints."""
        _, options = read_pip_options(self._settings.pip_config, os.environ)
        of_machine = requirement_files.parse_files([], options.get("constraint", []))
        constraints = [line for line in requested if line.is_constraint] + of_machine + [*pins]
        return {
            "requested.txt": requirements.for_installer(self._wheels.as_requirements(requested)),
            **({"links": links(self._wheels.all())} if self._wheels.all() else {}),
            "constraints.txt": requirements.for_installer(requirements.bounds(constraints)),
            **({"hashes": ""} if requirements.requires_hashes(requested) else {}),
        }

    def _resolve(
        self, requested: Sequence[Line], upgrade: Sequence[str], stored: Collection[str] = ()
    ) -> tuple[str, list[Line]]:
        """Return the pins for what is requested, and this with names.

        `upgrade` names what may change, or is `[EVERYTHING]`. The wheels of the local projects `stored` are not built again.
        """
        self._resolved = True
        with self._image_to_resolve_on() as image, temporary_folder() as folder:
            requested = self._wheels.build(requested, image, stored=stored)
            lines = {line.name: line.requirement for line in requested}
            inputs = {
                **self._inputs(requested),
                "installed.txt": requirements.for_installer(
                    line
                    for line in self._installed()
                    if not stored_wheels.parse_requirement(line.requirement)
                ),
                "upgrade-names.txt": _joined(upgrade),
                "upgrade-lines.txt": _joined(lines.get(name, name) for name in upgrade if name != EVERYTHING),
            }
            self._build_step("resolve.sh", inputs, image, output=folder, resolved=RESOLVED_FOLDER)
            text = files.read_if_exists(os.path.join(folder, REQUIREMENTS)).decode()
            return self._pinned(text, requested)

    def _build_step(
        self,
        program: str,
        inputs: dict[str, str],
        image: str,
        *,
        tags: Sequence[str] = (),
        output: str = "",
        user: str = "",
        resolved: str = "",
    ) -> None:
        with self._images.tools.context(self._environment, image) as tools:
            build_step(
                self._images,
                self._environment,
                tools,
                program,
                inputs,
                copies=self._wheels.files(),
                tags=tags,
                output=output,
                templates=self._settings.templates,
                image=image,
                uid=0 if self._engine.rootless else self._environment.caller.uid,
                user=user,
                resolved=resolved,
                timestamp=time.time_ns(),
            )

    def _rebuild(self, pinned: str, requested: Sequence[Line]) -> None:
        """Build the folder as it will be with `pinned` as its requirements.txt, unless that image exists."""
        tag = self._content_tag(pinned, requested)
        before = self._images.inspect(tag)
        if before and not projects.projects_of(requested):
            return
        self._build_copy(pinned, requested)
        if tag not in self._tags:
            self._tags.append(tag)
            self._uncommitted.append(tag)
        elif before:  # the same files with new links: the tag was moved
            self._images.remove([before.id])

    def _build_copy(self, pinned: str, requested: Sequence[Line], *, candidate: bool = False) -> None:
        """Build a copy of the folder that has `pinned` as its requirements.txt."""
        with temporary_folder() as parent:
            context = os.path.join(parent, self._environment.name)
            with writing(context):
                copy_folder(self._source.folder, context)
                files.replace_file(context, REQUIREMENTS, pinned)
                if self._wheels.stored():
                    stored_wheels.write(context, self._wheels.stored())
            self._images.build(
                self._environment,
                self._content_tag(pinned, requested),
                context=context,
                alias=False,
                candidate=candidate,
                projects=projects.projects_of(requested),
            )

    def _rebuild_and_commit(self, pinned: str, requested: Sequence[Line]) -> Changes:
        if self._wheels.all() or self._content_tag(pinned, requested) not in self._tags:
            self._rebuild(pinned, requested)
        return self._commit(pinned, requested)

    def _commit(
        self, pinned: str, requested: Sequence[Line], candidate: str = "", replaced: str = ""
    ) -> Changes:
        """Write the files, and give the image its tags; `replaced` is the id of the image that the candidate replaces."""
        if self._read_files() != self._before or self._environment.content_tag() != self._content_before:
            self._images.remove(self._uncommitted)
            raise errors.EnvironmentChanged(
                f"{self._environment.folder} was edited while the command ran; nothing was changed. Try again."
            )
        changes = Changes.between(
            self._before[REQUIREMENTS], pinned, requests_changed=list(requested) != self.requested
        )
        content = self._content_tag(pinned, requested)
        self._tag_mounted()
        moved = candidate and content in self._tags and self._wheels.all()  # the same files, with new links
        if moved or content not in self._tags:
            self._images.tag(candidate, content)
        if content not in self._tags:
            self._uncommitted.append(content)
        with signals_deferred():  # an interruption never falls between the two renames
            try:
                self._write(pinned, requested)
            except errors.PydockError:
                self._images.remove(self._uncommitted)
                raise
            self._uncommitted.clear()
            set_outcome("the packages were changed")
            remember_requests(self._environment, edited=self._was_edited and not self._resolved)
            dockerfile = self._read_files()[DOCKERFILE]
            self._wheels.remove_built()
            stored_wheels.remove_others(
                self._environment.folder, stored_wheels.named_in(pinned), mounted=has_mount(dockerfile)
            )
            retire_all(self._environment)
        self._images.tag(content, self._environment.alias)
        # A tag that was moved leaves an untagged image.
        self._images.remove([*(tag for tag in self._tags if tag != content), *([replaced] if moved else [])])
        return changes

    def _write(self, pinned: str, requested: Sequence[Line]) -> None:
        """Write the changed files. Between the two commits the environment has its new dockerfile, and an image."""
        if self._wheels.stored():
            stored_wheels.write(self._environment.folder, self._wheels.stored())
        if self._mount:
            self._mount.commit(self._settings, self._environment)
            self._uncommitted = [tag for tag in self._uncommitted if tag != self._source.content_tag()]
        if self._system and not self._system.is_empty:
            self._system.commit(self._settings, self._environment)
            self._uncommitted = [tag for tag in self._uncommitted if tag != self._source.content_tag()]
        if requested is self.requested and pinned == self._before[REQUIREMENTS]:
            return  # only system packages were asked for
        text = requirements.to_text(requested)
        exists = os.path.exists(self._environment.path(REQUIREMENTS))
        if not exists or pinned != self._before[REQUIREMENTS] or text != self._before[REQUIREMENTS_IN]:
            files.commit(self._environment.folder, pinned, text)

    def _tag_mounted(self) -> None:
        """Tag the image of the environment as that of its new dockerfile too, from which a build would make the same image."""
        before = self._content_before
        if self._mount and before in self._tags:
            tag = self._source.content_tag()
            self._images.tag(before, tag)
            if tag not in self._tags:
                self._tags.append(tag)
                self._uncommitted.append(tag)

    def _content_tag(self, pinned: str, requested: Sequence[Line]) -> str:
        return self._source.content_tag(pinned.encode(), projects.projects_of(requested))

    def _pinned(self, listed: str, requested: Sequence[Line]) -> tuple[str, list[Line]]:
        """Return the text of requirements.txt, and what is requested with the names that the installer found."""
        text = pinned_text(listed, requested, self._wheels.pins(requested))
        place = self._environment.path(REQUIREMENTS)
        refuse_credentials(text, place)
        return text, requirements.with_names(requested, requirement_files.parse_text(text, place))

    def _read_files(self) -> dict[str, str]:
        return {
            name: files.read_if_exists(self._environment.path(name)).decode(errors="replace")
            for name in (DOCKERFILE, REQUIREMENTS, REQUIREMENTS_IN, *PACKAGE_LISTS)
        }

    def _read_requested(self) -> list[Line]:
        """Return the requested packages; without a requirements.in, those of requirements.txt."""
        exists = os.path.exists(self._environment.path(REQUIREMENTS_IN))
        file = REQUIREMENTS_IN if exists else REQUIREMENTS
        folder = self._environment.folder if exists else ""
        lines = requirement_files.parse_text(self._before[file], self._environment.path(file), folder)
        return requirements.with_names(lines, self._installed())

    def _installed(self) -> list[Line]:
        lines = requirement_files.parse_text(self._before[REQUIREMENTS], self._environment.path(REQUIREMENTS))
        return [line for line in lines if line.name]


def _joined(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _are(names: Sequence[str]) -> str:
    return f"{names[0]} is" if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]} are"
