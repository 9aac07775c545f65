"""The other services of an environment's docker-compose.yml, such as a database: started, ended and listed by Compose.

Everything is found by the labels that Compose gives its containers: the project's name, and the folder that it was started for.
Containers without this folder's label are never touched.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from typing import TYPE_CHECKING, Any, NamedTuple

from pydock import errors
from pydock.engine import argv as docker
from pydock.engine.compose_cache import COMPOSE_FILE, INSTALL_COMPOSE
from pydock.engine.compose_options import LOOPBACK
from pydock.engine.endpoint import network_exists
from pydock.messages import say, set_outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydock.engine.client import Engine
    from pydock.engine.compose import ComposeProject
    from pydock.environments.environment import Environment
    from pydock.settings import Settings

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
FOLDER_LABEL = "com.docker.compose.project.working_dir"
NETWORK_LABEL = "com.docker.compose.network"
# What the client says that takes Compose's options for its own, or does not know the command.
WITHOUT_PLUGIN = (
    "unknown flag: --project-name",
    "is not a docker command",
    "unknown command: docker compose",
)


class Companion(NamedTuple):
    """A container of a service."""

    project: str
    service: str
    folder: str
    state: str  # running, exited, …
    status: str  # for people: `Up 5 minutes (healthy)`
    container: str
    ports: str


def own_project_name(environment: Environment) -> str:
    """Return the name of a project that no other environment has."""
    word = "".join(sign if sign.isalnum() or sign in "_-" else "-" for sign in environment.name.lower())
    return f"pydock-{word}-{environment.identity}"


def companions_of(engine: Engine, folder: str = "", project: str = "") -> list[Companion]:
    """Return the containers that Compose made for a folder, or for a project of any folder, sorted by service."""
    label = (
        f"{FOLDER_LABEL}={folder}" if folder else f"{PROJECT_LABEL}={project}" if project else FOLDER_LABEL
    )
    rows = [
        json.loads(line) for line in engine.query(docker.list_services(engine.client, label)).splitlines()
    ]
    found = [_companion(row) for row in rows]
    return sorted(one for one in found if one.project)


def _companion(row: dict[str, Any]) -> Companion:
    # The client joins the labels with commas, which a folder's name may have too.
    labels = dict(word.partition("=")[::2] for word in re.split(r",(?=[a-z][a-z0-9._-]*=)", row["Labels"]))
    return Companion(
        labels.get(PROJECT_LABEL, ""),
        labels.get(SERVICE_LABEL, ""),
        labels.get(FOLDER_LABEL, ""),
        row["State"],
        row["Status"],
        row["ID"],
        row.get("Ports", ""),
    )


def start(engine: Engine, settings: Settings, environment: Environment, project: ComposeProject) -> None:
    """Start the other services and wait until they are healthy; create networks that only the environment uses.

    Raises `EngineError` with Compose's reason, and `BadCompose` if the project's name is that of another folder's.
    """
    check_project_is_ours(engine, environment, project.name)
    with _resolved_file(project) as resolved:
        if project.companions:
            words = ["up", "--detach", "--wait", *project.companions]
            file = environment.path(COMPOSE_FILE) if engine.dry else resolved
            argv = docker.compose(engine.client, project.name, words, file=file, folder=environment.folder)
            if not engine.dry:
                say(f"Starting {', '.join(project.companions)} …")
                set_outcome(f"some services may run; `pydock down {environment.name}` removes them")
            with compose_required():
                engine.modify(argv)
    for key, top in project.config["networks"].items():
        used = project.config["services"][project.service].get("networks") or {}
        if key in used and not top.get("external") and not network_exists(settings, top["name"]):
            labels = {PROJECT_LABEL: project.name, NETWORK_LABEL: key}
            engine.modify(docker.create_network(engine.client, top["name"], labels))


def check_project_is_ours(engine: Engine, environment: Environment, project: str) -> None:
    """Raise `BadCompose` if containers of this project's name belong to another folder: Compose would replace or remove them."""
    for found in companions_of(engine, project=project):
        if os.path.realpath(found.folder) != os.path.realpath(environment.folder):
            raise errors.BadCompose(
                f"Project '{project}' of {environment.path(COMPOSE_FILE)} has the same name as the one in {found.folder}, "
                "whose containers would be touched. Give it another `name:`, or write `COMPOSE_PROJECT_NAME=` with another name into "
                "a file `.env` beside it. Nothing was changed."
            )


def stop(engine: Engine, environment: Environment, projects: Sequence[str]) -> None:
    """Stop and remove the containers and networks of these projects; volumes stay."""
    for project in projects:
        check_project_is_ours(engine, environment, project)
        words = ["down", "--remove-orphans"]
        with compose_required():
            engine.modify(docker.compose(engine.client, project, words))


@contextlib.contextmanager
def compose_required() -> Iterator[None]:
    """Turn what a client without the plugin says into `ComposeMissing`."""
    try:
        yield
    except errors.EngineError as error:
        if any(words in error.message for words in WITHOUT_PLUGIN):
            raise errors.ComposeMissing(
                f"Docker's compose plugin is not installed. {INSTALL_COMPOSE}"
            ) from error
        raise


@contextlib.contextmanager
def _resolved_file(project: ComposeProject) -> Iterator[str]:
    """Yield a private file with exactly what was checked: Compose does not read the environment's file again.

    Ports without an address are for this machine only, as in a run.
    """
    config = {**project.config, "services": {}}
    for name, service in project.config["services"].items():
        ports = [{**port, "host_ip": port.get("host_ip") or LOOPBACK} for port in service.get("ports") or ()]
        config["services"][name] = {**service, "ports": ports} if ports else service
    descriptor, path = tempfile.mkstemp(prefix="pydock-compose-", suffix=".json")
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump(_with_doubled_dollars(config), file)
        yield path
    finally:
        os.unlink(path)


def _with_doubled_dollars(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, list):
        return [_with_doubled_dollars(one) for one in value]
    if isinstance(value, dict):
        return {name.replace("$", "$$"): _with_doubled_dollars(one) for name, one in value.items()}
    return value
