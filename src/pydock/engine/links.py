"""Links to local projects: an environment's image has their editable wheels, which lead to the folders outside.

The wheel is built in a container, in the project's own folder, because a build backend may write there: compiled
extensions, for example. The wheel itself has no modules, so its installation is a step like any other.
"""

from __future__ import annotations

import base64
import contextlib
import io
import os
import re
import shlex
import tempfile
import zipfile
from typing import TYPE_CHECKING, NamedTuple

from pydock import errors, trust
from pydock.engine import argv as docker
from pydock.engine.build_context import read_program
from pydock.engine.build_log import keep_log
from pydock.engine.build_step import build_step
from pydock.engine.containers import container_name, this_terminal
from pydock.engine.endpoint import check_local
from pydock.engine.places import places_of
from pydock.engine.surroundings import describe_surroundings
from pydock.engine.system_packages import BuildTarget, find_missing
from pydock.environments.content import DOCKERFILE, digest
from pydock.environments.files import read_if_exists
from pydock.environments.linked import LinkedProject, check_inside, check_projects
from pydock.environments.package_lists import likely_list
from pydock.environments.stored_wheels import FILE
from pydock.environments.temporary import PREFIX, write
from pydock.environments.workspace import Workspace
from pydock.messages import redacted, say, shell_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoke import Result

    from pydock.engine.client import Engine
    from pydock.engine.images import Images
    from pydock.environments.environment import Environment
    from pydock.settings import Settings

PROGRAM = "build_wheel.py"
STEP = "link.sh"
EDITABLE, WHEEL = "editable", "wheel"  # what the program builds
MISSING_COMPILER = re.compile(r"^missing compiler: (\S+)\n?", re.MULTILINE)  # what the program prints
MAX_LINES = 12  # of a build backend's output in a message


class Wheel(NamedTuple):
    """A project's editable wheel: the package's canonical name, and the file."""

    project: LinkedProject
    name: str
    path: str

    @property
    def file(self) -> str:
        return os.path.basename(self.path)

    @property
    def requirement(self) -> str:
        """The requirement for a step that has the wheel among its files."""
        extras = f"[{self.project.extras}]" if self.project.extras else ""
        return f"{self.name}{extras} @ file:///requirements/{self.file}"


