"""The environments of this user on this machine: identity -> folder.

Images carry no path, so this is how `envs --all` and `clean` know which folder an image belongs to, and whether it is
gone. It is in the user's state directory (https://specifications.freedesktop.org/basedir-spec/latest/), one small file
per environment, so that commands that run at the same time do not disturb each other. A second file has the state of its
requirements, see `requested`.

Imported by every `pydock run`, so nothing slow is imported here.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pydock.environments.environment import Environment


def remember(environment: Environment) -> None:
    """Record where the environment's folder is. Without a place to write, `clean` does not find its images."""
    folder = _folder()
    if not folder:
        return
    content = os.path.realpath(environment.folder).encode("utf-8", "surrogateescape")
    write(os.path.join(folder, environment.identity), content)


def requested_path(environment: Environment) -> str:
    """Return the path of the file with the state of the environment's requirements, "" if there is no place for it."""
    folder = _folder()
    return os.path.join(folder, f"{environment.identity}.requested") if folder else ""


def write(path: str, content: bytes) -> None:
    """Write a record, unless its path is "", it has this content already, or it cannot be written."""
    try:
        if not path or _read(path) == content:
            return
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        temporary = f"{path}.{os.getpid()}"
        with open(
            os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb"
        ) as file:
            file.write(content)
        os.replace(temporary, path)
    except OSError:
        pass


def forget(identity: str) -> None:
    """Remove the records of an environment."""
    for name in (f"{identity}.requested", identity):
        _remove(os.path.join(_folder(), name))


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:  # it is not there, or it stays
        return


def known_folders() -> dict[str, str]:
    """Return the recorded folders by identity, whether they still exist or not."""
    folder = _folder()
    try:
        names = os.listdir(folder) if folder else []
    except OSError:
        return {}
    found = {name: _read(os.path.join(folder, name)) for name in names if is_identity(name)}
    return {
        name: content.decode("utf-8", "surrogateescape")
        for name, content in found.items()
        if content is not None
    }


def is_identity(text: str) -> bool:
    """Return whether this is the eight hex digits of an environment's identity."""
    return len(text) == 8 and set(text) <= set("0123456789abcdef")  # noqa: PLR2004


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read(8192)
    except OSError:
        return None


def _folder() -> str:
    state = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(state):
        home = os.environ.get("HOME", "")
        if not os.path.isabs(home):
            return ""
        state = os.path.join(home, ".local", "state")
    return os.path.join(state, "pydock", "environments")
