"""An environment: a folder, the names that its image goes by, and the digest of what it is built from.

Imported by every `pydock run`, so nothing heavy is imported here.
"""

from __future__ import annotations

import os
import sys

from pydock import errors
from pydock._speed.named_tuple import NamedTuple
from pydock.environments.caller import Caller, current_caller

TYPE_CHECKING = False
if TYPE_CHECKING:
    import hashlib
    from collections.abc import Iterator

    from pydock.settings import Home, Settings

MAX_NAME = 64

DOCKERFILE = "dockerfile"
REQUIREMENTS = "requirements.txt"
ASKED = "requirements.in"
NOT_BUILT_FROM = {ASKED, "docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml"}


class Environment(NamedTuple):
    """A folder with a dockerfile, for one caller. Two callers of one folder have two images."""

    name: str
    folder: str
    identity: str  # eight hex digits that tell this folder and caller from every other, without naming them
    prefix: str
    caller: Caller
    build_arguments: dict[str, str]

    @property
    def repository(self) -> str:
        """The image's name without a tag: `pydock-datascience`."""
        return f"{self.prefix}{self.name}"

    @property
    def alias(self) -> str:
        """The friendly name: whichever environment of this name was built last on this engine."""
        return f"{self.repository}:latest"

    @property
    def candidate(self) -> str:
        """The tag of an image that is not yet, and may never be, the environment's."""
        return f"{self.repository}:{self.identity}-candidate"

    @property
    def tag_pattern(self) -> str:
        """What `docker images --filter reference=` takes to list all images of this environment."""
        return f"{self.repository}:{self.identity}-*"

    def content_tag(self, requirements: bytes | None = None) -> str:
        """Return the tag that says what the image was built from.

        It is missing on the engine exactly when the folder has changed since the last build, or was never
        built. `requirements` stands in for the file's content, for a change that is not written yet.
        """
        contents: dict[str, bytes] = {}
        for path in _built_from(self.folder):
            contents[os.path.relpath(path, self.folder)] = _read(path)
        if requirements is not None:
            contents[REQUIREMENTS] = requirements
        parts: list[str | bytes] = [f"{name}={value}" for name, value in sorted(self.build_arguments.items())]
        for relative, content in sorted(contents.items()):
            parts += [relative, content]
        return f"{self.repository}:{self.identity}-{_digest(parts)[:16]}"

    @property
    def content_pattern(self) -> str:
        """What lists the images of any environment that were built from what this one is built from."""
        return f"{self.prefix}*:*-{self.content_tag().rpartition('-')[2]}"

    def base_image(self) -> str:
        """Return the image that the dockerfile begins with, "" where it takes more than its ARGs to tell."""
        import re  # takes longer than all of this module

        with open(self.path(DOCKERFILE), encoding="utf-8", errors="replace") as file:
            text = file.read()
        values = dict(re.findall(r"^ARG (\w+)=(\S+)$", text, re.MULTILINE))
        values.update({name: value for name, value in self.build_arguments.items() if name in values})
        stages = re.findall(r"^FROM (\S+)$", text, re.MULTILINE | re.IGNORECASE)
        if len(stages) != 1:
            return ""
        image = re.sub(r"\$\{(\w+)\}", lambda found: values.get(found.group(1), "$"), stages[0])
        return "" if "$" in image else image

    def path(self, file: str) -> str:
        return os.path.join(self.folder, file)


def environments_folder(home: Home) -> str:
    return os.path.join(home.folder, "envs")


def environment_names(home: Home) -> list[str]:
    """Return the names of all environments of a home folder, sorted; a folder without dockerfile is none."""
    folder = environments_folder(home)
    try:
        entries = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except PermissionError as error:
        raise errors.PydockError(
            f"{folder} cannot be read: {error.strerror}. Mend its permissions."
        ) from error
    return sorted(
        name for name in entries if is_name(name) and os.path.isfile(os.path.join(folder, name, DOCKERFILE))
    )


