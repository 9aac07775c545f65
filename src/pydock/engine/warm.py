"""Warm containers: a container that waits for programs, so that a run of one costs no start of a container.

A warm container has the options of the run that it is made for, without those of the program itself: its arguments, its
variables, its folder, its streams. Its name is the digest of these options and of the image's id, so a run with other
mounts, another image or other settings never finds it. The main program is `inside/keeper.py`, which listens on a socket
in a folder of the user's.

Imported by every `pydock run`, so nothing slow is imported here.
"""

from __future__ import annotations

import os
import time

from pydock import __version__, trust
from pydock._speed.named_tuple import NamedTuple
from pydock.engine import argv as docker
from pydock.engine.containers import open_standard_streams, run_argv
from pydock.engine.endpoint import engine_endpoint, find_image
from pydock.engine.warm_run import connect, run_program
from pydock.environments.content import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Iterator, Mapping, Sequence

    from pydock.engine.client import Engine
    from pydock.engine.compose_cache import ComposeOptions
    from pydock.environments.environment import Environment
    from pydock.settings import Settings

PROGRAM = "keeper.py"
FOLDER_INSIDE = "/run/pydock/keeper"
LABEL = "pydock.warm"
STAY = "stay"  # the file that keeps an idle container
SOCKET = "socket"
UNUSABLE = "unusable"  # the file that says that no keeper could start there
SECONDS_TO_START = 10
SECONDS_FOR_ANOTHER = 2
SECONDS_TO_END = 3
DEFAULT_SECONDS = 600
# Options of a run that needs a container of its own: it has a name, a port or a program, or runs in the background.
UNSUITABLE = {docker.RUN_LABEL, "--detach", "-d", "--attach", "-a", "--cidfile", "--label-file"}
UNSUITABLE |= {"--entrypoint", "--publish", "-p", "--publish-all", "-P"}
# Options that are different for each run of one container.
SWITCHES_OF_RUN = {"--interactive", "--tty", "--sig-proxy"}
OPTIONS_OF_RUN = {"--name", "--entrypoint", "--workdir", "--detach-keys", "--env", "-e", "--env-file"}


class Program(NamedTuple):
    """What is different for each run: the words, the folder, and the variables (None: not set)."""

    argv: Sequence[str]
    folder: str
    variables: Mapping[str, str | None]


class WarmContainer(NamedTuple):
    """A warm container, whether it exists or not: its name, the options of `docker run`, the image, the socket's folder."""

    name: str
    options: Sequence[str]
    image: str
    folder: str

    @property
    def identity(self) -> str:
        """The identity of its environment."""
        return os.path.basename(self.folder).partition("-")[0]

    def connect(self) -> socket | None:
        """Return a connection to the keeper, None if there is none."""
        return connect(self.folder, SOCKET)

    def is_running(self) -> bool:
        """Return whether a keeper listens."""
        connection = self.connect()
        if connection:
            connection.close()
        return connection is not None

    def stay(self) -> None:
        """Let it wait however long nothing runs."""
        _write(os.path.join(self.folder, STAY))

    def retire(self) -> None:
        """Let it end when its last program has ended; no other program starts in it."""
        connection = self.connect()
        for file in (STAY, SOCKET, UNUSABLE):
            _remove(os.path.join(self.folder, file))
        try:  # noqa: SIM105 - contextlib would take longer to import than all of this
            os.rmdir(self.folder)
        except OSError:
            pass
        if connection:
            connection.close()  # then the keeper looks whether it is still wanted


def describe_run(
    settings: Settings,
    environment: Environment,
    argv: Sequence[str],
    image: str,
    variables: Mapping[str, str] | None = None,
    identifier: str | None = None,
) -> tuple[WarmContainer, Program] | None:
    """Return the warm container for a `docker run`, and what runs in it; None if it needs a container of its own.

    `argv` is what `run_argv` returns, and `variables` are those of the client's environment beside our own. `identifier` is
    what `find_image` has returned, if the engine was asked.
    """
    if not is_possible(settings):
        return None
    identifier = find_image(settings, image) if identifier is None else identifier
    if not identifier:
        return None
    start = len(settings.engine) + 1
    end = list(argv).index(image, start)
    options, place, values = _divide(argv[start:end], {**os.environ, **(variables or {})})
    if docker.detaches(options) or any(_is_unsuitable(option) for option in options):
        return None
    folder = os.path.join(warm_folder(), environment.identity)
    key = digest([__version__, identifier, engine_endpoint(os.environ), folder, str(os.getuid()), *options])[
        :12
    ]
    container = WarmContainer(f"{environment.name}-warm-{key}", options, image, f"{folder}-{key}")
    command = list(argv[end + 1 :])
    if command[:2] == [docker.SHELL, "-c"]:  # there, Ctrl-Z works
        command[2] = command[2].removeprefix(docker.NO_STOPPING)
    return container, Program(command, place, values)


