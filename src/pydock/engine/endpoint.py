"""Where the engine listens; and the one question that is asked there without a client: whether it has an image.

Imported by every `pydock run`, so nothing heavy is imported here.
"""

from __future__ import annotations

import os

from pydock import errors
from pydock.engine import argv as docker
from pydock.settings import working_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydock.settings import Settings

LOCAL_ENDPOINTS = ("unix://", "npipe://", "fd://", "tcp://localhost", "tcp://127.", "tcp://[::1]")
DEFAULT_ENDPOINT = "unix:///var/run/docker.sock"
PATIENCE = 5  # seconds that an engine may take to answer before its client is asked


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


def image_is_there(settings: Settings, image: str) -> bool:
    """Return whether the engine has the image.

    Asked of the engine's socket, in a millisecond (https://docs.docker.com/reference/api/engine/); where there is
    none that we may use, of its client (`docker image inspect`), which takes the twentyfold.
    """
    endpoint = (engine_endpoint(os.environ) or DEFAULT_ENDPOINT) if settings.engine == ("docker",) else ""
    status = _status(endpoint.removeprefix("unix://"), image) if endpoint.startswith("unix:///") else b""
    if status in {b"200", b"404"}:
        return status == b"200"
    return _succeeds(docker.image_exists(settings.engine, image))


def _status(path: str, image: str) -> bytes:
    """Return the HTTP status of the engine's answer, empty where there is no answer."""
    try:
        from _socket import AF_UNIX, SOCK_STREAM, socket  # `socket` itself imports 5 ms of what is not needed
    except ImportError:
        return b""
    connection = socket(AF_UNIX, SOCK_STREAM)
    try:
        connection.settimeout(PATIENCE)
        connection.connect(path)
        connection.sendall(f"GET /images/{image}/json HTTP/1.0\r\n\r\n".encode())
        return connection.recv(len("HTTP/1.0 200"))[-3:]
    except OSError:
        return b""
    finally:
        connection.close()


def _succeeds(argv: list[str]) -> bool:
    """Run a command that nobody hears; importing subprocess would take as long as the command."""
    silence = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_RDWR, 0) for stream in (0, 1, 2)]
    try:
        process = os.posix_spawnp(argv[0], argv, os.environ, file_actions=silence)
    except OSError:
        return False
    return os.waitpid(process, 0)[1] == 0
