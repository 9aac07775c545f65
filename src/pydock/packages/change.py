"""Changing what an environment holds: ask, resolve, build a candidate, check it, and only then commit.

The rename of `requirements.txt` is the commit. Killed before it, a command leaves the environment as it was;
killed after it, as it should be, and the next command puts away what is left over.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import tempfile
import time
from typing import TYPE_CHECKING, NamedTuple

from packaging.utils import canonicalize_name

from pydock import errors
from pydock.engine.images import Image
from pydock.environments import files
from pydock.environments.environment import ASKED, DOCKERFILE, REQUIREMENTS
from pydock.packages import requirements
from pydock.packages.build_step import build_step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydock.engine.client import Engine
    from pydock.engine.images import Images
    from pydock.environments.environment import Environment
    from pydock.packages.requirements import Line
    from pydock.settings import Settings

# Each install is a layer; Docker fails at about 125. Rebuilding from the files gives all but a few of them back.
MAX_LAYERS = 40
# What an increment compiles with.
COMPILER = "compile_bytecode.py"
# Where an increment leaves the list of what is installed.
FROZEN = "/usr/local/share/requirements.txt"
EVERYTHING = "*"
# What `--dry` goes on with where an image would have been built.
NOT_BUILT = Image("", [], "", [])
# What Python brings along rather than the user; see pip's own `freeze`.
TOOLS = {"pip", "setuptools", "wheel", "distribute"}


class Changes(NamedTuple):
    """What a command changed: packages, as `name==version` lines, and whether it was what is asked for."""

    added: list[str]
    removed: list[str]
    asked: bool

    @classmethod
    def between(cls, before: str, after: str, *, asked: bool) -> Changes:
        old, new = _lines(before), _lines(after)
        return cls(sorted(new - old), sorted(old - new), asked)

    def __str__(self) -> str:
        signs = [f"+ {line}" for line in self.added] + [f"- {line}" for line in self.removed]
        return "\n".join(sorted(signs, key=lambda sign: (sign[2:].split("==")[0], sign[0] == "+")))


NOTHING = Changes([], [], asked=False)


class Packages:
    """The packages of one environment, whose folder must be locked while they are changed."""

    def __init__(self, engine: Engine, images: Images, settings: Settings, environment: Environment) -> None:
        self._engine = engine
        self._images = images
        self._settings = settings
        self._environment = environment
        self._before = self._files()
        self._content = environment.content_tag()  # of all that the image is built from
        self._uncommitted: list[str] = []  # tags that were given for a change that is not committed yet
        self._tags: list[str] = []  # every tag that the environment has on the engine, or was given since
        self.asked = self._read_asked()

    def install(self, lines: Sequence[Line]) -> Changes:
        """Install what is asked for, as one layer on the current image."""
        requirements.check_file(self._environment.path(REQUIREMENTS))
        asked = requirements.merge(self.asked, lines)
        image = self.up_to_date()
        try:
            self._increment(image, asked, lines)
            if self._engine.dry:
                return NOTHING
            frozen = self._images.read_file(self._environment, self._environment.candidate, FROZEN)
            pinned = self._pinned(frozen, asked)
            if len(image.layers) >= MAX_LAYERS:
                self._rebuild(pinned)
                return self._commit(pinned, asked)
            return self._commit(pinned, asked, self._environment.candidate)
        except BaseException:
            with contextlib.suppress(errors.PydockError):
                self._images.remove_candidate(self._environment)
            raise

    def uninstall(self, names: Sequence[str]) -> Changes:
        """Remove packages, and what only they needed; the image is rebuilt from the files."""
        installed = {line.name for line in self._installed()}
        missing = [name for name in names if name not in installed | {line.name for line in self.asked}]
        if missing:
            raise errors.PackagesUnavailable(
                f"{_listed(missing)} not installed in '{self._environment.name}'. Nothing was changed; "
                f"{self._environment.path(REQUIREMENTS)} lists what is."
            )
        asked = requirements.remove(self.asked, names)
        pinned = self._resolve(asked, [])
        if self._engine.dry:
            return NOTHING
        needed = {line.name for line in requirements.parse_text(pinned, REQUIREMENTS)} & set(names)
        if needed:
            raise errors.PackagesUnavailable(
                f"{_listed(sorted(needed))} needed by other packages that were asked for "
                f"({', '.join(requirements.names(asked))}). Uninstall those too; nothing was changed."
            )
        return self._rebuild_and_commit(pinned, asked)

    def update(self, names: Sequence[str]) -> Changes:
        """Bring packages, or all of them, to the newest versions that what was asked for allows."""
        installed = {line.name for line in self._installed()}
        missing = [name for name in names if name not in installed]
        if missing:
            raise errors.PackagesUnavailable(
                f"{_listed(missing)} not installed in '{self._environment.name}'. `pydock install` installs packages."
            )
        pinned = self._resolve(self.asked, names or [EVERYTHING])
        return NOTHING if self._engine.dry else self._rebuild_and_commit(pinned, self.asked)

    def up_to_date(self) -> Image:
        """Return the image that belongs to the folder as it is, building it where it is missing."""
        content, candidate = self._environment.content_tag(), self._environment.candidate
        found, self._tags = self._images.state(self._environment)
        if candidate in found:  # of a command that was killed
            self._images.remove_candidate(self._environment)
            self._tags.remove(candidate)
        image = found.get(content)
        if image is None:
            self._images.build(self._environment, [content, self._environment.alias])
            self._tags.append(content)
            image = self._images.current(self._environment)
        if image is None:
            if not self._engine.dry:
                raise errors.ImageMissing(
                    f"The image of '{self._environment.name}' was removed while it was used."
                )
            return NOT_BUILT
        return image

    def _increment(self, image: Image, asked: Sequence[Line], wanted: Sequence[Line]) -> None:
        candidate = self._environment.candidate
        build_step(
            self._images,
            self._settings,
            "increment.dockerfile.j2",
            tags=[candidate],
            scripts=[COMPILER],
            image=self._environment.content_tag(),
            user=image.user or "root",
            asked=_quoted(asked),
            wanted=_quoted([*requirements.options(asked), *wanted]),
            bounds=_quoted(requirements.bounds(asked)),
            moment=time.time_ns(),
            frozen=FROZEN,
        )
        self._tags.append(candidate)

    def _resolve(self, asked: Sequence[Line], upgrade: Sequence[str]) -> str:
        """Return the pins for what is asked for; `upgrade` names what may change, or is `[EVERYTHING]`."""
        self.up_to_date()
        everything = list(upgrade) == [EVERYTHING]
        lines = {line.name: line.text for line in asked}
        with_uv = ["--upgrade"] if everything else [f"--upgrade-package={name}" for name in upgrade]
        if everything:
            with_pip = ["--upgrade", "--upgrade-strategy", "eager", "--requirement", "/tmp/requirements.in"]
        elif upgrade:
            with_pip = ["--upgrade", *(lines.get(name, name) for name in upgrade)]
        else:
            with_pip = ["--requirement", "/tmp/requirements.in"]
        with tempfile.TemporaryDirectory(prefix="pydock-") as folder:
            build_step(
                self._images,
                self._settings,
                "resolution.dockerfile.j2",
                output=folder,
                image=self._environment.content_tag(),
                asked=_quoted(asked),
                installed=_quoted(self._installed()),
                moment=time.time_ns(),
                upgrade_with_uv=shlex.join(with_uv),
                upgrade_with_pip=shlex.join(with_pip),
            )
            return self._pinned(files.read_bytes(os.path.join(folder, REQUIREMENTS)).decode(), asked)

    def _rebuild(self, pinned: str) -> None:
        """Build the folder as it will be once `pinned` is its requirements.txt, unless that was done before."""
        tag = self._content_tag(pinned)
        if self._images.inspect(tag):
            return
        with tempfile.TemporaryDirectory(prefix="pydock-") as parent:
            context = os.path.join(parent, self._environment.name)
            shutil.copytree(self._environment.folder, context, symlinks=True)
            with open(os.path.join(context, REQUIREMENTS), "w", encoding="utf-8") as file:
                file.write(pinned)
            self._images.build(self._environment, [tag], context=context)
            self._tags.append(tag)
            self._uncommitted.append(tag)

    def _rebuild_and_commit(self, pinned: str, asked: Sequence[Line]) -> Changes:
        if pinned != self._before[REQUIREMENTS]:
            self._rebuild(pinned)
        return self._commit(pinned, asked)

    def _commit(self, pinned: str, asked: Sequence[Line], candidate: str = "") -> Changes:
        if self._files() != self._before or self._environment.content_tag() != self._content:
            self._images.remove(self._uncommitted)
            raise errors.EnvironmentChanged(
                f"Somebody edited {self._environment.folder} meanwhile. Nothing was changed; try again."
            )
        changes = Changes.between(self._before[REQUIREMENTS], pinned, asked=list(asked) != self.asked)
        content = self._content_tag(pinned)
        if content not in self._tags:  # moved, it would leave a nameless image behind
            self._images.tag(candidate, content)
            self._uncommitted.append(content)
        try:
            self._write(pinned, asked)
        except errors.PydockError:
            self._images.remove(self._uncommitted)
            raise
        self._images.tag(content, self._environment.alias)
        self._images.remove([tag for tag in self._tags if tag != content])
        return changes

    def _write(self, pinned: str, asked: Sequence[Line]) -> None:
        if pinned != self._before[REQUIREMENTS] or requirements.to_text(asked) != self._before[ASKED]:
            files.commit(self._environment.folder, pinned, requirements.to_text(asked))

    def _content_tag(self, pinned: str) -> str:
        return self._environment.content_tag(pinned.encode())

    def _pinned(self, frozen: str, asked: Sequence[Line]) -> str:
        """Return the text of requirements.txt for what an installer lists as installed.

        Options (an index, say) go with it, for whoever builds the folder. What the dockerfile installed from a
        path of its own is left to the dockerfile.
        """
        wanted = set(requirements.names(asked))
        lines = {}
        for text in frozen.splitlines():
            spelled = text.split("==")[0].split(" @ ")[0]
            name = canonicalize_name(spelled)
            foreign = not text.strip() or text.startswith(("#", "-e ")) or " @ file:" in text
            if not foreign and (name not in TOOLS or (name in wanted and name != "pip")):
                lines[name] = name + text[len(spelled) :]  # pip and uv spell names differently
        options = [line.text for line in requirements.options(asked)]
        return "".join(f"{text}\n" for text in [*options, *(lines[name] for name in sorted(lines))])

    def _files(self) -> dict[str, str]:
        return {
            name: files.read_bytes(self._environment.path(name)).decode(errors="replace")
            for name in (DOCKERFILE, REQUIREMENTS, ASKED)
        }

    def _read_asked(self) -> list[Line]:
        """Return what was asked for; a folder without requirements.in asked for what its requirements.txt says."""
        file = ASKED if os.path.exists(self._environment.path(ASKED)) else REQUIREMENTS
        return requirements.parse_text(self._before[file], self._environment.path(file))

    def _installed(self) -> list[Line]:
        lines = requirements.parse_text(self._before[REQUIREMENTS], self._environment.path(REQUIREMENTS))
        return [line for line in lines if line.name]


def _lines(text: str) -> set[str]:
    return {line.strip() for line in text.splitlines() if line.strip() and not line.startswith(("#", "-"))}


def _quoted(lines: Sequence[Line]) -> str:
    """Return the lines as words of a shell; comments stay behind, an empty list gives an empty line."""
    words = [line.text for line in lines if line.name or line.text.startswith("-")]
    return " ".join(shlex.quote(word) for word in words) or "''"


def _listed(names: Sequence[str]) -> str:
    return f"{names[0]} is" if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]} are"
