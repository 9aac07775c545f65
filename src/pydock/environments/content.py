"""The digest of what an image is built from: what Docker would send for the folder, and the build arguments.

Imported by every `pydock run`, so nothing slow is imported here.
"""

from __future__ import annotations

import os

from pydock import errors
from pydock._speed.sha256 import sha256
from pydock.environments.context import sent_paths
from pydock.environments.file_digests import bytes_digest, file_digest, remembered, state_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydock.environments.linked import LinkedProject

DOCKERFILE = "dockerfile"
REQUIREMENTS = "requirements.txt"
REQUIREMENTS_IN = "requirements.in"
# The system packages, for Debian and for Alpine.
APT, APK = "apt.txt", "apk.txt"
PACKAGE_LISTS = (APT, APK)
# Docker may send these, if the dockerfile copies the whole folder. But an image that depended on them would be outdated by
# every `install`, or by another port.
NOT_BUILT_FROM = {
    REQUIREMENTS_IN,
    "docker-compose.yml",
    "docker-compose.yaml",
    "compose.yml",
    "compose.yaml",
}
# The wheels of local projects, see stored_wheels.py.
WHEELS = "wheels"
WHEELS_README = f"{WHEELS}/README"
WHEELS_NEW = f".{WHEELS}.new"
# What a commit writes for a moment, see files.py and stored_wheels.py.
TEMPORARY = (
    f".{REQUIREMENTS_IN}.",
    f".{REQUIREMENTS}.new",
    f".{APT}.",
    f".{APK}.",
    f".{DOCKERFILE}.new",
    ".docker-compose.yml.",
    WHEELS_NEW,
)
MANY = 500  # files; reading fewer takes less time than looking them up
FILE, LINK = 0o100000, 0o120000  # inode(7); the module `stat` would have to be imported


def content_digest(
    folder: str,
    build_arguments: Mapping[str, str],
    requirements: bytes | None = None,
    projects: Sequence[LinkedProject] = (),
) -> str:
    """Return the digest, in hex, of the dockerfile, the files that Docker would send, the build arguments, and the links.

    Names, modes, contents and the targets of links count; times and owners do not, as in BuildKit's cache.
    `requirements` replaces the content of requirements.txt, for a change that is not written yet. Raises `PydockError`
    for a file that cannot be read.
    """
    dockerfile = _read_dockerfile(folder)
    parts: list[str | bytes] = [f"{name}={value}" for name, value in sorted(build_arguments.items())]
    parts += [f"-e {project.text}" for project in projects]
    parts += [DOCKERFILE, dockerfile]
    try:
        found = _statuses(folder, dockerfile.decode(errors="replace"))
        parts.append(_files_digest(folder, found))
        if requirements is not None:
            parts += [f"{_planned_mode(folder):o}", bytes_digest(requirements)]
        elif REQUIREMENTS in found:
            path = os.path.join(folder, REQUIREMENTS)
            parts += [f"{found[REQUIREMENTS].st_mode:o}", file_digest(path, found[REQUIREMENTS])]
    except OSError as error:
        raise errors.PydockError(
            f"Cannot read {error.filename or folder}: {error.strerror}. The image is built from it; check its "
            "permissions."
        ) from error
    return digest(parts)


def digest(parts: Sequence[str | bytes]) -> str:
    """Return the SHA-256, in hex, of the parts and their lengths."""
    made = sha256()
    for part in parts:
        content = part if isinstance(part, bytes) else part.encode("utf-8", "surrogateescape")
        made.update(b"%d:" % len(content))
        made.update(content)
    return made.hexdigest()


def _read_dockerfile(folder: str) -> bytes:
    path = os.path.join(folder, DOCKERFILE)
    try:
        return errors.read_file(path, hint="The image is built from it; check its permissions.")
    except FileNotFoundError as error:
        raise errors.EnvironmentChanged(f"{path} was removed while it was read. Try again.") from error


def _statuses(folder: str, dockerfile: str) -> dict[str, os.stat_result]:
    """Return the status of each file that counts."""
    found = {}
    # requirements.txt always counts: `install` changes the image with it, even if the dockerfile does not use it.
    paths = (REQUIREMENTS, *sent_paths(folder, dockerfile))
    has_wheels = WHEELS_README in paths
    for path in paths:
        if path == DOCKERFILE or path in NOT_BUILT_FROM or path.startswith(TEMPORARY):
            continue
        if has_wheels and _is_stored_wheel(path):
            continue
        try:
            found[path] = os.lstat(os.path.join(folder, path))
        except FileNotFoundError:  # removed while this runs; the next digest will differ, which is right
            continue
    return found


def _is_stored_wheel(path: str) -> bool:
    """Return whether this is the folder of wheels or a wheel in it. requirements.txt has the digest of each that is installed."""
    first, _, below = path.partition("/")
    return first == WHEELS and (not below or path == WHEELS_README or _is_digest(below.partition("/")[0]))


def _is_digest(name: str) -> bool:
    return len(name) == 16 and all(sign in "0123456789abcdef" for sign in name)  # noqa: PLR2004


def _files_digest(folder: str, found: Mapping[str, os.stat_result]) -> str:
    """Return the digest of all files but requirements.txt; that of many files is remembered until one changes."""
    others = {path: status for path, status in sorted(found.items()) if path != REQUIREMENTS}
    if len(others) < MANY:
        return _read_all(folder, others)
    states = digest([f"{path} {state_of(status)}" for path, status in others.items()])
    changed = max(max(status.st_mtime, status.st_ctime) for status in others.values())
    return remembered(states, f"{folder}/", changed, lambda: _read_all(folder, others))


def _read_all(folder: str, found: Mapping[str, os.stat_result]) -> str:
    """Return the digest of the names, the modes, and the contents or link targets."""
    parts = []
    for path, status in found.items():
        full = os.path.join(folder, path)
        kind = status.st_mode & 0o170000
        try:
            if kind == FILE:
                parts += [path, f"{status.st_mode:o}", file_digest(full, status)]
            elif kind == LINK:
                parts += [path, "link", os.readlink(full)]
            else:
                parts += [path, f"{status.st_mode:o}", ""]
        except FileNotFoundError:  # as above
            continue
    return digest(parts)


def _planned_mode(folder: str) -> int:
    """Return the mode that requirements.txt will have: a commit keeps it, and a new file gets the usual one."""
    try:
        return os.stat(os.path.join(folder, REQUIREMENTS)).st_mode
    except FileNotFoundError:
        return FILE | 0o666 & ~_umask()


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask
