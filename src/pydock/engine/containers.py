"""The container behind `run` and `shell`: its `docker run`, and the watcher that removes it.

Imported by every `pydock run`, so nothing slow is imported here.
"""

from __future__ import annotations

import os

from pydock.engine import argv as docker
from pydock.engine.compose_cache import known_compose, with_file_instead
from pydock.engine.endpoint import image_exists
from pydock.engine.foreground import run_in_foreground
from pydock.engine.places import places_of
from pydock.engine.surroundings import describe_surroundings
from pydock.environments.linked import check_projects
from pydock.environments.workspace import find_workspace
from pydock.settings import working_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydock.engine.compose_cache import ComposeOptions
    from pydock.environments.environment import Environment
    from pydock.environments.workspace import Workspace
    from pydock.settings import Settings

ATTEMPTS = 3  # to run an image that other commands replace meanwhile
ENGINE_FAILED = 125  # the exit code of `docker run` when the engine failed


def container_name(environment: Environment) -> str:
    """Return a new, unique container name."""
    return f"{environment.name}-{os.urandom(6).hex()}"


def run_argv(
    settings: Settings,
    environment: Environment,
    image: str,
    container: str,
    command: Sequence[str],
    workspace: Workspace | None = None,
    call: str = "pydock ",
    mounts: Sequence[str] = (),
    compose: ComposeOptions | None = None,
    *,
    activated: bool = False,
) -> list[str]:
    """Return the argv that runs `command` in the environment, in the working directory or that of `workspace`.

    `call` is how the user calls pydock's commands, for messages in the container. `mounts` are more options of
    `docker run`. `compose` is what the environment's docker-compose.yml adds, if it was read by this command. `activated`
    says that it is a program of an activated environment.
    """
    compose = (compose or known_compose(settings, environment)).beside(settings.run_options)
    projects = environment.linked_projects()
    if projects:
        check_projects(projects, settings.home)
    surroundings = describe_surroundings(settings, environment, given=compose.options)
    script = surroundings.script
    if activated:
        from pydock.engine.activated import activated_options  # only for such runs

        facade, more = activated_options(environment)
        mounts, script = [*mounts, *facade], script + more
    data: list[str] = []
    if settings.mounts or settings.home_volume == "true":
        from pydock.engine.data import data_options  # only for runs that have any

        data = data_options(settings, environment)
    places = places_of(
        workspace or this_workspace(settings),
        environment.caller.name,
        [project.folder for project in projects],
        start_at_own_path=settings.workdir == "same",
    )
    terminal = (
        docker.Terminal(False, False, selinux_enforces())
        if docker.detaches(settings.run_options)
        else this_terminal()
    )
    script += docker.check_command(environment.name, call)
    if terminal.interactive and docker.controls_jobs(command) and settings.home_volume != "true":
        from pydock.engine.inside_pip import shell_script  # only for shells

        script += shell_script(command, environment.name, call)
    argv = docker.run_command(
        settings.engine,
        image,
        environment,
        container,
        places,
        command,
        terminal,
        settings.run_options,
        (*surroundings.options, *data, *mounts, *compose.options),
        script,
    )
    return with_file_instead(argv, image, compose.options) if compose.options else argv


def this_workspace(settings: Settings) -> Workspace:
    """Return the project of the working directory."""
    return find_workspace(settings, working_directory(), written=os.environ.get("PWD", ""))


def run_watched(argv: Sequence[str], settings: Settings, container: str, environ: Mapping[str, str]) -> int:
    """Run a container's client in the foreground; return its exit code. However it ends, the container is removed.

    Raises `OSError` if the client cannot be started.
    """
    # The image is what it is; the variable would make the client look for one of another platform.
    environ = {name: value for name, value in environ.items() if name != "DOCKER_DEFAULT_PLATFORM"}
    watcher = start_container_watcher(settings, container)
    try:
        code = run_in_foreground(argv, settings, container, environ, interactive=this_terminal().interactive)
        if code == 0 and not docker.detaches(settings.run_options):
            os.write(watcher, b"0")  # the program has ended, so the engine removes its container
        return code
    finally:
        os.close(watcher)


def is_image_lost(settings: Settings, image: str, code: int) -> bool:
    """Return whether a client failed with that code because the image is gone: another command has replaced it.

    While a program runs, the engine keeps the tag of its image, so a program's own exit code 125 is not mistaken.
    """
    return code == ENGINE_FAILED and not image_exists(settings, image)


def start_container_watcher(settings: Settings, container: str) -> int:
    """Start a process that removes the container when every copy of the returned file descriptor is closed.

    The engine's client leaves its container running when it is killed, or when nobody reads its output any more. The
    process that holds the descriptor may end in any way; one that knows that there is nothing to remove writes to it
    first. A detached container (`--detach`) is not removed. The watcher is not our child, so that we need not wait for
    it.
    """
    open_standard_streams()
    reader, writer = os.pipe()
    if docker.detaches(settings.run_options):
        os.close(reader)
        return writer
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            if os.fork() == 0:
                _watch(settings, container, reader, writer)
        finally:
            os._exit(0)
    os.close(reader)
    os.waitpid(child, 0)
    return writer


def _watch(settings: Settings, container: str, reader: int, writer: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.close(writer)
    if os.read(reader, 1):
        return
    containers = [container]
    label = next((word for word in settings.run_options if word.startswith(f"{docker.RUN_LABEL}=")), "")
    if label:
        import subprocess  # only for containers that the user has named

        listing = docker.list_containers_of_run(settings.engine, label)
        found = subprocess.run(listing, stdout=subprocess.PIPE, check=False)
        containers = found.stdout.decode().split()
    if containers:
        removal = docker.remove_container(settings.engine, *containers)
        os.execvp(removal[0], removal)


def open_standard_streams() -> None:
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
    return docker.Terminal(stdin_open, os.isatty(0) and os.isatty(1), selinux_enforces())


def selinux_enforces() -> bool:
    """Return whether SELinux enforces its rules on this machine."""
    try:
        with open("/sys/fs/selinux/enforce", encoding="utf-8") as file:
            return file.read(1) == "1"
    except OSError:
        return False