def is_possible(settings: Settings) -> bool:
    """Return whether a socket leads from this machine into containers: the engine runs here, not in a virtual machine."""
    endpoint = engine_endpoint(os.environ)
    return settings.engine == ("docker",) and (
        not endpoint
        or (endpoint.startswith("unix://") and "/.docker/" not in endpoint and "colima" not in endpoint)
    )


def start_argv(
    settings: Settings, environment: Environment, container: WarmContainer, seconds: int
) -> list[str]:
    """Return the `docker run` that starts a warm container, which ends after so many seconds without a program."""
    from pydock.engine.build_context import read_program  # only to start one

    mount = docker.csv_record("type=bind", f"source={container.folder}", f"target={FOLDER_INSIDE}")
    return [
        *settings.engine,
        *("run", "--detach", "--name", container.name, "--label", f"{LABEL}={environment.identity}"),
        *("--entrypoint", "", *container.options, "--mount", mount, container.image),
        *("python3", "-I", "-c", read_program(PROGRAM), FOLDER_INSIDE, str(seconds)),
    ]


def start(settings: Settings, environment: Environment, container: WarmContainer, seconds: int) -> bool:
    """Start a warm container, unless it runs; return whether a keeper listens in it."""
    if container.is_running():
        return True
    unusable = os.path.join(container.folder, UNUSABLE)
    if os.path.exists(unusable):
        return False
    _make_folder(container.folder)
    _remove(os.path.join(container.folder, SOCKET))  # of a container that was killed
    argv = start_argv(settings, environment, container, seconds)
    null = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_RDWR, 0) for stream in (0, 1, 2)]
    try:
        process = os.posix_spawnp(argv[0], argv, os.environ, file_actions=null, setsid=True)
    except OSError:
        return False
    failed = os.waitpid(process, 0)[1] != 0  # perhaps because another run has started it
    end = time.monotonic() + (SECONDS_FOR_ANOTHER if failed else SECONDS_TO_START)
    while time.monotonic() < end:
        if container.is_running():
            return True
        time.sleep(0.01)
    _write(unusable)  # so that no other run waits
    return False


def run_warm(
    settings: Settings,
    environment: Environment,
    argv: Sequence[str],
    image: str,
    variables: Mapping[str, str] | None = None,
    identifier: str | None = None,
) -> int | None:
    """Run a command in the warm container; return its exit code, None if it needs a container of its own.

    With the setting `keep`, and after `up`, a container is started if there is none; else only one that exists is used. The
    arguments are those of `describe_run`.
    """
    seconds = settings.seconds_to_keep
    if not seconds and not _has_any(warm_folder(), environment):
        return None
    stays = is_up(environment)
    seconds = seconds or (DEFAULT_SECONDS if stays else 0)
    open_standard_streams()  # the connection must not become one of them
    found = describe_run(settings, environment, argv, image, variables, identifier)
    if found is None:
        return None
    container, program = found
    for _ in range(2):  # the keeper may end while we connect
        connection = container.connect()
        try:
            if connection is None and (not seconds or not start(settings, environment, container, seconds)):
                return None
            if stays:
                container.stay()
        except OSError:  # nothing can be written, for example because the disk is full
            return None
        connection = connection or container.connect()
        code = run_program(connection, program) if connection else None
        if code is not None:
            return code
        container.retire()  # the folder was deleted and made again, or the keeper ended
    return None


def warm_containers(name: str, identity: str) -> Iterator[WarmContainer]:
    """Yield the warm containers that run of an environment with this name and identity."""
    folder = warm_folder()
    for entry in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        if entry.startswith(f"{identity}-"):
            key = entry[len(identity) + 1 :]
            container = WarmContainer(f"{name}-warm-{key}", (), "", os.path.join(folder, entry))
            if container.is_running():
                yield container


