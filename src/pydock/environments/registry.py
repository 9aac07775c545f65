"""The environments of this user on this machine: identity -> folder.

Images carry no path, so this is how `envs --all` and `clean` know which folder an image belongs to, and whether it is
gone. It is in the user's state directory (https://specifications.freedesktop.org/basedir-spec/latest/), one small file
per environment, so that commands that run at the same time do not disturb each other.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydock.environments.environment import Environment


def remember(environment: Environment) -> None:
    """Record where the environment's folder is. Without a place to write, `clean` does not find its images."""
    folder = _folder()
    if not folder:
        return
    path = os.path.join(folder, environment.identity)
    content = os.path.realpath(environment.folder).encode("utf-8", "surrogateescape")
    try:
        if _read(path) == content:
            return
        os.makedirs(folder, mode=0o700, exist_ok=True)
        temporary = f"{path}.{os.getpid()}"
        with open(
            os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb"
        ) as file:
            file.write(content)
        os.replace(temporary, path)
    except OSError:
        pass


def forget(identity: str) -> None:
    """Remove the record of an environment."""
    with contextlib.suppress(OSError):
        os.unlink(os.path.join(_folder(), identity))


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
