"""`pydock create`."""

from __future__ import annotations

import contextlib
import os
import shlex
from typing import TYPE_CHECKING

from pydock import errors
from pydock.commands.command import PROJECTS, command
from pydock.commands.compose import HELP as COMPOSE_HELP
from pydock.commands.compose import METAVARS as COMPOSE_METAVARS
from pydock.commands.compose import compose_text
from pydock.commands.mistakes import is_python_repository, python_tag, refuse_swapped_version
from pydock.commands.session import Session
from pydock.engine.build_context import file_as_shell
from pydock.engine.build_secrets import variable_values
from pydock.engine.compose_cache import COMPOSE_FILE
from pydock.environments import files, origin, package_lists, registry
from pydock.environments.environment import (
    DOCKERFILE,
    REQUIREMENTS,
    describe_environment,
    new_folder,
)
from pydock.environments.names import check_base, check_name, check_version
from pydock.environments.temporary import temporary_folder
from pydock.messages import redacted, say, set_outcome
from pydock.rendering import render
from pydock.settings import find_user_home

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from invoke import Context

    from pydock.packages.requirements import Line
    from pydock.settings import Settings


@command(
    positional=["name", "version", "projects"],
    completes={"name": ""},
    help={
        "name": "the new environment's name",
        "version": "a Python version, or any tag of the base image: 3.12, 3.8.7, 3.12-slim; without it, that of "
        ".python-version, or the newest that fits requires-python of pyproject.toml",
        "projects": "projects of yours to install, with extras: . or './libs/foo[dev]'",
        "requirement": "a requirements file to install; may be given several times",
        "constraint": "a file of version bounds; may be given several times",
        "editable": "a project of yours to link, with extras: . or '.[dev]'; may be given several times",
        "from_": "the pyproject.toml of a project, whose dependencies are installed",
        "extra": "with --from, an extra to install too; may be given several times",
        "group": "with --from, a dependency group to install too; may be given several times",
        "system": "packages of Debian or Alpine, separated by commas; they are installed first",
        "base": "any image with Python, instead of the repository python; VERSION is its tag",
        **COMPOSE_HELP,
    },
    rest=PROJECTS,
    short={"requirement": "-r", "constraint": "-c", "editable": "-e", "publish": "-p", "volume": "-v"},
    repeatable=["requirement", "constraint", "editable", "extra", "group", "system", *COMPOSE_HELP],
    metavars={
        **COMPOSE_METAVARS,
        "requirement": "FILE",
        "constraint": "FILE",
        "editable": "PATH",
        "from_": "FILE",
        "extra": "NAME",
        "group": "NAME",
        "system": "PACKAGES",
        "base": "IMAGE",
    },
    examples=[
        "create ds 3.12",
        "create ds 3.12-slim -r requirements.txt",
        "create ds 3.12 -e '.[test]'",
        "create app 3.12-slim .",
        "create dev --from pyproject.toml --group test",
        "create ds 3.12-slim --system git,libpq-dev",
        "create ds --base debian:12",
        "create ds 3.12 -p 8888:8888 --service db=postgres:16",
    ],
    settings=[
        "repository",
        "user",
        "installer",
        "templates",
        "build_options",
        "ca_bundle",
        "pip_config",
        "netrc",
    ],
)
def create(
    c: Context,
    name: str,
    version: str | None = None,
    projects: str | None = None,
    requirement: Sequence[str] | None = None,
    constraint: Sequence[str] | None = None,
    editable: Sequence[str] | None = None,
    from_: str = "",
    extra: Sequence[str] | None = None,
    group: Sequence[str] | None = None,
    base: str = "",
    system: Sequence[str] | None = None,
    publish: Sequence[str] | None = None,
    volume: Sequence[str] | None = None,
    env: Sequence[str] | None = None,
    service: Sequence[str] | None = None,
) -> None:
    """Create an environment: its folder, its dockerfile and its image.

    With --publish, --volume, --env or --service, it also gets the docker-compose.yml that `pydock compose` writes.
    """
    session = Session(c)
    check_name(name)
    if version and (version.startswith(".") or "/" in version):  # `create ds .`: the path of a project
        version, projects = None, f"{version}\n{projects or ''}"
    if not base:
        refuse_swapped_version(name, version or "")
        version = python_tag(session.settings.repository, version or "")
    if version:
        check_version(version)
    elif not base:
        version = _version_of_project(session, name, from_)
    if base:
        base = check_base(f"{base}:{version}" if version else base)
    lines = _read_project(from_, extra or (), group or ())
    lines += _read_projects(name, projects or "")
    lines += _read_requirements(requirement or (), constraint or (), editable or ())
    if lines:
        from pydock.packages.requirements import for_installer

        variable_values(for_installer(lines), os.environ)  # before anything is built
    words = package_lists.split_words(system) if system else []
    compose = compose_text(session, name, publish or (), volume or (), env or (), service or ())
    create_environment(session, session.settings, name, version or "", base, lines, words, compose)
    set_outcome("the environment is created")
    session.say_done(f"Created environment '{name}'. `pydock shell {name}` starts a shell in it.")


def _version_of_project(session: Session, name: str, path: str) -> str:
    """Return the version that the project asks for, and say which file does; raises `UsageError` if none does.

    It is the project of the file `path`, or without one that of the working directory.
    """
    settings = session.settings
    if is_python_repository(settings.repository):
        from pydock.packages.python_version import project_python

        start = os.path.join(session.folder, path)
        folder = os.path.normpath(start if os.path.isdir(start) else os.path.dirname(start))
        choice = project_python(folder, find_user_home(os.environ), settings.safe_folders)
        if choice:
            say(f"Python {choice.version}, {choice.reason}.")
            return choice.version
    raise errors.UsageError(
        f"A Python version is required. Run `pydock create {name} 3.12`, or name an image with --base. Without a "
        "version, the file .python-version counts, or requires-python in pyproject.toml; there is neither here."
    )