def retire_all(environment: Environment) -> bool:
    """Let every warm container of an environment end when its last program has ended; return whether there were any."""
    containers = list(warm_containers(environment.name, environment.identity))
    for container in containers:
        container.retire()
    return bool(containers)


def is_up(environment: Environment) -> bool:
    """Return whether the user wants a warm container until `pydock down`."""
    return os.path.exists(_mark(environment))


def take_up(settings: Settings, environment: Environment, image: str, compose: ComposeOptions) -> bool:
    """Start a warm container for the working directory, which stays until `down`; return whether there is one."""
    open_standard_streams()
    argv = run_argv(settings, environment, image, "", ["true"], compose=compose)
    found = describe_run(settings, environment, argv, image)
    if found is None:
        return False
    container, _ = found
    _remove(os.path.join(container.folder, UNUSABLE))
    if not start(settings, environment, container, settings.seconds_to_keep or DEFAULT_SECONDS):
        return False
    _write(_mark(environment))
    container.stay()
    return True


def end_idle(engine: Engine, environment: Environment) -> bool:
    """End the warm containers of an environment in which no program runs, and wait until they are removed.

    In the others, no more programs start, and they end with their last one. Returns whether there were any.
    """
    if engine.dry or not _take_down(environment):
        return False
    listing = docker.list_labelled_containers(engine.client, f"{LABEL}={environment.identity}")
    end = time.monotonic() + SECONDS_TO_END
    while time.monotonic() < end and engine.query(listing).strip():
        time.sleep(0.05)
    return True


def _take_down(environment: Environment) -> bool:
    was_up = is_up(environment)
    _remove(_mark(environment))
    return retire_all(environment) or was_up


def _mark(environment: Environment) -> str:
    return os.path.join(warm_folder(), f"{environment.identity}-up")


def warm_folder() -> str:
    """Return the folder of the sockets' folders."""
    return os.path.join(os.path.dirname(trust.state_folder()), "warm")


def _has_any(folder: str, environment: Environment) -> bool:
    try:
        return any(entry.startswith(f"{environment.identity}-") for entry in os.listdir(folder))
    except OSError:
        return False


def _write(path: str) -> None:
    try:
        with open(path, "wb"):
            pass
    except FileNotFoundError:  # another command has removed the folder: it wants no warm container
        pass


def _remove(path: str) -> None:
    try:  # noqa: SIM105 - see above
        os.unlink(path)
    except FileNotFoundError:
        pass


def _make_folder(folder: str) -> None:
    os.makedirs(folder, mode=0o700, exist_ok=True)
    os.chmod(folder, 0o700)
    trust.check_owner(folder)


def _is_unsuitable(option: str) -> bool:
    return option.partition("=")[0] in UNSUITABLE or option[:2] == "-p"


def _divide(words: Sequence[str], environ: Mapping[str, str]) -> tuple[list[str], str, dict[str, str | None]]:
    """Divide the options of `docker run` into the container's, and the program's folder and variables."""
    options: list[str] = []
    folder = ""
    variables: dict[str, str | None] = {}
    of_files: dict[str, str | None] = {}
    rest = iter(words)
    for word in rest:
        option, equals, value = word.partition("=")
        if option in SWITCHES_OF_RUN:
            continue
        if option not in OPTIONS_OF_RUN:
            options.append(word)
            continue
        value = value if equals else next(rest, "")
        if option == "--workdir":
            folder = value
        elif option in {"--env", "-e"}:
            name, given, text = value.partition("=")
            variables[name] = text if given else environ.get(name)
        elif option == "--env-file":
            of_files.update(_read_env_file(value, environ))
        elif option == "--entrypoint" and value:  # the user's; pydock's own is empty
            options.append(option)
    return options, folder, {**of_files, **variables}


def _read_env_file(path: str, environ: Mapping[str, str]) -> dict[str, str | None]:
    """Return the variables of a file, as `docker run --env-file` reads it; a name alone has our own value."""
    found: dict[str, str | None] = {}
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        for line in file.read().removeprefix("\ufeff").replace("\r\n", "\n").split("\n"):
            text = line.lstrip()
            if text and not text.startswith("#"):
                name, given, value = text.partition("=")
                found[name] = value if given else environ.get(name)
    return found
