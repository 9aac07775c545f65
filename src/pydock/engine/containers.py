"""The container behind `run` and `shell`: its `docker run`, and the watcher that removes it.

Imported by every `pydock run`, so nothing slow is imported here.
"""

from __future__ import annotations

import os

from pydock.engine import argv as docker
from pydock.settings import working_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydock.environments.environment import Environment
    from pydock.settings import Settings


def container_name(environment: Environment) -> str:
    """Return a new, unique container name."""
    return f"{environment.name}-{os.urandom(6).hex()}"


def run_argv(
    settings: Settings, environment: Environment, image: str, container: str, command: Sequence[str]
) -> list[str]:
    """Return the argv that runs `command` in the environment, in the working directory."""
    return docker.run_command(
        settings.engine,
        image,
        environment,
        container,
        working_directory(),
        command,
        this_terminal(),
        settings.run_options,
    )


def start_container_watcher(settings: Settings, container: str) -> int:
    """Start a process that removes the container when every copy of the returned file descriptor is closed.

    The engine's client leaves its container running when it is killed, or when nobody reads its output any more. The
    process that holds the descriptor may end in any way. A detached container (`--detach`) is not removed.
    """
    _open_standard_streams()
    reader, writer = os.pipe()
    if docker.detaches(settings.run_options):
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
            removal = docker.remove_container(settings.engine, container)
            os.execvp(removal[0], removal)
        finally:
            os._exit(0)
    os.close(reader)
    return writer


def _open_standard_streams() -> None:
    """If stdin, stdout or stderr is closed, open /dev/null there, so that a pipe does not become fd 0, 1 or 2."""
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor <= 2:  # noqa: PLR2004 - stderr
        os.set_inheritable(descriptor, True)
        descriptor = os.open(os.devnull, os.O_RDWR)
    os.close(descriptor)


def this_terminal() -> docker.Terminal:
    """Return what this process's standard streams are."""
    try:
        os.fstat(0)
        stdin_open = True
    except OSError:
        stdin_open = False
    return docker.Terminal(stdin_open, os.isatty(0) and os.isatty(1), _selinux_enforces())


def _selinux_enforces() -> bool:
    try:
        with open("/sys/fs/selinux/enforce", encoding="ascii") as file:
            return file.read(1) == "1"
    except OSError:
        return False
