"""Where the engine listens, and the one question that is asked there without a client: does an image exist.

Imported by every `pydock run`, so nothing slow is imported here.
"""

from __future__ import annotations

import os

from pydock import errors
from pydock.engine import argv as docker
from pydock.settings import find_user_home, working_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Callable, Mapping

    from pydock.settings import Settings

LOCAL_ENDPOINTS = ("unix://", "npipe://", "fd://", "tcp://localhost", "tcp://127.", "tcp://[::1]")
DEFAULT_ENDPOINT = "unix:///var/run/docker.sock"
TIMEOUT = 5  # seconds to wait for the engine's answer before its client is asked


def check_supported(settings: Settings) -> None:
    """Raise `EngineNotSupported` if the client is Podman, whose answers pydock does not understand yet."""
    if any(os.path.basename(word).startswith("podman") for word in settings.engine):
        raise errors.EngineNotSupported(
            f"Podman is not supported yet (setting 'engine' is '{' '.join(settings.engine)}', from "
            f"{settings.sources['engine']}). Use Docker Engine 23 or newer: remove the setting, or run with "
            "PYDOCK_ENGINE=docker."
        )


def check_local(settings: Settings, environ: Mapping[str, str] | None = None, folder: str = "") -> None:
    """Raise `EngineRemote` if the engine is on another machine, which does not have this machine's folders.

    `folder` is the one to mount; the working directory if it is "".
    """
    environ = os.environ if environ is None else environ
    endpoint = engine_endpoint(environ) if settings.engine[-1].endswith("docker") else ""
    if endpoint and not endpoint.startswith(LOCAL_ENDPOINTS):
        raise errors.EngineRemote(
            f"The Docker engine is on another machine ({endpoint}), so it cannot mount {folder or working_directory()}. "
            "Use an engine on this machine (`docker context use default`), or copy the folder there and work there."
        )


def engine_endpoint(environ: Mapping[str, str]) -> str:
    """Return the engine's address as the docker client finds it, "" for its default.

    The order is the client's: DOCKER_HOST, DOCKER_CONTEXT, the context chosen with `docker context use`
    (https://docs.docker.com/engine/manage-resources/contexts/).
    """
    if environ.get("DOCKER_HOST"):
        return environ["DOCKER_HOST"]
    folder = environ.get("DOCKER_CONFIG") or os.path.join(find_user_home(environ) or "/", ".docker")
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


def find_image(settings: Settings, image: str) -> str | None:
    """Return the id of the image, "" if it exists and its id is not known, None if the engine does not have it.

    The engine's socket answers within two milliseconds (https://docs.docker.com/reference/api/engine/). If there is none
    that this user may use, the client is asked (`docker image inspect`), which takes about 20 times as long, and whose
    answer is not read.
    """
    return ask_for_image(settings, image)()


def ask_for_image(settings: Settings, image: str) -> Callable[[], str | None]:
    """Ask the engine for an image; return a function that waits for the answer, and returns what `find_image` does.

    So the caller can do something else meanwhile.
    """
    connection = _ask(settings, f"GET /images/{image}/json")

    def answer() -> str | None:
        answered = _read_answer(connection, whole=True)
        status = _status_of(answered)
        if status == b"200":
            return answered.partition(b'"Id":"')[2].partition(b'"')[0].decode("ascii", "replace")
        if status == b"404":
            return None
        return "" if _succeeds(docker.image_exists(settings.engine, image)) else None

    return answer


def image_exists(settings: Settings, image: str) -> bool:
    """Return whether the engine has the image; asked like `find_image`."""
    return find_image(settings, image) is not None


def container_exists(settings: Settings, container: str) -> bool:
    """Return whether the engine has a container of that name, running or not; asked like `find_image`."""
    return _exists(
        settings, f"/containers/{container}/json", docker.container_exists(settings.engine, container)
    )


def network_exists(settings: Settings, network: str) -> bool:
    """Return whether the engine has the network; asked like `find_image`."""
    if not all(sign.isalnum() or sign in "_.-" for sign in network):
        return False
    return _exists(settings, f"/networks/{network}", docker.inspect_network(settings.engine, network))


def signal_container(settings: Settings, container: str, name: str) -> bool:
    """Send a signal (`SIGINT`) to the container's program; return False if the container does not run (yet)."""
    status = _status(settings, f"POST /containers/{container}/kill?signal={name}")
    return status == b"204" if status else _succeeds(docker.kill_container(settings.engine, container, name))


def _exists(settings: Settings, path: str, argv: list[str]) -> bool:
    """Return whether the engine has what is at a path of its API; `argv` is the client's command that asks the same."""
    status = _status(settings, f"GET {path}")
    return status == b"200" if status in {b"200", b"404"} else _succeeds(argv)


def _status(settings: Settings, request: str) -> bytes:
    """Return the HTTP status of the engine's answer, b"" if there is no socket that answers."""
    return _status_of(_read_answer(_ask(settings, request)))


def _status_of(answer: bytes) -> bytes:
    return answer[len("HTTP/1.0 ") :][:3]


def _ask(settings: Settings, request: str) -> socket | None:
    """Send a request; return a connection that will have the answer, None if there is no socket that takes it."""
    endpoint = (engine_endpoint(os.environ) or DEFAULT_ENDPOINT) if settings.engine == ("docker",) else ""
    if not endpoint.startswith("unix:///"):
        return None
    try:
        from _socket import AF_UNIX, SOCK_STREAM, socket  # `socket` takes 5 ms more to import
    except ImportError:
        return None
    connection = socket(AF_UNIX, SOCK_STREAM)
    try:
        connection.settimeout(TIMEOUT)
        connection.connect(endpoint.removeprefix("unix://"))
        connection.sendall(f"{request} HTTP/1.0\r\nContent-Length: 0\r\n\r\n".encode())
    except OSError:
        connection.close()
        return None
    return connection


def _read_answer(connection: socket | None, *, whole: bool = False) -> bytes:
    """Return the engine's answer, or its beginning with the status; b"" if there is none. Closes the connection."""
    if connection is None:
        return b""
    try:
        answer = connection.recv(len("HTTP/1.0 200"))
        while whole and (chunk := connection.recv(1 << 16)):
            answer += chunk
    except OSError:
        return b""
    else:
        return answer
    finally:
        connection.close()


def _succeeds(argv: list[str]) -> bool:
    """Run a command without streams; importing subprocess would take as long as the command."""
    no_streams = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_RDWR, 0) for stream in (0, 1, 2)]
    own_session = docker.passes_environment(tuple(argv))  # out of reach of a Ctrl-C; `sudo` needs our session
    try:
        process = os.posix_spawnp(argv[0], argv, os.environ, file_actions=no_streams, setsid=own_session)
    except OSError:
        return False
    return os.waitpid(process, 0)[1] == 0
