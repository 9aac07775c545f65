"""`pydock trust`."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from pydock import errors, settings
from pydock import trust as store
from pydock.commands.command import command
from pydock.commands.session import context_settings
from pydock.engine.build_secrets import describe_network
from pydock.engine.compose_cache import COMPOSE_FILE, has_compose_file
from pydock.environments import origin
from pydock.environments.environment import find_environment
from pydock.messages import confirm, say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from invoke import Context

    from pydock.environments.environment import Environment
    from pydock.settings import Settings, Words

# What each setting allows, in plain words; `{}` is its value.
ALLOWS = {
    "engine": "run this program on your machine, as you, for every command: {}",
    "pass_env": "give these variables of yours, such as tokens, to every program that runs: {}",
    "mounts": "give these folders and files of yours to every program that runs: {}",
    "home_volume": "keep what programs write to the container's home folder, and give it to later runs: {}",
    "run_options": "add this to every `docker run`, which can read and change any file of yours: {}",
    "build_options": "add this to every `docker build`, which can read any file of yours: {}",
    "templates": "write new dockerfiles from the templates in this folder: {}",
    "ca_bundle": "read this file and give it to builds, as certificates: {}",
    "pip_config": "read this file and give its package indexes, with their passwords, to builds: {}",
    "netrc": "read this file and give it to builds, with its passwords: {}",
    "home": "use the environments in this folder: {}",
    "prefix": "begin the names of images like this, which can replace other images of that name: {}",
}
NOT_TRUSTED = "Nothing was trusted."


@command(
    positional=["name"],
    help={
        "name": "an environment whose builds get your credentials; the project's settings if none is given",
        "remove": "no longer trust it",
        "yes": "do not ask for confirmation",
    },
    short={"yes": "-y"},
    examples=["trust", "trust ds", "trust ds --remove"],
)
def trust(c: Context, name: str = "", remove: bool = False, yes: bool = False) -> None:
    """Allow a project's settings, or an environment from elsewhere."""
    current = context_settings(c, refuse_untrusted=False)
    dry = bool(c.config.run.dry)
    if name:
        _trust_environment(c, current, name, remove=remove, yes=yes)
    else:
        _trust_settings(current, remove=remove, yes=yes, dry=dry)


def _trust_settings(current: Settings, *, remove: bool, yes: bool, dry: bool) -> None:
    file = current.project_file
    if remove:
        removed = bool(file) and not dry and store.forget(settings.TRUST_KIND, os.path.realpath(file))
        say(f"{file} is no longer trusted." if removed else "No settings of this project were trusted.")
        return
    layer, powerful = settings.project_settings(current)
    if not powerful:
        where = file if file and os.path.exists(file) else "This project"
        say(f"{where} has no settings that need your trust.")
        return
    if settings.is_trusted(layer):
        say(f"{file} is already trusted.")
        return
    say(f"{file} would be allowed to:\n{explain(powerful)}")
    if dry:
        return
    confirm("Trust this file until it changes?", yes=yes, otherwise=NOT_TRUSTED)
    _remember(lambda: settings.remember_trusted(layer))
    say(f"{file} is trusted until it changes. `pydock trust --remove` takes that back.")


def _trust_environment(c: Context, current: Settings, name: str, *, remove: bool, yes: bool) -> None:
    dry = bool(c.config.run.dry)
    environment = find_environment(current, name)
    if remove:
        removed = not dry and origin.forget(environment)
        say(
            f"Environment '{name}' is no longer trusted."
            if removed
            else f"Environment '{name}' was not trusted."
        )
        return
    if origin.is_own(current, environment):
        say(f"Environment '{name}' is already trusted.")
        return
    try:
        described = origin.describe(current, environment)
    except OSError as error:
        raise errors.PydockError(
            f"Cannot read {error.filename}: {error.strerror}. A build would read it; check its permissions."
        ) from error
    given = describe_network(current).credentials() or [
        "your netrc file and package indexes, when you have some"
    ]
    say(
        f"Builds of {environment.folder} would be allowed to read:\n"
        + "\n".join(f"  - {text}" for text in given)
        + f"\nRead its dockerfile first: {environment.path('dockerfile')}"
    )
    if has_compose_file(environment):
        say(_compose_powers(c, current, environment))
    if dry:
        return
    confirm("Trust this environment?", yes=yes, otherwise=NOT_TRUSTED)
    _remember(lambda: origin.remember(environment, described))
    say(f"Environment '{name}' is trusted. `pydock trust {name} --remove` takes that back.")


def _compose_powers(c: Context, current: Settings, environment: Environment) -> str:
    """Return what the environment's docker-compose.yml would be allowed to do, for people."""
    from pydock.engine.client import Engine  # only for environments with such a file
    from pydock.engine.compose import read_project

    file = environment.path(COMPOSE_FILE)
    project = read_project(Engine(c, current), current, environment, ask=True)
    if not project.powers:
        return f"{file} opens nothing else of this machine."
    return f"Runs would be allowed by {file} to:\n" + "\n".join(f"  - {text}" for text in project.powers)


def explain(powerful: Mapping[str, str | Words]) -> str:
    """Return one line per setting: what it allows."""
    lines = []
    for name, value in powerful.items():
        words = shlex.join(value) if isinstance(value, tuple) else value
        lines.append(f"  - {name}: {ALLOWS[name].format(words or '(nothing)')}")
    return "\n".join(lines)


def _remember(write: Callable[[], None]) -> None:
    try:
        write()
    except OSError as error:
        raise errors.PydockError(
            f"Cannot write {error.filename or store.state_folder()}: {error.strerror}. Check its permissions, or set "
            "XDG_STATE_HOME to a folder that you can write."
        ) from error
