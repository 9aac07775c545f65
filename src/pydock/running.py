"""The `docker run` behind `run` and `shell`, the same whichever road leads here.

Imported by every `pydock run`, so nothing heavy is imported here.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pydock import docker_commands, errors
from pydock.docker_commands import Terminal
from pydock.settings import working_directory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydock.environment import Environment
    from pydock.settings import Settings

LOCAL_ENDPOINTS = ("unix://", "npipe://", "fd://", "tcp://localhost", "tcp://127.", "tcp://[::1]")


def container_name(environment: Environment) -> str:
    """Return a name that no other container has."""
    return f"{environment.name}-{os.urandom(6).hex()}"


def run_argv(
    settings: Settings, environment: Environment, image: str, container: str, command: Sequence[str]
) -> list[str]:
    """Return the argv that runs `command` in the environment, in the working directory."""
    return docker_commands.run_command(
        settings.engine,
        image,
        environment,
        container,
        working_directory(),
        command,
        this_terminal(),
        settings.run_options,
    )


def leave_nothing_behind(settings: Settings, container: str) -> int:
    """Start a watcher that removes the container once the returned file descriptor is closed by everybody.

    The engine's client abandons its container when it is killed, or when nobody reads its output any more; who
    holds the descriptor may therefore end in any way. A detached container (`--detach`) is left alone.
    """
    reader, writer = os.pipe()
    if "--detach" in settings.run_options or "-d" in settings.run_options:
        os.close(reader)
        return writer
    if os.fork() == 0:
        try:
            os.setsid()
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(null, stream)
            os.close(writer)
            os.read(reader, 1)
            removal = docker_commands.remove_container(settings.engine, container)
            os.execvp(removal[0], removal)
        finally:
            os._exit(0)
    os.close(reader)
    return writer


def this_terminal() -> Terminal:
    try:
        os.fstat(0)
        stdin_open = True
    except OSError:
        stdin_open = False
    return Terminal(stdin_open, os.isatty(0) and os.isatty(1), _selinux_enforces())


def check_local(settings: Settings, environ: Mapping[str, str] | None = None) -> None:
    """Raise `EngineRemote` if the engine is on another machine, where our folders are not."""
    environ = os.environ if environ is None else environ
    endpoint = engine_endpoint(environ) if settings.engine[-1].endswith("docker") else ""
    if endpoint and not endpoint.startswith(LOCAL_ENDPOINTS):
        raise errors.EngineRemote(
            f"The Docker engine is on another machine ({endpoint}), which cannot mount {working_directory()}. "
            "Use an engine of this machine (`docker context use default`), or copy the folder there and work there."
        )


def engine_endpoint(environ: Mapping[str, str]) -> str:
    """Return the engine's address as the docker client finds it, "" for its default.

    The order is the client's: DOCKER_HOST, DOCKER_CONTEXT, the context chosen with `docker context use`
    (https://docs.docker.com/engine/manage-resources/contexts/).
    """
    if environ.get("DOCKER_HOST"):
        return environ["DOCKER_HOST"]
    folder = environ.get("DOCKER_CONFIG") or os.path.join(
        environ.get("HOME") or os.path.expanduser("~"), ".docker"
    )
    context = environ.get("DOCKER_CONTEXT") or _chosen_context(os.path.join(folder, "config.json"))
    if context in {"", "default"}:
        return ""
    import hashlib  # rarely needed
    import json

    name = hashlib.sha256(context.encode()).hexdigest()
    try:
        with open(os.path.join(folder, "contexts", "meta", name, "meta.json"), encoding="utf-8") as file:
            return str(json.load(file)["Endpoints"]["docker"]["Host"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _chosen_context(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError):
        return ""
    if '"currentContext"' not in text:
        return ""
    import json  # rarely needed

    try:
        return str(json.loads(text).get("currentContext") or "")
    except (ValueError, AttributeError):
        return ""


def _selinux_enforces() -> bool:
    try:
        with open("/sys/fs/selinux/enforce", encoding="ascii") as file:
            return file.read(1) == "1"
    except OSError:
        return False
