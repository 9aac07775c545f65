"""`pydock copy`."""

from __future__ import annotations

import contextlib
import os
import shlex
from typing import TYPE_CHECKING

from pydock import errors
from pydock.commands.command import command
from pydock.commands.session import Session
from pydock.engine.companions import own_project_name
from pydock.engine.compose_cache import COMPOSE_FILE, has_compose_file
from pydock.environments import files, origin, registry
from pydock.environments.environment import REQUIREMENTS_IN, describe_environment, new_folder
from pydock.environments.names import check_name
from pydock.messages import say, set_outcome
from pydock.settings import find_home, find_user_home, working_directory

if TYPE_CHECKING:
    from invoke import Context

    from pydock.environments.environment import Environment
    from pydock.settings import Settings

MODES = ("local", "global")


@command(
    positional=["name", "new_name"],
    help={
        "name": "the environment to copy",
        "new_name": "the name of the copy",
        "to": "where the copy is made, local or global (default: beside the original)",
    },
    metavars={"new_name": "NEW_NAME", "to": "MODE"},
    examples=["copy ds experiment", "--global copy ds ds --to local"],
)
def copy(c: Context, name: str, new_name: str, to: str = "") -> None:
    """Copy an environment: its files and its image.

    Nothing is built if the image fits the files. The copy has the same packages, and changes of one do not change the other. It
    has services and a home folder of its own, without the data of the original's.
    """
    session = Session(c)
    environment = session.environment(name)
    settings = _settings_there(session, environment, check_name(new_name), to)
    folder = new_folder(settings.home, new_name)
    refuse_existing(folder, new_name)
    made = describe_environment(settings, new_name, folder)
    with files.locked(environment.folder):
        if session.engine.dry:
            print(f"cp -a {shlex.quote(environment.folder)} {shlex.quote(folder)}")
            _make_image(session, environment, made._replace(folder=environment.folder, copy_of=folder))
            return
        with files.locked_new(folder) as staging:
            _copy(session, settings, environment, made._replace(folder=staging))
        set_outcome("the environment is copied")
    session.say_done(f"Copied environment '{name}' to '{new_name}'.")


def refuse_existing(folder: str, name: str) -> None:
    """Raise `EnvironmentExists` if there is anything at the path of a new environment."""
    if os.path.lexists(folder):
        raise errors.EnvironmentExists(
            f"{folder} already exists. Choose another name, or run `pydock delete {name}` first."
        )


def _settings_there(session: Session, environment: Environment, new_name: str, mode: str) -> Settings:
    """Return the settings with the home folder of the copy; raises `UsageError` if the files would not mean the same there."""
    settings = session.settings
    if not mode:
        return settings
    if mode not in MODES:
        raise errors.UsageError(f"Invalid value '{mode}' for --to. Use one of: {', '.join(MODES)}.")
    home = find_home(mode, "", working_directory(), find_user_home(os.environ), settings.safe_folders)
    if os.path.realpath(home.folder) == os.path.realpath(settings.home.folder):
        return settings
    from pydock.packages.requirement_files import parse_text

    path = environment.path(REQUIREMENTS_IN)
    lines = parse_text(files.read_if_exists(path).decode(errors="replace"), path, environment.folder)
    projects = [line.requirement for line in lines if line.project or line.source]
    reason = f"{REQUIREMENTS_IN} has the path {projects[0]}" if projects else ""
    if has_compose_file(environment):
        reason = f"it has a {COMPOSE_FILE}, whose paths are relative"
    if reason:
        raise errors.UsageError(
            f"'{environment.name}' cannot be copied to another folder of environments, because {reason}. Copy it beside the "
            f"original, without --to, or run `pydock --{mode} create {new_name} VERSION` and install again."
        )
    return settings._replace(home=home)


def _copy(session: Session, settings: Settings, environment: Environment, staged: Environment) -> None:
    """Fill the folder of the new environment, give it an image, and remember what is known of the original."""
    from pydock.packages.folder_copy import copy_folder

    is_own = origin.is_own(settings, environment)
    copy_folder(environment.folder, staged.folder)
    _rename_project(environment, staged)
    registry.remember(staged._replace(folder=os.path.join(os.path.dirname(staged.folder), staged.name)))
    try:
        _make_image(session, environment, staged._replace(made_now=is_own))
        copy_records(settings, environment, staged, is_own=is_own)
    except BaseException:
        with contextlib.suppress(errors.PydockError):
            session.images.remove_all(staged)
            registry.forget(staged.identity)
            origin.forget(staged)
        raise


def copy_records(settings: Settings, environment: Environment, other: Environment, *, is_own: bool) -> None:
    """Remember of an environment what is remembered of one with the same files."""
    path = registry.requested_path(environment)
    if path:
        registry.write(registry.requested_path(other), files.read_if_exists(path))
    if is_own:
        with contextlib.suppress(OSError, errors.UnsafePath):  # then `pydock trust` says why
            origin.remember(other, origin.describe(settings, other))


def _make_image(session: Session, environment: Environment, made: Environment) -> None:
    """Tag the original's image if it fits the files; else build."""
    content = environment.content_tag()
    if session.images.current(environment) and made.content_tag().endswith(content.rpartition("-")[2]):
        session.images.tag(content, made.content_tag())
        session.images.tag(content, made.alias)
    elif session.engine.dry:
        session.images.build(made, made.content_tag())
    else:
        session.images.build_or_adopt(made)


def _rename_project(environment: Environment, staged: Environment) -> None:
    """Give the copy's docker-compose.yml a project name of its own; two environments of one name would be one project."""
    if not has_compose_file(environment):
        return
    text = files.read_if_exists(environment.path(COMPOSE_FILE)).decode("utf-8", "surrogateescape")
    lines = text.splitlines(keepends=True)
    old, new = own_project_name(environment), own_project_name(staged)
    changed = [line.replace(old, new) if line.startswith("name:") else line for line in lines]
    if changed != lines:
        files.replace_in_one_step(staged.folder, COMPOSE_FILE, "".join(changed))
    elif any(line.startswith("name:") for line in lines):
        say(
            f"The {COMPOSE_FILE} of '{staged.name}' has the same project name as that of '{environment.name}'. Change its line "
            "`name:` before `pydock up`, or the two share networks and volumes."
        )
