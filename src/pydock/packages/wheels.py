"""The wheels of the projects that an environment links, while its packages are changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydock.packages import projects, requirements

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pydock.engine.images import Images
    from pydock.engine.links import Wheel
    from pydock.environments.environment import Environment
    from pydock.packages.requirements import Line


class Wheels:
    """Those that one command builds or uses, by the folder of the project."""

    def __init__(self, images: Images, environment: Environment) -> None:
        self._images = images
        self._environment = environment
        self._found: dict[str, Wheel] = {}

    def all(self) -> list[Wheel]:
        return [*self._found.values()]

    def build(self, lines: Sequence[Line], image: str, *, kept: bool = False) -> list[Line]:
        """Build the wheels of the projects that lines link, in the image; return the lines with the packages' names.

        With `kept`, a wheel that exists is not built again.
        """
        wanted = [
            project for project in projects.projects_of(lines) if not (kept and project.folder in self._found)
        ]
        if wanted:
            for wheel in self._images.links.wheels(self._environment, image, wanted, kept=kept):
                self._found[wheel.project.folder] = wheel
        folder = self._environment.folder
        return [projects.named(line, self._wheel(line), folder) if line.project else line for line in lines]

    def as_requirements(self, lines: Iterable[Line]) -> list[Line]:
        """Return the lines as an installer gets them: for a project, its wheel."""
        lines = list(lines)
        hashed = requirements.requires_hashes(lines)
        return [
            projects.as_requirement(self._wheel(line), with_hash=hashed) if line.project else line
            for line in lines
        ]

    def _wheel(self, line: Line) -> Wheel:
        [project] = projects.projects_of([line])
        return self._found[project.folder]._replace(
            project=project
        )  # one folder, and perhaps several sets of extras
