"""`pydock create`."""

from __future__ import annotations

import contextlib
import os
import shlex
from typing import TYPE_CHECKING

from pydock import errors
from pydock.commands.command import command
from pydock.commands.mistakes import python_tag, refuse_swapped_version
from pydock.commands.session import Session
from pydock.engine.build_context import file_as_shell
from pydock.engine.build_secrets import variable_values
from pydock.environments import files, origin, registry
from pydock.environments.environment import (
    DOCKERFILE,
    REQUIREMENTS,
    describe_environment,
    new_folder,
)
from pydock.environments.names import check_base, check_name, check_version
from pydock.environments.temporary import temporary_folder
from pydock.messages import redacted, set_outcome
from pydock.rendering import render

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from invoke import Context

    from pydock.packages.requirements import Line


@command(
    positional=["name", "version"],
    help={
        "name": "the new environment's name",
        "version": "a Python version, or any tag of the base image: 3.12, 3.8.7, 3.12-slim",
        "requirement": "a requirements file to install; may be given several times",
        "constraint": "a file of version bounds; may be given several times",
        "base": "any image with Python, instead of the repository python; VERSION is its tag",
    },
    short={"requirement": "-r", "constraint": "-c"},
    repeatable=["requirement", "constraint"],
    metavars={"requirement": "FILE", "constraint": "FILE", "base": "IMAGE"},
    examples=["create ds 3.12", "create ds 3.12-slim -r requirements.txt", "create ds --base debian:12"],
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
    requirement: Sequence[str] | None = None,
    constraint: Sequence[str] | None = None,
    base: str = "",
) -> None:
    """Create an environment: its folder, its dockerfile and its image."""
    session = Session(c)
    check_name(name)
    if not base:
        refuse_swapped_version(name, version or "")
        version = python_tag(session.settings.repository, version or "")
    if version:
        check_version(version)
    elif not base:
        raise errors.UsageError(
            f"A Python version is required. Run `pydock create {name} 3.12`, or name an image with --base."
        )
    if base:
        base = check_base(f"{base}:{version}" if version else base)
    _create(session, name, version or "", base, _read_requirements(requirement or (), constraint or ()))
    set_outcome("the environment is created")
    session.say_done(f"Created environment '{name}'. `pydock shell {name}` starts a shell in it.")


def _create(session: Session, name: str, version: str, base: str, lines: Sequence[Line]) -> None:
    """Create folder and image together, or neither; `lines` are the requirements to install."""
    settings = session.settings
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
    contents = {DOCKERFILE: dockerfile, REQUIREMENTS: ""}
    with _new_folder(folder, dry=session.engine.dry) as staging:
        files.write_new(staging, contents)
        staged = environment._replace(folder=staging, made_now=True)
        if session.engine.dry:
            print(redacted(_folder_as_shell(folder, contents)))
            session.images.build(environment, staged.content_tag())
            if lines:
                from pydock.packages.change import Packages, not_built

                packages = Packages(session.engine, session.images, settings, staged)
                packages.shown_folder = folder
                packages.install(lines, not_built(staged))
            return
        registry.remember(environment)
        try:
            session.images.build_or_adopt(staged)
            if lines:
                from pydock.packages.change import Packages

                Packages(session.engine, session.images, settings, staged).install(lines)
                set_outcome("nothing was changed")  # without its folder, the environment does not exist
            if not origin.decided_by_project(settings):
                with contextlib.suppress(OSError, errors.UnsafePath):  # then `pydock trust` says why
                    origin.remember(staged, origin.describe(settings, staged))
        except BaseException:
            with contextlib.suppress(errors.PydockError):
                session.images.remove_all(staged)
                registry.forget(environment.identity)
            raise


def _read_requirements(paths: Sequence[str], constraints: Sequence[str]) -> list[Line]:
    if not (paths or constraints):
        return []
    from pydock.packages.requirement_files import parse_files
    from pydock.packages.requirements import for_installer

    lines = parse_files(paths, constraints)
    variable_values(for_installer(lines), os.environ)  # before anything is built
    return lines


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