class Links:
    """Builds editable wheels, and installs them into images. Wheels are kept, so that an installation need not build them."""

    def __init__(self, engine: Engine, settings: Settings, images: Images) -> None:
        self._engine = engine
        self._settings = settings
        self._images = images
        self._supposed_wheels: tempfile.TemporaryDirectory[str] | None = None

    def check(self, projects: Sequence[LinkedProject]) -> None:
        """Raise `UnsafePath` if a project's folder may not be mounted, and `EngineRemote` if the engine cannot."""
        for project in projects:
            check_local(self._settings, folder=project.folder)
        if projects:
            check_projects(projects, self._settings.home)

    def wheels(
        self, environment: Environment, image: str, projects: Sequence[LinkedProject], *, kept: bool = False
    ) -> list[Wheel]:
        """Return the wheels of projects, built in containers of the image; with `kept`, earlier ones if there are any.

        Raises what `check` raises, and `PackagesUnavailable` if a wheel cannot be built.
        """
        self.check(projects)
        return [
            (self._kept(environment, project) if kept else None) or self._build(environment, image, project)
            for project in projects
        ]

    def full_wheels(
        self, environment: Environment, image: str, sources: Sequence[LinkedProject]
    ) -> list[Wheel]:
        """Return wheels with the modules of projects, built in containers of the image; one that is a wheel is taken as it is.

        Raises what `wheels` raises.
        """
        for source in sources:
            if not os.path.exists(source.folder):
                raise errors.PydockError(
                    f"{source.folder} was not found, so its wheel cannot be built again; nothing was changed. Put it back, name "
                    f"the packages to update (`pydock update {environment.name} PACKAGE`), or uninstall it."
                )
        folders = [source for source in sources if not os.path.isfile(source.folder)]
        self.check(folders)
        check_inside([source for source in sources if source not in folders], self._settings.home)
        return [
            self._build(environment, image, source, WHEEL) if source in folders else _given(source)
            for source in sources
        ]

    def link(self, environment: Environment, wheels: Sequence[Wheel]) -> None:
        """Install the wheels on top of the candidate image; the result is the candidate then."""
        candidate = environment.candidate
        before = None if self._engine.dry else self._images.inspect(candidate)
        with self._images.tools.context(environment, candidate) as tools:
            build_step(
                self._images,
                environment,
                tools,
                STEP,
                {
                    "projects.txt": "".join(f"{wheel.requirement}\n" for wheel in wheels),
                    "links": links(wheels),
                },
                copies=copies(wheels),
                tags=[candidate],
                templates=self._settings.templates,
                image=candidate,
                uid=0 if self._engine.rootless else environment.caller.uid,
                user=(before and before.user) or "root",
                resolved="",
                timestamp=0,
            )
        if before:
            self._images.remove([before.id])  # it has lost its tag

    def _build(
        self, environment: Environment, image: str, project: LinkedProject, kind: str = EDITABLE
    ) -> Wheel:
        say(f"Preparing {project.folder}")
        container = container_name(environment)
        surroundings = describe_surroundings(self._settings, environment)
        program = read_program(PROGRAM)
        argv = docker.run_command(
            self._settings.engine,
            image,
            environment,
            container,
            places_of(Workspace(project.folder, project.folder), environment.caller.name, [project.folder]),
            ["python3", "-c", program, kind],
            this_terminal()._replace(stdin_open=False, interactive=False),
            self._settings.run_options,
            surroundings.options,
            surroundings.script,
        )
        result = None if self._engine.dry else self._engine.run_and_capture(argv, container)
        if result is None:
            return self._supposed(project, argv)
        if result.failed:
            raise self._failure(environment, project, argv, result, kind)
        return self._keep(environment, project, result.stdout, kind)

    def _supposed(self, project: LinkedProject, argv: Sequence[str]) -> Wheel:
        """Print the command that builds the wheel, for `--dry`; return an empty wheel, named like the folder."""
        self._supposed_wheels = self._supposed_wheels or tempfile.TemporaryDirectory(prefix=PREFIX)
        name = re.sub(r"[^a-z0-9]+", "_", os.path.basename(project.folder).lower()).strip("_") or "project"
        path = os.path.join(self._supposed_wheels.name, f"{name}-0-py3-none-any.whl")
        place = shlex.quote(path)
        print(f"mkdir -p {shlex.quote(self._supposed_wheels.name)}")
        print(f"{shell_words(argv)} | {{ read -r wheel; base64 -d > {place}; }}")
        write(path, b"", 0o600)
        return Wheel(project, name.replace("_", "-"), path)

    def _failure(
        self, environment: Environment, project: LinkedProject, argv: Sequence[str], result: Result, kind: str
    ) -> errors.PydockError:
        output, compiler = _without_compiler(redacted(result.stderr))
        lines = [line.rstrip() for line in output.splitlines() if line.strip()]
        missing = find_missing(output) or find_missing(compiler)
        what = "linked" if kind == EDITABLE else "built"
        message = f"The project {project.folder} could not be {what}, so nothing was changed:"
        if missing:
            message += f" {missing.name} is missing ({missing.line}). {missing.cure(_target(environment))}"
        else:
            message = "\n".join([message, *(f"  {line}" for line in lines[-MAX_LINES:])])
        path = keep_log([shell_words(argv), *lines])
        return errors.PackagesUnavailable(message + (f"\nThe full log is in {path}" if path else ""))

    def _keep(self, environment: Environment, project: LinkedProject, output: str, kind: str) -> Wheel:
        file, _, encoded = output.partition("\n")
        try:
            name = name_of_wheel(file)
            content = base64.b64decode(encoded)
            if not zipfile.is_zipfile(io.BytesIO(content)):
                raise ValueError("not a ZIP archive")  # noqa: TRY301
        except ValueError as error:
            raise errors.PackagesUnavailable(
                f"The build backend of {project.folder} made no wheel, but {file[:100]!r}; nothing was changed."
            ) from error
        folder = self._folder(environment, project, kind)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        for old in os.listdir(folder):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(folder, old))
        path = os.path.join(folder, os.path.basename(file))
        write(path, content, 0o600)
        return Wheel(project, name, path)

    def _kept(self, environment: Environment, project: LinkedProject) -> Wheel | None:
        folder = self._folder(environment, project, EDITABLE)
        try:
            trust.check_owner(folder)
            [file] = os.listdir(folder)
            return Wheel(project, name_of_wheel(file), os.path.join(folder, file))
        except (OSError, ValueError, errors.PydockError):
            return None

    def _folder(self, environment: Environment, project: LinkedProject, kind: str) -> str:
        state = os.path.dirname(trust.state_folder())
        parts = [project.folder] if kind == EDITABLE else [project.folder, kind]
        return os.path.join(state, "wheels", f"{environment.identity}-{digest(parts)[:16]}")


def name_of_wheel(file: str) -> str:
    """Return the canonical name of the package in a wheel; raises `ValueError` if that is no wheel's file name."""
    from packaging.utils import parse_wheel_filename  # only to link projects

    if not FILE.fullmatch(file):
        raise ValueError(file)
    return str(parse_wheel_filename(file)[0])


def _target(environment: Environment) -> BuildTarget:
    dockerfile = read_if_exists(environment.path(DOCKERFILE)).decode(errors="replace")
    return BuildTarget(
        environment.name, environment.made_now, likely_list(dockerfile, environment.build_arguments)
    )


def _without_compiler(output: str) -> tuple[str, str]:
    """Return what a build printed without the program's line about a compiler, and what a shell would say if it was needed."""
    found = MISSING_COMPILER.search(output)
    if not found:
        return output, ""
    output = output[: found.start()] + output[found.end() :]
    called = re.search(rf"^(?:\S*/)?{re.escape(found[1])} ", output, re.MULTILINE)
    return output, f"{found[1]}: command not found" if called else ""


def _given(source: LinkedProject) -> Wheel:
    """Return a wheel that exists already; raises `PackagesUnavailable` if it is none."""
    try:
        if not zipfile.is_zipfile(source.folder):
            raise ValueError("not a ZIP archive")  # noqa: TRY301
        return Wheel(source, name_of_wheel(os.path.basename(source.folder)), source.folder)
    except (OSError, ValueError) as error:
        raise errors.PackagesUnavailable(
            f"{source.folder} is not a wheel, or cannot be read; nothing was changed. Build it again."
        ) from error


def links(wheels: Sequence[Wheel]) -> str:
    """Return the file `links` of a step: the packages' names and the projects' folders."""
    return "".join(f"{wheel.name}\t{wheel.project.folder}\n" for wheel in wheels)


def copies(wheels: Sequence[Wheel]) -> dict[str, str]:
    """Return the wheels as files of a step: name -> path."""
    return {wheel.file: wheel.path for wheel in wheels}
