"""Changing the packages of an environment: resolve, build a candidate image, check it, and only then commit.

The rename of `requirements.txt` is the commit. A command that is killed before it leaves the environment as it was; one
that is killed after it leaves it as it should be, and the next command removes the leftovers.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import time
from typing import TYPE_CHECKING, NamedTuple

from packaging.utils import canonicalize_name

from pydock import errors
from pydock.engine.build_secrets import variable_values
from pydock.engine.build_step import build_step
from pydock.engine.images import Image
from pydock.environments import files
from pydock.environments.environment import DOCKERFILE, REQUIREMENTS, REQUIREMENTS_IN
from pydock.environments.signals import signals_deferred
from pydock.environments.temporary import temporary_folder, writing
from pydock.messages import set_outcome
from pydock.packages import requirements

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pydock.engine.client import Engine
    from pydock.engine.images import Images
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
# What `--dry` continues with if an image would have been built.
NOT_BUILT = Image("", [], "", [], {})
# Installed with Python rather than by the user; pip's own `freeze` leaves them out too.
TOOLS = {"pip", "setuptools", "wheel", "distribute"}


class Changes(NamedTuple):
    """What a command changed: packages, as `name==version` lines, and whether requirements.in changed."""

    added: list[str]
    removed: list[str]
    requests_changed: bool

    @classmethod
    def between(cls, before: str, after: str, *, requests_changed: bool) -> Changes:
        old, new = _pins(before), _pins(after)
        return cls(sorted(new - old), sorted(old - new), requests_changed)

    def __str__(self) -> str:
        signs = [f"+ {line}" for line in self.added] + [f"- {line}" for line in self.removed]
        return "\n".join(sorted(signs, key=lambda sign: (sign[2:].split("==")[0], sign[0] == "+")))

    def summary(self, requested: Sequence[str], seconds: float, columns: int) -> str:
        """Return one line: as many packages as fit, those that were `requested` first, how many, and the changed files."""
        before = dict(line.split("==", 1) for line in self.removed if "==" in line)
        after = [line.partition("==")[::2] for line in self.added]
        names = {name for name, _ in after}
        parts = [
            f"+ {name} {version}{f' (was {before[name]})' if name in before else ''}"
            for name, version in after
        ]
        parts += [f"- {line.replace('==', ' ')}" for line in self.removed if line.split("==")[0] not in names]
        parts.sort(key=lambda part: part.split()[1] not in requested)
        updated = f"{REQUIREMENTS} and {REQUIREMENTS_IN}" if self.requests_changed else REQUIREMENTS
        count = "1 package" if len(parts) == 1 else f"{len(parts)} packages"
        end = f"{count}, {seconds:.1f} s; {updated} updated"
        shown = len(parts)
        while shown > 1 and len(_list_of(parts, shown)) + len(end) + 2 > columns:
            shown -= 1
        return f"{_list_of(parts, shown)}, {end}"


NO_CHANGES = Changes([], [], requests_changed=False)


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
        self.requested = self._read_requested()

    def install(self, lines: Sequence[Line]) -> Changes:
        """Install the requested packages, as one layer on the current image."""
        requirements.check_file(self._environment.path(REQUIREMENTS))
        requested = requirements.merge(self.requested, lines)
        variable_values(_specifiers(requested), os.environ)
        image = self.up_to_date_image()
        try:
            self._build_increment(image, requested, lines)
            if self._engine.dry:
                return NO_CHANGES
            frozen = self._images.read_file(self._environment, self._environment.candidate, FREEZE_FILE)
            pinned = self._requirements_text(frozen, requested)
            if len(image.layers) >= MAX_LAYERS:
                self._images.remove_candidate(self._environment)
                self._tags.remove(self._environment.candidate)
                self._rebuild(pinned)
                return self._commit(pinned, requested)
            return self._commit(pinned, requested, self._environment.candidate)
        except BaseException:
            with contextlib.suppress(errors.PydockError):
                self._images.remove_candidate(self._environment)
            raise

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
        pinned = self._resolve(requested, [])
        if self._engine.dry:
            return NO_CHANGES
        needed = {line.name for line in requirements.parse_text(pinned, REQUIREMENTS)} & set(names)
        if needed:
            raise errors.PackagesUnavailable(
                f"{_are(sorted(needed))} needed by other requested packages "
                f"({', '.join(requirements.names(requested))}); nothing was changed. Uninstall those too."
            )
        return self._rebuild_and_commit(pinned, requested)

    def update(self, names: Sequence[str]) -> Changes:
        """Update packages, or all of them, to the newest versions that the requested ones allow."""
        installed = self.installed_names()  # reads requirements.txt before anything is built
        missing = [name for name in names if name not in installed]
        if missing:
            raise errors.PackagesUnavailable(
                f"{_are(missing)} not installed in '{self._environment.name}'. `pydock install` installs packages."
            )
        pinned = self._resolve(self.requested, names or [EVERYTHING])
        return NO_CHANGES if self._engine.dry else self._rebuild_and_commit(pinned, self.requested)

    def installed_names(self) -> set[str]:
        """Return the names of the packages that requirements.txt has."""
        return {line.name for line in self._installed()}

    def has_requested(self, lines: Sequence[Line]) -> bool:
        """Return whether an installation of these lines would change nothing of what is requested and installed."""
        wanted = requirements.merge(self.requested, lines)
        return wanted == self.requested and set(requirements.names(lines)) <= self.installed_names()

    def up_to_date_image(self) -> Image:
        """Return the image of the folder as it is; build it if it does not exist."""
        content, candidate = self._environment.content_tag(), self._environment.candidate
        found, self._tags = self._images.state(self._environment)
        leftovers = [tag for tag in self._tags if not self._environment.is_content_tag(tag)]
        if leftovers:  # from a command that was killed
            self._images.remove_candidate(self._environment)
            self._images.remove([tag for tag in leftovers if tag != candidate])
            self._tags = [tag for tag in self._tags if tag not in leftovers]
        image = found.get(content)
        if image is None:
            self._images.build(self._environment, content)
            self._tags.append(content)
            image = self._images.current(self._environment)
        if image is None:
            if not self._engine.dry:
                raise errors.ImageMissing(
                    f"The image of '{self._environment.name}' was removed while it was in use. Try again."
                )
            return NOT_BUILT
        return image

    def _build_increment(self, image: Image, requested: Sequence[Line], wanted: Sequence[Line]) -> None:
        candidate = self._environment.candidate
        inputs = {
            "wanted.txt": _specifiers([*requirements.options(requested), *wanted]),
            "constraints.txt": _specifiers(requirements.bounds(requested)),
            "requested.txt": _specifiers(requested),
        }
        self._build_step("increment.sh", inputs, tags=[candidate], user=image.user or "root")
        self._tags.append(candidate)

    def _resolve(self, requested: Sequence[Line], upgrade: Sequence[str]) -> str:
        """Return the pins for what is requested; `upgrade` names what may change, or is `[EVERYTHING]`."""
        self.up_to_date_image()
        lines = {line.name: line.text for line in requested}
        inputs = {
            "requested.txt": _specifiers(requested),
            "installed.txt": _specifiers(self._installed()),
            "upgrade-names.txt": _joined(upgrade),
            "upgrade-lines.txt": _joined(lines.get(name, name) for name in upgrade if name != EVERYTHING),
        }
        with temporary_folder() as folder:
            self._build_step("resolve.sh", inputs, output=folder, resolved=RESOLVED_FOLDER)
            text = files.read_if_exists(os.path.join(folder, REQUIREMENTS)).decode()
            return self._requirements_text(text, requested)

    def _build_step(
        self,
        program: str,
        inputs: dict[str, str],
        *,
        tags: Sequence[str] = (),
        output: str = "",
        user: str = "",
        resolved: str = "",
    ) -> None:
        image = self._environment.content_tag()
        with self._images.tools.context(self._environment, image) as tools:
            build_step(
                self._images,
                self._environment,
                tools,
                program,
                inputs,
                tags=tags,
                output=output,
                templates=self._settings.templates,
                image=image,
                uid=0 if self._engine.rootless else self._environment.caller.uid,
                user=user,
                resolved=resolved,
                timestamp=time.time_ns(),
            )

    def _rebuild(self, pinned: str) -> None:
        """Build the folder as it will be with `pinned` as its requirements.txt, unless that image exists."""
        tag = self._content_tag(pinned)
        if self._images.inspect(tag):
            return
        with temporary_folder() as parent:
            context = os.path.join(parent, self._environment.name)
            with writing(context):
                _copy_folder(self._environment.folder, context)
                files.replace_file(context, REQUIREMENTS, pinned)
            self._images.build(self._environment, tag, context=context, alias=False)
            self._tags.append(tag)
            self._uncommitted.append(tag)

    def _rebuild_and_commit(self, pinned: str, requested: Sequence[Line]) -> Changes:
        if pinned != self._before[REQUIREMENTS]:
            self._rebuild(pinned)
        return self._commit(pinned, requested)

    def _commit(self, pinned: str, requested: Sequence[Line], candidate: str = "") -> Changes:
        if self._read_files() != self._before or self._environment.content_tag() != self._content_before:
            self._images.remove(self._uncommitted)
            raise errors.EnvironmentChanged(
                f"{self._environment.folder} was edited while the command ran; nothing was changed. Try again."
            )
        changes = Changes.between(
            self._before[REQUIREMENTS], pinned, requests_changed=list(requested) != self.requested
        )
        content = self._content_tag(pinned)
        if content not in self._tags:  # a tag that is moved leaves an untagged image
            self._images.tag(candidate, content)
            self._uncommitted.append(content)
        with signals_deferred():  # an interruption never falls between the two renames
            try:
                self._write(pinned, requested)
            except errors.PydockError:
                self._images.remove(self._uncommitted)
                raise
            set_outcome("the packages were changed")
        self._images.tag(content, self._environment.alias)
        self._images.remove([tag for tag in self._tags if tag != content])
        return changes

    def _write(self, pinned: str, requested: Sequence[Line]) -> None:
        text = requirements.to_text(requested)
        if pinned != self._before[REQUIREMENTS] or text != self._before[REQUIREMENTS_IN]:
            files.commit(self._environment.folder, pinned, text)

    def _content_tag(self, pinned: str) -> str:
        return self._environment.content_tag(pinned.encode())

    def _requirements_text(self, frozen: str, requested: Sequence[Line]) -> str:
        """Return the text of requirements.txt for the packages that an installer lists.

        Options, such as an index, are copied, because every build of the folder needs them. What the dockerfile
        installed from a local path is left to the dockerfile.
        """
        wanted = set(requirements.names(requested))
        addresses = [line for line in requested if "://" in line.text]
        lines = {}
        for text in frozen.splitlines():
            spelled = text.split("==")[0].split(" @ ")[0]
            name = canonicalize_name(spelled)
            local = not text.strip() or text.startswith(("#", "-e ")) or " @ file:" in text
            if not local and (name not in TOOLS or (name in wanted and name != "pip")):
                line = name + text[len(spelled) :]  # pip and uv spell names differently
                lines[name] = requirements.with_variables(line, addresses)
        options = [line.text for line in requirements.options(requested)]
        text = _joined([*options, *(lines[name] for name in sorted(lines))])
        requirements.refuse_credentials(text, self._environment.path(REQUIREMENTS))
        return text

    def _read_files(self) -> dict[str, str]:
        return {
            name: files.read_if_exists(self._environment.path(name)).decode(errors="replace")
            for name in (DOCKERFILE, REQUIREMENTS, REQUIREMENTS_IN)
        }

    def _read_requested(self) -> list[Line]:
        """Return the requested packages; without a requirements.in, those of requirements.txt."""
        exists = os.path.exists(self._environment.path(REQUIREMENTS_IN))
        file = REQUIREMENTS_IN if exists else REQUIREMENTS
        return requirements.parse_text(self._before[file], self._environment.path(file))

    def _installed(self) -> list[Line]:
        lines = requirements.parse_text(self._before[REQUIREMENTS], self._environment.path(REQUIREMENTS))
        return [line for line in lines if line.name]


def _copy_folder(folder: str, copy: str) -> None:
    """Copy what a build can read: files, folders, and symbolic links as they are; no FIFOs, sockets and devices."""

    def special(parent: str, names: list[str]) -> list[str]:
        modes = {name: os.lstat(os.path.join(parent, name)).st_mode for name in names}
        return [
            name
            for name, mode in modes.items()
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode))
        ]

    try:
        shutil.copytree(folder, copy, symlinks=True, ignore=special)
    except OSError as error:  # shutil.Error is one: a list of (file, copy, reason)
        first = error.args[0][0] if isinstance(error, shutil.Error) else (error.filename, "", error.strerror)
        raise errors.PydockError(
            f"Cannot read {first[0]}: {first[2]}. The image is built from it; check its permissions."
        ) from error


def _list_of(parts: Sequence[str], shown: int) -> str:
    """Return the first parts, with a sign only where it changes: `+ numpy 2.1.0, six 1.16.0, - idna 3.1 …`."""
    words = [
        part[2:] if number and part[0] == parts[number - 1][0] else part
        for number, part in enumerate(parts[:shown])
    ]
    return ", ".join(words) + (" …" if shown < len(parts) else "")


def _pins(text: str) -> set[str]:
    return {line.strip() for line in text.splitlines() if line.strip() and not line.startswith(("#", "-"))}


def _specifiers(lines: Iterable[Line]) -> str:
    """Return the lines as a requirements file, without comments and blank lines."""
    return _joined(line.text for line in lines if line.name or line.text.startswith("-"))


def _joined(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _are(names: Sequence[str]) -> str:
    return f"{names[0]} is" if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]} are"
