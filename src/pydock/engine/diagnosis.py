"""What the engine's own words mean, and what the user can do about it."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, NamedTuple

from pydock import errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoke import Result

NOT_FOUND = 127
MAX_LINES = 12  # of somebody else's words in one of our messages


class Meaning(NamedTuple):
    pattern: str
    error: type[errors.PydockError]
    message: str


# The engine as a whole, whatever was asked of it. `{client}` is the client's command.
OF_THE_ENGINE = (
    Meaning(
        r"permission denied while trying to connect|dial unix .*: connect: permission denied",
        errors.EngineForbidden,
        "This user may not use the Docker engine's socket. Add the user to the group that owns it "
        "(`sudo usermod -aG docker $USER`, then log in again), or set PYDOCK_ENGINE='sudo docker'.",
    ),
    Meaning(
        r"Cannot connect to the Docker daemon|failed to connect to the docker API|Is the docker daemon running"
        r"|error during connect|Cannot connect to Podman|connection refused.*docker\.sock",
        errors.EngineNotRunning,
        "The Docker engine does not answer. Start it (`sudo systemctl start docker`, or Docker Desktop) and try "
        "again; `{client} version` shows whether it does.",
    ),
    Meaning(
        r"buildx component is missing or broken|unknown command: docker buildx|unknown flag: --secret"
        r"|the --mount option requires BuildKit",
        errors.BuildKitMissing,
        "Docker's buildx plugin is missing, and pydock builds with it. Install the package docker-buildx-plugin "
        "(Docker's own) or docker-buildx (your distribution's) and try again.",
    ),
    Meaning(
        r"no space left on device|disk quota exceeded",
        errors.DiskFull,
        "There is no space left where the engine keeps its images. `{client} system df` shows what fills it, "
        "`{client} system prune` frees what nothing uses.",
    ),
)

# What a build met. `{image}` is the image it asked for, `{words}` the installer's or the step's own last words.
OF_A_BUILD = (
    Meaning(
        r'"(?P<file>/[^"]*)": not found',
        errors.BuildFailed,
        "The dockerfile takes {image} from its folder, and it is not there. Put it back, or mend the dockerfile.",
    ),
    Meaning(
        r"(?P<image>\S+): failed to resolve source metadata for \S+: (?:failed to do request|.*(?:no such host"
        r"|dial tcp|i/o timeout|connection refused|TLS handshake|network is unreachable))",
        errors.RegistryUnreachable,
        "The base image {image} is not on this machine, and its registry cannot be reached. Check the network "
        "(and the engine's proxy), or load the image with `{client} load`, and try again.",
    ),
    Meaning(
        r"(?P<image>\S+): failed to resolve source metadata|(?P<other>\S+): not found\b.*|manifest (?:for (?P<third>\S+) )?"
        r"(?:not found|unknown)|pull access denied for (?P<fourth>[^,\s]+)",
        errors.BaseImageUnknown,
        "The base image {image} exists neither on this machine nor in its registry. Check the version "
        "(a tag such as 3.12 or 3.12-slim) or the repository.",
    ),
)

NO_PACKAGE = re.compile(
    r"No matching distribution found|No solution found|not found in the package registry|was not found in"
    r"|ResolutionImpossible|Could not find a version|requires-python|Requires-Python|has no wheels with"
    r"|incompatible|but you have|conflicting dependencies|Found \d+ incompatibilit",
    re.IGNORECASE,
)
NO_INDEX = re.compile(
    r"Failed to fetch:|error sending request|Temporary failure in name resolution|dns error|CERTIFICATE_VERIFY_FAILED"
    r"|invalid peer certificate|Connection refused|Network is unreachable|Max retries exceeded|Connection timed out"
    r"|client error \(Connect\)",
    re.IGNORECASE,
)
BAD_CERTIFICATE = re.compile(
    r"CERTIFICATE_VERIFY_FAILED|invalid peer certificate|UnknownIssuer", re.IGNORECASE
)


def raise_for_engine(client: Sequence[str], result: Result) -> None:
    """Raise the error that says the engine as a whole did not work; return where it did."""
    words = f"{result.stdout}\n{result.stderr}"
    for meaning in OF_THE_ENGINE:
        if re.search(meaning.pattern, words):
            raise meaning.error(meaning.message.format(client=shlex.join(client)))


def client_not_found(client: Sequence[str]) -> errors.EngineNotFound:
    other = "docker" if client[-1] == "podman" else "podman"
    return errors.EngineNotFound(
        f"There is no command '{client[0]}' on PATH. Install Docker (https://docs.docker.com/engine/install/), "
        f"or say which client to use: PYDOCK_ENGINE={other}."
    )


def failure(argv: Sequence[str], result: Result) -> errors.PydockError:
    """Return the error for a command that failed while the engine worked."""
    words = _plain(f"{result.stdout}\n{result.stderr}")
    if "build" in argv[:4]:
        return _build_failure(argv, words)
    return errors.EngineError(
        f"`{shlex.join(argv)}` failed with exit code {result.exited}: {_last_lines(words, 3) or 'it said nothing'}"
    )


def _build_failure(argv: Sequence[str], words: str) -> errors.PydockError:
    step = _failed_step(words)
    if not step:
        for meaning in OF_A_BUILD:
            found = re.search(meaning.pattern, words)
            if found:
                image = next((group for group in found.groups() if group), "named in the dockerfile")
                return meaning.error(
                    meaning.message.format(
                        client=argv[0], image=image.strip("\"'").removeprefix("docker.io/library/")
                    )
                )
        return errors.BuildFailed(f"The engine refused the build:\n{_last_lines(words, MAX_LINES)}")
    if NO_INDEX.search(step):
        hint = (
            "Its certificate is signed by an authority that the build does not know: name your organisation's CA "
            "bundle with PYDOCK_CA_BUNDLE=/path/to/ca.pem."
            if BAD_CERTIFICATE.search(step)
            else "Check the network, the proxy variables and the index (`pydock config` shows what is used)."
        )
        return errors.PackagesUnavailable(f"The package index cannot be reached. {hint}\n{step}")
    if NO_PACKAGE.search(step):
        return errors.PackagesUnavailable(
            f"No set of packages fits. Change the names or the versions and try again; nothing was changed.\n{step}"
        )
    return errors.BuildFailed(f"A step of the dockerfile failed; nothing was changed.\n{step}")


def _failed_step(words: str) -> str:
    """Return the last words of the step that failed, as BuildKit repeats them between dashes."""
    sections = re.findall(r"^------\n > .*?\n(.*?)^------$", words, re.MULTILINE | re.DOTALL)
    if not sections:
        return ""
    lines = [re.sub(r"^(?:#\d+ )?\d+\.\d+ ?", "", line) for line in sections[-1].splitlines()]
    return "\n".join(line for line in lines if line.strip())[-4000:]


def _last_lines(words: str, count: int) -> str:
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    return "\n".join(lines[-count:])


def _plain(words: str) -> str:
    """Return a terminal's text without its escape sequences and overwritten lines."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", words).replace("\r\n", "\n").replace("\r", "\n")
