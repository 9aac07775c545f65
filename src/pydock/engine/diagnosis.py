"""What the engine's messages mean, and what the user can do."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, NamedTuple

from pydock import errors
from pydock.engine.process import NO_ANSWER
from pydock.messages import redacted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoke import Result

NOT_FOUND = 127
MAX_LINES = 12  # of the engine's output in one of our messages


class Meaning(NamedTuple):
    """A pattern of the engine's messages, and the error that it stands for."""

    pattern: str
    error: type[errors.PydockError]
    message: str


# Failures of the engine as a whole. `{client}` is the client's command.
ENGINE_FAILURES = (
    Meaning(
        r"permission denied while trying to connect|dial unix .*: connect: permission denied",
        errors.EngineForbidden,
        "No permission to use the Docker engine's socket. Add your user to the group that owns it "
        "(`sudo usermod -aG docker $USER`, then log in again), or set PYDOCK_ENGINE='sudo docker'.",
    ),
    Meaning(
        r"Cannot connect to the Docker daemon|failed to connect to the docker API|Is the docker daemon running"
        r"|error during connect|Cannot connect to Podman|connection refused.*docker\.sock",
        errors.EngineNotRunning,
        "The Docker engine is not running. Start it (`sudo systemctl start docker`, or Docker Desktop) and try "
        "again. `{client} version` shows whether it answers.",
    ),
    Meaning(
        re.escape(NO_ANSWER),
        errors.EngineNotRunning,
        "The Docker engine does not answer in time. Restart it (`sudo systemctl restart docker`, or Docker Desktop) and try "
        "again. `{client} version` shows whether it answers.",
    ),
    Meaning(
        r"buildx component is missing or broken|unknown command: docker buildx|unknown flag: --secret"
        r"|the --mount option requires BuildKit",
        errors.BuildKitMissing,
        "Docker's buildx plugin was not found; pydock needs it to build images. Install the package "
        "docker-buildx-plugin (from Docker) or docker-buildx (from your distribution) and try again.",
    ),
    Meaning(
        r"(?i:no space left on device|disk quota exceeded)",  # Docker, uv and pip differ in capitals
        errors.DiskFull,
        "No space left where the engine keeps its images. `{client} system df` shows what uses it; "
        "`{client} system prune` removes what is unused.",
    ),
)

# Failures of a build before its first step. `{image}` is the image or file that it asked for.
BUILD_FAILURES = (
    Meaning(
        r'"(?P<file>/[^"]*)": not found',
        errors.BuildFailed,
        "The dockerfile uses {image}, which was not found in its folder. Restore the file, or fix the dockerfile.",
    ),
    Meaning(
        r"(?P<image>\S+): failed to resolve source metadata for \S+: (?:failed to do request|.*(?:no such host"
        r"|dial tcp|i/o timeout|connection refused|TLS handshake|network is unreachable))",
        errors.RegistryUnreachable,
        "The base image {image} was not found on this machine, and its registry cannot be reached. Check the network "
        "and the engine's proxy, or load the image with `{client} load`, and try again.",
    ),
    Meaning(
        r"(?P<image>\S+): failed to resolve source metadata|(?P<other>\S+): not found\b.*|manifest (?:for (?P<third>\S+) )?"
        r"(?:not found|unknown)|pull access denied for (?P<fourth>[^,\s]+)",
        errors.BaseImageNotFound,
        "The base image {image} was not found, neither on this machine nor in its registry. Check the version "
        "(a tag such as 3.12 or 3.12-slim) and the repository.",
    ),
)


def raise_for_engine(client: Sequence[str], words: str) -> None:
    """Raise the error for an engine that does not work at all; return if it works. `words` are the client's output."""
    for meaning in ENGINE_FAILURES:
        if re.search(meaning.pattern, words):
            raise meaning.error(meaning.message.format(client=shlex.join(client)))


def client_not_found(client: Sequence[str]) -> errors.EngineNotFound:
    """Return the error for a client that is not on PATH."""
    hint = (
        "" if client == ("docker",) else " or correct the setting 'engine' (`pydock config` shows its source)"
    )
    return errors.EngineNotFound(
        f"Command '{client[0]}' not found on PATH. Install Docker (https://docs.docker.com/engine/install/){hint}."
    )


def failure(argv: Sequence[str], result: Result) -> errors.PydockError:
    """Return the error for a command that failed while the engine worked."""
    words = _plain(f"{result.stdout}\n{result.stderr}")
    return errors.EngineError(
        f"`{shlex.join(argv)}` failed with exit code {result.exited}: {_last_lines(words, 3) or '(no output)'}"
    )


def failure_before_the_first_step(client: Sequence[str], words: str) -> errors.PydockError:
    """Return the error for a build of which no step failed: no base image, or an invalid dockerfile."""
    for meaning in BUILD_FAILURES:
        found = re.search(meaning.pattern, words)
        if found:
            image = next((group for group in found.groups() if group), "named in the dockerfile")
            image = image.strip("\"'").removeprefix("docker.io/library/")
            return meaning.error(meaning.message.format(client=shlex.join(client), image=image))
    return errors.BuildFailed(f"The build failed:\n{_last_lines(words, MAX_LINES)}")


def _last_lines(words: str, count: int) -> str:
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    return "\n".join(lines[-count:])


def _plain(words: str) -> str:
    """Return terminal output without secrets and escape sequences, its overwritten lines as lines of their own."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", words).replace("\r\n", "\n").replace("\r", "\n")
    return redacted(plain)
