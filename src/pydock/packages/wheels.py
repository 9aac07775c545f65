"""The wheels of local projects, while an environment's packages are changed: those that link, and those that are installed."""

from __future__ import annotations

import contextlib
import os
import shlex
from typing import TYPE_CHECKING, NamedTuple

from pydock import errors
from pydock.engine.links import Wheel, copies
from pydock.environments import stored_wheels
from pydock.environments.stored_wheels import StoredWheel
from pydock.packages import projects, requirements
from pydock.packages.pip_format import HASH
from pydock.packages.requirements import Line
from pydock.trust import hex_digest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from pydock.engine.images import Images
    from pydock.environments.environment import Environment

MAX_SIZE = 256 << 20  # bytes of a wheel: it is in the folder, and most likely in a repository


class _Installed(NamedTuple):
    """A wheel that is installed into the image: the package's name, the wheel in the environment's folder, and its file now."""

    name: str
    stored: StoredWheel
    path: str


class Wheels:
    """Those that one command builds or uses, by the path of the project.

    `pins` are the lines of requirements.txt, which name the wheels that the environment's folder has.
    """

    def __init__(self, images: Images, environment: Environment, pins: Iterable[Line]) -> None:
        self._images = images
        self._environment = environment
        self._found: dict[str, Wheel] = {}
        self._installed: dict[str, _Installed] = {}
        self._built: list[str] = []
        self._pinned = {
            line.name: stored
            for line in pins
            if (stored := stored_wheels.parse_requirement(line.requirement)) is not None
        }

    def all(self) -> list[Wheel]:
        """Return the wheels that link projects."""
        return [*self._found.values()]

    def stored(self) -> dict[StoredWheel, str]:
        """Return the wheels that the environment's folder will have, each with the path of its file now."""
        return {installed.stored: installed.path for installed in self._installed.values()}

    def as_shell(self) -> str:
        """Return the shell commands that keep new wheels in the environment's folder, for `--dry`."""
        lines = []
        for stored, source in self.stored().items():
            place = os.path.join(self._environment.copy_of or self._environment.folder, stored.path)
            if place != source:
                lines += [
                    f"mkdir -p {shlex.quote(os.path.dirname(place))}",
                    f"cp {shlex.quote(source)} {shlex.quote(place)}",
                ]
        return "\n".join(
            ["# pydock takes the SHA-256 of the wheel for the folder's name.", *lines] if lines else []
        )

    def remove_built(self) -> None:
        """Remove the files of wheels that the environment's folder has now."""
        for path in self._built:
            with contextlib.suppress(OSError):
                os.unlink(path)

    def files(self) -> dict[str, str]:
        """Return the files for a step: name -> path."""
        return {
            **copies(self.all()),
            **{installed.stored.path: installed.path for installed in self._installed.values()},
        }

    def build(
        self, lines: Sequence[Line], image: str, *, kept: bool = False, stored: Collection[str] = ()
    ) -> list[Line]:
        """Build the wheels of the projects in these lines, in the image; return the lines with the packages' names.

        With `kept`, a wheel that exists is not built again; nor is the one in the environment's folder for the packages
        `stored`. Raises `PackagesUnavailable` if two projects are the same package.
        """
        wanted = [
            project for project in projects.projects_of(lines) if not (kept and project.folder in self._found)
        ]
        if wanted:
            for wheel in self._images.links.wheels(self._environment, image, wanted, kept=kept):
                self._found[wheel.project.folder] = wheel
        self._build_installed([line for line in lines if line.source], image, kept=kept, stored=stored)
        folder = self._environment.copy_of or self._environment.folder
        named = [
            projects.named(line, self._wheel(line), folder) if line.project or line.source else line
            for line in lines
        ]
        _refuse_same_names(named)
        return named

    def _build_installed(
        self, lines: Sequence[Line], image: str, *, kept: bool, stored: Collection[str]
    ) -> None:
        wanted = []
        for line in lines:
            project = projects.project_of(line)
            if kept and project.folder in self._installed:
                continue
            pinned = self._pinned.get(line.name) if kept or line.name in stored else None
            if pinned and stored_wheels.is_intact(self._environment.folder, pinned):
                path = self._environment.path(pinned.path)
                self._installed[project.folder] = _Installed(line.name, pinned, path)
            else:
                wanted.append(project._replace(extras=""))
        for wheel in self._images.links.full_wheels(self._environment, image, sorted(set(wanted))):
            if wheel.path != wheel.project.folder:
                self._built.append(wheel.path)
            size = os.path.getsize(wheel.path)
            if size > MAX_SIZE:
                raise errors.PackagesUnavailable(
                    f"The wheel of {wheel.project.folder} has {size >> 20} MB; at most {MAX_SIZE >> 20} MB can be kept "
                    "in an environment's folder. Nothing was changed. Leave data out of the package, or link the project: "
                    "`-e PATH`."
                )
            content = errors.read_file(wheel.path)
            made = StoredWheel(os.path.basename(wheel.path), hex_digest(content))
            self._installed[wheel.project.folder] = _Installed(wheel.name, made, wheel.path)

    def as_requirements(self, lines: Iterable[Line]) -> list[Line]:
        """Return the lines as an installer gets them: for a project, its wheel."""
        lines = list(lines)
        hashed = requirements.requires_hashes(lines)
        return [
            self._as_requirement(line, hashed=hashed) if line.project or line.source else line
            for line in lines
        ]

    def pins(self, lines: Sequence[Line]) -> Mapping[str, str]:
        """Return the lines of requirements.txt for the projects that are installed, by the package's name."""
        hashed = requirements.requires_hashes(lines)
        return {
            line.name: _pin(line.name, self._stored(line), hashed=hashed) for line in lines if line.source
        }

    def replaced(self, lines: Iterable[Line]) -> list[str]:
        """Return the names of packages that pip would not install again, because the version may be the same."""
        return [line.name for line in lines if line.source]

    def _as_requirement(self, line: Line, *, hashed: bool) -> Line:
        if line.project:
            return projects.as_requirement(self._wheel(line), with_hash=hashed)
        extras = projects.project_of(line).extras
        text = _pin(f"{line.name}[{extras}]" if extras else line.name, self._stored(line), hashed=hashed)
        return Line(text, line.name, text)

    def _stored(self, line: Line) -> StoredWheel:
        return self._installed[projects.project_of(line).folder].stored

    def _wheel(self, line: Line) -> Wheel:
        """Return the wheel of a line; one folder may have several sets of extras."""
        project = projects.project_of(line)
        if line.project:
            return self._found[project.folder]._replace(project=project)
        installed = self._installed[project.folder]
        return Wheel(project, installed.name, installed.path)


def _pin(name: str, wheel: StoredWheel, *, hashed: bool) -> str:
    return f"{name} @ {wheel.address}" + (f" {HASH}=sha256:{wheel.sha256}" if hashed else "")


def _refuse_same_names(lines: Iterable[Line]) -> None:
    """Raise `PackagesUnavailable` if two folders are projects of the same name; one folder may be in several lines."""
    places: dict[str, str] = {}
    for line in lines:
        if line.project or line.source:
            place = projects.project_of(line).folder
            other = places.setdefault(line.name, place)
            if other != place:
                raise errors.PackagesUnavailable(
                    f"{other} and {place} are both the package '{line.name}', and an environment can have only one of them; "
                    "nothing was changed. Rename one, or leave one out."
                )
