"""Preparing a script for `pydock run script.py`: the environment that its metadata asks for, made if there is none."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, NamedTuple

from pydock import errors
from pydock.commands.create import create_environment
from pydock.commands.mistakes import is_python_repository
from pydock.engine.script import script_command
from pydock.environments import files, registry, scripts
from pydock.environments.environment import describe_environment, find_environment, new_folder
from pydock.messages import say
from pydock.packages.declared_requirements import comment
from pydock.packages.script_metadata import parse_metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydock.commands.session import Session
    from pydock.environments.environment import Environment
    from pydock.settings import Settings


class Program(NamedTuple):
    """What runs a script: its environment, its command, and the options that mount it.

    `image` is set if the environment does not exist because of `--dry`.
    """

    environment: Environment
    command: list[str]
    mounts: list[str]
    image: str = ""


def prepare_script(session: Session, path: str, arguments: Sequence[str]) -> Program:
    """Return what runs the script, and make its environment and its image if they do not exist.

    Raises `UsageError` if there is no such file, and `BadProject` for its metadata.
    """
    try:
        block = scripts.read_block(path)
    except FileNotFoundError as error:
        raise errors.UsageError(f"Script not found: {path}.") from error
    command, mounts = script_command(path, session.folder, arguments, session.workspace())
    environment = scripts.known_environment(session.settings, block)
    if environment is None:
        environment = _environment_for(session, path, block)
        if session.engine.dry and not os.path.isdir(environment.folder):
            return Program(environment, command, mounts, environment.alias)
        scripts.remember(session.settings, block, environment.name)
    scripts.mark_used(environment.name)
    if not session.images.current(environment):  # removed, or on another engine
        with files.locked(environment.folder):
            session.images.build(environment, environment.content_tag())
            if not session.engine.dry:
                registry.remember(environment)
    return Program(environment, command, mounts)


def _environment_for(session: Session, path: str, block: str) -> Environment:
    """Return the environment for a block of metadata that is not known yet; make it unless another script has it."""
    metadata = parse_metadata(block, path)
    settings = session.settings
    if not is_python_repository(settings.repository):
        raise errors.UsageError(
            f"The environment of a script begins with an image of the repository `python`, and setting 'repository' is "
            f"'{settings.repository}'. Set PYDOCK_REPOSITORY=python for it."
        )
    settings = settings._replace(home=scripts.script_home(os.environ))
    name = scripts.environment_name(_what_is_built(settings, metadata.python, metadata.normalized()))
    with contextlib.suppress(errors.EnvironmentNotFound):
        return find_environment(settings, name)
    count = len(metadata.lines)
    packages = f"{count or 'no'} package{'' if count == 1 else 's'}"
    origin = "" if block else "; it has no block `# /// script`"
    say(f"Making the environment of {path}: Python {metadata.python}, {packages}{origin}.")
    lines = [comment("from the metadata of a script"), *metadata.lines] if metadata.lines else []
    with contextlib.suppress(errors.EnvironmentExists):  # by a run at the same time
        create_environment(session, settings, name, metadata.python, "", lines)
    if session.engine.dry:
        return describe_environment(settings, name, new_folder(settings.home, name))
    return find_environment(settings, name)


def _what_is_built(settings: Settings, python: str, requirements: Sequence[str]) -> list[str]:
    """Return everything that decides what is in the environment's image."""
    caller = describe_environment(settings, scripts.PREFIX, "/").caller
    made_of = [settings.repository, settings.installer, settings.templates]
    return [*made_of, caller.name, str(caller.uid), str(caller.gid), python, *requirements]
