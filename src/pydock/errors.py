"""The errors that a user can cause or meet, and the words that they share.

Every error carries one message (what happened, why, what to do next) and an exit code. The codes are those of
common tools: 2 for a usage error (argparse, bash), 125 when the engine itself failed (`docker run`), 130 after
Ctrl-C, 1 for the rest.
"""

from __future__ import annotations

import errno
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class PydockError(Exception):
    """The base class of all errors that are shown as a message, without a traceback."""

    code = 1

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UsageError(PydockError):
    """The command line is wrong: an invalid name, version, option or requirement specifier."""

    code = 2


class EnvironmentNotFound(PydockError):
    """There is no environment of that name."""


class EnvironmentExists(PydockError):
    """`create` found an environment of that name."""


class EnvironmentChanged(PydockError):
    """The folder was edited while a command worked on it."""


class BadSetting(UsageError):
    """A setting has an invalid value or an unknown name."""


class UnsafePath(PydockError):
    """A path leads out of the project, is not an ordinary file or folder, or can be changed by another user."""


class NotTrusted(PydockError):
    """A project's settings file has settings that take effect only after `pydock trust`."""


class BadTemplate(PydockError):
    """A template was not found or cannot be rendered."""


class BadRequirements(UsageError):
    """A requirements file has an invalid line; the message names file and line."""


class BadProject(UsageError):
    """A file that describes a project (pyproject.toml, .python-version) cannot be read; the message names it."""


class BadCompose(UsageError):
    """A docker-compose.yml is invalid, or has something that `docker run` cannot do; the message names it."""


class ComposeNotRead(PydockError):
    """What a docker-compose.yml means is not known, because Compose has to read the file first."""


class VariableNotSet(UsageError):
    """A requirement line has a `${VARIABLE}` that has no value here."""


class PackagesUnavailable(PydockError):
    """The installer found no set of packages that meets the requirements, or no package index."""


class VersionsUnavailable(PackagesUnavailable):
    """The index answers, but the requested versions are not in it, do not fit each other or this Python, or cannot be built."""


class BuildFailed(PydockError):
    """A step of the dockerfile failed."""


class NotConfirmed(PydockError):
    """A command that deletes things was not confirmed."""


class Interrupted(PydockError):
    """Ctrl-C, or another signal, ended the command before it changed anything."""

    code = 130


class EngineError(PydockError):
    """The engine could not do what was asked, whatever the environment."""

    code = 125


class EngineNotFound(EngineError):
    """The engine's client is not on PATH."""


class EngineNotSupported(EngineError):
    """The engine's client is one that pydock does not work with."""


class EngineNotRunning(EngineError):
    """The client is there, but the engine does not answer."""


class EngineForbidden(EngineError):
    """The user has no permission to use the engine's socket."""


class EngineRemote(EngineError):
    """The engine runs on another machine, which cannot mount a folder of this one."""


class BuildKitMissing(EngineError):
    """The client has no buildx plugin."""


class ComposeMissing(EngineError):
    """The client has no compose plugin, which only environments with a docker-compose.yml need."""


class BaseImageNotFound(EngineError):
    """The base image is neither on this machine nor in its registry."""


class RegistryUnreachable(EngineError):
    """The base image is not on this machine, and its registry does not answer."""


class DiskFull(EngineError):
    """There is no space left where the engine keeps its images."""


class PortInUse(EngineError):
    """A port that is to be published is in use."""


class ContainerExists(EngineError):
    """There is a container of the name that a run is to have."""


class ImageMissing(EngineError):
    """The environment's folder exists, its image does not."""


class ImageInUse(EngineError):
    """A container uses the image."""


def read_file(
    path: str,
    error: type[PydockError] = PydockError,
    hint: str = "Check its permissions.",
    *,
    limit: int = 0,
    pipes: bool = False,
) -> bytes:
    """Return the file's content. Raises `FileNotFoundError`, and `error` with `hint` for other failures.

    A file that is larger than `limit` bytes, if given, is a failure. So is a FIFO, a device or a socket, which could
    block or never end, unless `pipes` allows them because the user has named this very file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | (0 if pipes else os.O_NONBLOCK))
        with open(descriptor, "rb") as file:
            if not pipes and not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise error(f"Cannot read {path}: it is not a regular file. Replace it or remove it.")
            content = file.read(limit + 1 if limit else -1)
    except (FileNotFoundError, NotADirectoryError) as failure:
        raise FileNotFoundError(failure.errno, failure.strerror, path) from failure
    except OSError as failure:
        raise error(f"Cannot read {path}: {failure.strerror}. {hint}") from failure
    if limit and len(content) > limit:
        raise error(f"{path} is larger than {limit} bytes. {hint}")
    return content


def reason(error: OSError) -> str:
    """Return the system's words for an error; `shutil.Error` is a list of errors."""
    if error.strerror:
        return error.strerror
    return (
        str(error.args[0][0][2]) if error.args and isinstance(error.args[0], list) else type(error).__name__
    )


def from_system(error: OSError) -> PydockError:
    """Return the error for a system call that failed: a full disk, a missing permission."""
    place = f" {os.fsdecode(error.filename)}" if isinstance(error.filename, (str, bytes)) else ""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return PydockError(
            f"Cannot write{place}: {reason(error)}. Remove files that are not needed, and try again."
        )
    if place:
        return PydockError(f"Cannot use{place}: {reason(error)}. Check its permissions and its file system.")
    return PydockError(f"The system refused what pydock needs: {reason(error)}.")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ` Did you mean 'a' or 'b'?`, or "" if no known word is similar."""
    import difflib  # only for messages

    matches = difflib.get_close_matches(word, list(known), n=3, cutoff=0.6)
    return f" Did you mean {' or '.join(repr(match) for match in matches)}?" if matches else ""
