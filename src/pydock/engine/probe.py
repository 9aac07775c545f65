"""A container that looks what containers can do here, for `pydock doctor`: write a file, reach the package indexes.

It gets what an installation gets, on its stdin, so that nothing secret is on a command line or in what the engine keeps.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from typing import TYPE_CHECKING, Any, NamedTuple

from pydock import errors
from pydock.engine import argv as docker
from pydock.engine.build_context import read_program
from pydock.engine.build_secrets import PIP_CONF, build_arguments
from pydock.engine.containers import selinux_enforces
from pydock.engine.leftovers import TAG
from pydock.environments import origin, registry
from pydock.environments.content import DOCKERFILE
from pydock.environments.environment import environment_names, find_environment
from pydock.environments.temporary import writing
from pydock.settings import DEFAULTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Callable

    from pydock.engine.build_secrets import Network
    from pydock.engine.client import Engine
    from pydock.engine.images import ListedImage
    from pydock.settings import Settings

PROGRAM = "probe.py"
FOLDER_INSIDE = "/run/pydock/probe"
FILE = "written"
FOLDER_PREFIX = ".pydock-doctor-"
SECONDS = 5  # that an index may take
SECONDS_OF_CONTAINER = 20
NO_PROGRAM = (126, 127)  # the exit codes of `docker run` for a program that cannot be started
# Options of a build that say where its containers are in the network.
NETWORK_OPTIONS = ("--network", "--add-host")


class ProbeImage(NamedTuple):
    """An image to look from, and whether it may have the user's credentials."""

    image: str
    trusted: bool


class ProbeResult(NamedTuple):
    """What a container found, None with the reason if there was none; `uid` is whose the file is here, None: not here."""

    answer: dict[str, Any] | None
    uid: int | None = None
    code: int = 0
    reason: str = ""


def choose_image(
    settings: Settings, labelled: Sequence[ListedImage], list_bases: Callable[[], Sequence[ListedImage]]
) -> ProbeImage | None:
    """Return the image to look from, None if there is none.

    It is that of an environment of the user's own, or a base image, or one of any environment that this user has built here.
    `labelled` are pydock's images, and `list_bases` asks for the others, which takes as long as a fifth of the rest. Another
    user's image is never run. An environment from elsewhere gets no credentials, as in builds.
    """
    tags = {image.tag for image in labelled}
    for name in environment_names(settings.home):
        with contextlib.suppress(errors.PydockError, OSError):
            environment = find_environment(settings, name)
            tag = environment.content_tag()
            if tag in tags and origin.is_own(settings, environment):
                return ProbeImage(tag, trusted=True)
    bases = list_bases()
    if bases:
        return ProbeImage(bases[0].tag, trusted=True)
    folders = registry.known_folders()
    for image in labelled:
        found = TAG.fullmatch(image.tag)
        folder = folders.get(found.group("identity"), "") if found else ""
        if folder and os.path.isfile(os.path.join(folder, DOCKERFILE)):
            return ProbeImage(image.tag, trusted=False)
    return None


def base_pattern(settings: Settings) -> str:
    """Return the pattern of the base images; what a project chooses is not the user's."""
    chosen = settings.project_file and settings.sources["repository"] == settings.project_file
    return f"{DEFAULTS['repository'] if chosen else settings.repository}:*"


def network_options(build_options: Sequence[str]) -> list[str]:
    """Return the options of a build that `docker run` has too, and that say what can be reached."""
    found: list[str] = []
    for option, following in zip(build_options, [*build_options[1:], ""]):
        name, equals, _ = option.partition("=")
        if name in NETWORK_OPTIONS:
            found += [option] if equals else [option, following]
    return found


@contextlib.contextmanager
def folder_to_write(parent: str) -> Iterator[tuple[str, str]]:
    """Yield a new, empty folder in `parent`, or "" and why there is none; it is removed at the end.

    `parent` is "" if the engine is on another machine.
    """
    if not parent:
        yield "", "Needs an engine on this machine."
        return
    try:
        folder = tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=parent)
    except OSError as error:
        yield "", f"You cannot write in {parent} yourself: {errors.reason(error)}."
        return
    try:
        yield folder, ""
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def probe(
    engine: Engine, settings: Settings, image: ProbeImage, network: Network, folder: str, *, rootless: bool
) -> Iterator[Callable[[], ProbeResult]]:
    """Start the container; yield a function that waits for what it found.

    `folder` is one to write in; "": nothing is written. Raises `BadSetting` if the proxies cannot be passed, and
    `PydockError` without a place for the request.
    """
    container = f"pydock-doctor-{os.urandom(6).hex()}"
    token = os.urandom(8).hex()
    request = {
        "file": f"{FOLDER_INSIDE}/{FILE}" if folder else "",
        "text": token,
        "pip_conf": network.texts.get(PIP_CONF, ""),
        "netrc": _text(network.netrc),
        "ca": _text(network.ca_bundle),
        "seconds": SECONDS,
    }
    options = [*network_options(settings.build_options), *_proxy_options(engine, network)]
    argv = docker.probe_container(
        settings.engine,
        image.image,
        container,
        read_program(PROGRAM),
        user="0:0" if rootless else f"{os.getuid()}:{os.getgid()}",
        mounts={FOLDER_INSIDE: folder} if folder else {},
        options=options,
        selinux=selinux_enforces(),
    )
    with contextlib.ExitStack() as stack:
        with writing("a temporary file"):
            stdin = stack.enter_context(tempfile.TemporaryFile(buffering=0))  # closing writes no more
            rest = json.dumps(request).encode("utf-8", "surrogateescape")
            while rest:
                rest = rest[stdin.write(rest) :]
            stdin.seek(0)
        with engine.container_beside(argv, container, stdin, SECONDS_OF_CONTAINER) as wait:

            def result() -> ProbeResult:
                ended = wait()
                answer = read_answer(ended.stdout) if ended.ok else None
                uid = _owner(os.path.join(folder, FILE), token) if folder else None
                return ProbeResult(answer, uid, ended.exited, ended.stderr)

            yield result


def read_answer(text: str) -> dict[str, Any] | None:
    """Return what the program in the container printed; None if it is not that, as an image may print anything."""
    try:
        found = json.loads(text.strip().splitlines()[-1])
        return {
            "uid": int(found["uid"]),
            "unwritten": str(found["unwritten"]),
            "free": int(found["free"]),
            "indexes": [
                {
                    "address": str(index["address"]),
                    "status": int(index["status"]),
                    "error": str(index["error"]),
                }
                for index in found["indexes"]
            ],
        }
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def _proxy_options(engine: Engine, network: Network) -> list[str]:
    """Return the options that pass the proxies, as builds get them."""
    with build_arguments(
        network._replace(texts={}, files={}), by_environment=engine.passes_environment
    ) as given:
        words = [*given.inherited, *(f"{name}={value}" for name, value in given.arguments.items())]
    return [word for value in words for word in ("--env", value)]


def _owner(path: str, token: str) -> int | None:
    """Return whose the file is, None if it is not there or not what was written."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), encoding="utf-8") as file:
            return os.fstat(file.fileno()).st_uid if file.read(100) == token else None
    except (OSError, UnicodeDecodeError):
        return None


def _text(path: str) -> str:
    """Return a file's text, "" if there is none or it cannot be read, as a build would say."""
    try:
        return errors.read_file(path).decode("utf-8", "surrogateescape") if path else ""
    except (errors.PydockError, OSError):
        return ""
