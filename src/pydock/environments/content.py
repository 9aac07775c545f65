"""The digest of what an image is built from.

Imported by every `pydock run`, so nothing slow is imported here.
"""

from __future__ import annotations

import os

from pydock import errors
from pydock._speed.sha256 import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

REQUIREMENTS = "requirements.txt"
REQUIREMENTS_IN = "requirements.in"
NOT_BUILT_FROM = {
    REQUIREMENTS_IN,
    "docker-compose.yml",
    "docker-compose.yaml",
    "compose.yml",
    "compose.yaml",
}


def content_digest(folder: str, build_arguments: Mapping[str, str], requirements: bytes | None = None) -> str:
    """Return the digest, in hex, of the folder's files and the build arguments.

    `requirements` replaces the content of requirements.txt, for a change that is not written yet.
    """
    contents: dict[str, bytes] = {}
    for path in _built_from(folder):
        contents[os.path.relpath(path, folder)] = _read(path)
    if requirements is not None:
        contents[REQUIREMENTS] = requirements
    parts: list[str | bytes] = [f"{name}={value}" for name, value in sorted(build_arguments.items())]
    for relative, content in sorted(contents.items()):
        parts += [relative, content]
    return digest(parts)


def digest(parts: Sequence[str | bytes]) -> str:
    """Return the SHA-256, in hex, of the parts and their lengths."""
    made = sha256()
    for part in parts:
        content = part if isinstance(part, bytes) else part.encode("utf-8", "surrogateescape")
        made.update(b"%d:" % len(content))
        made.update(content)
    return made.hexdigest()


def _read(path: str) -> bytes:
    try:
        return errors.read_file(path, hint="The image is built from it; check its permissions.")
    except FileNotFoundError as error:
        raise errors.EnvironmentChanged(f"{path} was removed while it was read. Try again.") from error


def _built_from(folder: str) -> Iterator[str]:
    """Yield the path of every file that can be part of the image."""
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