def find_environment(settings: Settings, name: str) -> Environment:
    """Return the environment of that name; raises `UsageError` or `UnknownEnvironment`."""
    folder = os.path.join(environments_folder(settings.home), check_name(name))
    if os.path.isfile(os.path.join(folder, DOCKERFILE)):
        return describe_environment(settings, name, folder)
    if os.path.isdir(folder):
        raise errors.UnknownEnvironment(
            f"{folder} has no file named '{DOCKERFILE}', so it is no environment. "
            f"Put one there, or remove the folder and run `pydock create {name} VERSION`."
        )
    from pydock.errors import did_you_mean

    names = environment_names(settings.home)
    hint = did_you_mean(name, names)
    if not hint:
        hint = f" There are: {', '.join(names)}." if names else " There are none yet."
    raise errors.UnknownEnvironment(
        f"There is no environment '{name}' in {settings.home.folder} ({settings.home.mode} mode).{hint} "
        f"`pydock create {name} VERSION` makes it."
    )


def describe_environment(settings: Settings, name: str, folder: str) -> Environment:
    """Return the environment as the settings see it; `folder` need not exist yet."""
    if not settings.is_default("prefix"):
        from pydock.environments.names import check_prefix

        check_prefix(settings.prefix)
    caller = current_caller(settings.user)
    arguments = {"USER": caller.name, "UID": str(caller.uid), "GID": str(caller.gid)}
    if not settings.is_default("repository"):
        arguments["REPOSITORY"] = settings.repository
    identity = _digest([os.path.realpath(folder), str(caller.uid), str(caller.gid)])[:8]
    return Environment(name, folder, identity, settings.prefix, caller, arguments)


def is_name(text: str) -> bool:
    """Return whether this is `[a-z0-9]+([._-][a-z0-9]+)*` and not too long; said without `re`."""
    words = text.replace("_", ".").replace("-", ".").split(".")
    return len(text) <= MAX_NAME and all(
        word.isascii() and word.isalnum() and word == word.lower() for word in words
    )


def check_name(name: str) -> str:
    """Return `name` if an environment can have it; else raise `UsageError` with the nearest that can."""
    if is_name(name):
        return name
    import re  # only for the message

    nearest = re.sub(r"[._-]*([._-])[._-]*", r"\1", re.sub(r"[^a-z0-9._-]+", "-", name.lower())).strip("._-")
    nearest = nearest[:MAX_NAME].strip("._-")
    hint = f" Try '{nearest}'." if nearest else " Try a word like 'datascience'."
    raise errors.UsageError(
        f"'{name}' cannot be an environment's name: it takes lower-case letters and digits, joined by single "
        f"'.', '_' or '-', {MAX_NAME} characters at most.{hint}"
    )


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise errors.PydockError(
            f"{path} cannot be read: {error.strerror}. The image is built from it; mend its permissions."
        ) from error


def _built_from(folder: str) -> Iterator[str]:
    """Yield every file that can have a part in the image."""
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if name.startswith(".") and name != ".dockerignore":
                continue
            if parent == folder and name in NOT_BUILT_FROM:
                continue
            path = os.path.join(parent, name)
            if os.path.isfile(path):
                yield path


def _digest(parts: list[str] | list[str | bytes]) -> str:
    digest = _sha256()
    for part in parts:
        content = part if isinstance(part, bytes) else part.encode("utf-8", "surrogateescape")
        digest.update(b"%d:" % len(content))
        digest.update(content)
    return digest.hexdigest()


def _sha256() -> hashlib._Hash:
    """Return a new SHA-256: CPython's own where it is there, as `hashlib` first loads OpenSSL, for 4 ms."""
    try:
        module = __import__("_sha2" if sys.version_info >= (3, 12) else "_sha256")
    except ImportError:
        module = __import__("hashlib")
    digest: hashlib._Hash = module.sha256()
    return digest