def create_environment(
    session: Session,
    settings: Settings,
    name: str,
    version: str,
    base: str,
    lines: Sequence[Line],
    system: Sequence[str] = (),
    compose: str = "",
) -> None:
    """Create folder and image together, or neither; `lines` and `system` packages are installed.

    `settings` have the home folder, and `compose` is the text of a docker-compose.yml. Raises `EnvironmentExists`.
    """
    folder = new_folder(settings.home, name)
    environment = describe_environment(settings, name, folder)
    dockerfile = render(
        "dockerfile.j2",
        settings.templates,
        base=base,
        repository=settings.repository,
        version=version,
        caller=environment.caller,
        installer=settings.installer,
    )
    contents = {DOCKERFILE: dockerfile, REQUIREMENTS: "", **({COMPOSE_FILE: compose} if compose else {})}
    if system:
        name_of_list = package_lists.likely_list(dockerfile, environment.build_arguments)
        with_step = _with_step(dockerfile, name_of_list, settings.templates)
        if session.engine.dry or with_step == dockerfile or _tag_tells_alpine(settings, base):
            package_lists.check_words(system, name_of_list)
            contents[DOCKERFILE] = with_step
            contents[name_of_list] = package_lists.merged("", system, name_of_list)
            system = ()  # the first build installs them; else the image is asked for its package manager
    with _new_folder(folder, dry=session.engine.dry) as staging:
        files.write_new(staging, contents)
        staged = environment._replace(folder=staging, made_now=True)
        if session.engine.dry:
            print(redacted(_folder_as_shell(folder, contents)))
            session.images.build(environment, staged.content_tag())
            if lines:
                from pydock.packages.change import Packages
                from pydock.packages.dry import not_built

                shown = staged._replace(copy_of=folder)
                packages = Packages(session.engine, session.images, settings, shown)
                packages.shown_folder = folder
                packages.install(lines, image=not_built(staged))
            return
        registry.remember(environment)
        try:
            session.images.build_or_adopt(staged)
            if lines or system:
                from pydock.packages.change import Packages

                Packages(session.engine, session.images, settings, staged).install(lines, system)
                set_outcome("nothing was changed")  # without its folder, the environment does not exist
            if not origin.decided_by_project(settings):
                with contextlib.suppress(OSError, errors.UnsafePath):  # then `pydock trust` says why
                    origin.remember(staged, origin.describe(settings, staged))
        except BaseException:
            with contextlib.suppress(errors.PydockError):
                session.images.remove_all(staged)
                registry.forget(environment.identity)
            raise


def _with_step(dockerfile: str, name: str, templates: str) -> str:
    """Return a dockerfile that installs this list of system packages; raises `PydockError` if it cannot be added."""
    if package_lists.installed_list(dockerfile):
        return dockerfile
    step = render("system.dockerfile.j2", templates, file=name)
    return package_lists.with_step(dockerfile, step, "The template dockerfile.j2")


def _tag_tells_alpine(settings: Settings, base: str) -> bool:
    """Return whether the base image is the official one, or a mirror of it, whose tags contain `alpine` for Alpine."""
    return not base and not settings.templates and settings.repository.rpartition("/")[2] == "python"


def _read_project(path: str, extras: Sequence[str], groups: Sequence[str]) -> list[Line]:
    """Return what a pyproject.toml requires, as lines of a requirements file."""
    if not path:
        if extras or groups:
            raise errors.UsageError(
                "--extra and --group need the file of the project: --from pyproject.toml."
            )
        return []
    from pydock.packages.pyproject import project_requirements

    return project_requirements(path, extras, groups)


def _read_requirements(
    paths: Sequence[str], constraints: Sequence[str], editable: Sequence[str]
) -> list[Line]:
    if not (paths or constraints or editable):
        return []
    from pydock.packages.requirement_files import parse_editable, parse_files

    return [*parse_files(paths, constraints), *parse_editable(editable)]


def _read_projects(name: str, projects: str) -> list[Line]:
    """Return the lines for the paths that follow the version; raises `UsageError` for anything but a path."""
    if not projects.strip():
        return []
    from pydock.packages.projects import is_source
    from pydock.packages.requirement_files import parse_packages

    others = [word for word in projects.splitlines() if word.strip() and not is_source(word.strip())]
    if others:
        raise errors.UsageError(
            f"Unrecognized arguments: {' '.join(others)}. Only projects can follow the version, as paths: `.` or `./PATH`. Packages "
            f"are installed next: `pydock install {name} {shlex.join(others)}`."
        )
    return parse_packages(projects)


@contextlib.contextmanager
def _new_folder(folder: str, *, dry: bool) -> Iterator[str]:
    if dry:
        with temporary_folder() as staging:
            yield staging
    else:
        with files.locked_new(folder) as staging:
            yield staging


def _folder_as_shell(folder: str, contents: Mapping[str, str]) -> str:
    """Return shell commands that create the folder, for `--dry`."""
    lines = [f"mkdir -p {shlex.quote(folder)}"]
    lines += [file_as_shell(os.path.join(folder, name), text) for name, text in contents.items()]
    return "\n".join(lines)
