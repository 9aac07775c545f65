"""What can go wrong, said to the user.

Every error carries one message (what happened, why, what to do next) and an exit code. The codes are
those of the tools around us: 2 for a mistake in the call (argparse, bash), 125 when the engine itself
failed (`docker run`), 130 after Ctrl-C, 1 for the rest.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class PydockError(Exception):
    """The root of all errors that a user can cause or meet; never shown with a traceback."""

    code = 1

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UsageError(PydockError):
    """The call itself is wrong: a bad name, version, option or requirement specifier."""

    code = 2


class UnknownEnvironment(PydockError):
    """There is no folder of that name."""


class EnvironmentExists(PydockError):
    """`create` met a folder of that name."""


class EnvironmentChanged(PydockError):
    """Somebody edited the folder while a command worked on it."""


class BadSetting(UsageError):
    """A setting has a value, or a name, that means nothing."""


class BadTemplate(PydockError):
    """A template is missing or cannot be rendered."""


class BadRequirements(UsageError):
    """A requirements file has a line that cannot be read; the message names file and line."""


class PackagesUnavailable(PydockError):
    """The installer found no set of packages that fits, or none at all."""


class BuildFailed(PydockError):
    """The engine worked, the dockerfile did not."""


class NotConfirmed(PydockError):
    """A command that removes things was not told to go on."""


class Interrupted(PydockError):
    """Ctrl-C, or another signal, ended the command; nothing was changed."""

    code = 130


class EngineError(PydockError):
    """The engine could not do what was asked, whatever the environment."""

    code = 125


class EngineNotFound(EngineError):
    """The engine's client is not on PATH."""


class EngineNotRunning(EngineError):
    """The client is there, the engine does not answer."""


class EngineForbidden(EngineError):
    """The engine's socket is not ours to use."""


class EngineRemote(EngineError):
    """The engine runs on another machine, which cannot mount a folder of this one."""


class BuildKitMissing(EngineError):
    """The client has no buildx plugin."""


class BaseImageUnknown(EngineError):
    """The base image is neither here nor in its registry."""


class RegistryUnreachable(EngineError):
    """The base image is not here, and its registry does not answer."""


class DiskFull(EngineError):
    """There is no space left where the engine keeps its images."""


class ImageMissing(EngineError):
    """The environment's folder is here, its image is not."""


class ImageInUse(EngineError):
    """A container still uses the image."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ` Did you mean 'a' or 'b'?`, or "" if no known word is similar."""
    import difflib  # only for messages

    matches = difflib.get_close_matches(word, list(known), n=3, cutoff=0.6)
    return f" Did you mean {' or '.join(repr(match) for match in matches)}?" if matches else ""
