"""The digest of a file, read in chunks; those of large files are remembered until the file changes.

Imported by every `pydock run`, so nothing slow is imported here.
"""

from __future__ import annotations

import os
import time

from pydock._speed.sha256 import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK = 1024 * 1024  # bytes
LARGE = 4 * CHUNK  # reading less than this takes less time than looking it up
SETTLED = 2  # seconds after which a file that changes again gets another time, on any file system
MAX_STORE = 256 * 1024  # bytes; then the store starts again


def file_digest(path: str, status: os.stat_result) -> str:
    """Return a digest, in hex, of the file's content. Raises `OSError` if it cannot be read."""
    if status.st_size < LARGE:
        return _read(path)
    return remembered(state_of(status), path, max(status.st_mtime, status.st_ctime), lambda: _read(path))


def state_of(status: os.stat_result) -> str:
    """Return what is different after every change of a file."""
    return f"{status.st_mode:o} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino} {status.st_dev}"


def remembered(state: str, path: str, changed: float, compute: Callable[[], str]) -> str:
    """Return the digest that was computed for this state of the path, or compute and remember it.

    `changed` is the time of the last change, in seconds since 1970; what has just changed is not remembered.
    """
    store = _store()
    known = _look_up(store, state, path) if store else ""
    if known:
        return known
    found = compute()
    if store and time.time() - changed > SETTLED:
        _remember(store, state, path, found)
    return found


def bytes_digest(content: bytes) -> str:
    """Return the digest that a file with this content has."""
    made = sha256()
    made.update(content)
    made.update(b":%d" % len(content))
    return made.hexdigest()


def _read(path: str) -> str:
    made = sha256()
    length = 0
    with open(path, "rb", buffering=0) as file:
        while chunk := file.read(CHUNK):
            length += len(chunk)
            made.update(chunk)
    made.update(b":%d" % length)
    return made.hexdigest()


def _store() -> str:
    """Return the path of the file with the known digests, "" if the user has no folder for it."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(cache):
        home = os.environ.get("HOME", "")
        if not os.path.isabs(home):
            return ""
        cache = os.path.join(home, ".cache")
    return os.path.join(cache, "pydock", "digests")


def _look_up(store: str, key: str, path: str) -> str:
    try:
        with open(store, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.readlines() if os.fstat(file.fileno()).st_uid == os.geteuid() else []
    except OSError:
        return ""
    for line in lines:
        if line.startswith(f"{key} ") and line.rstrip("\n").endswith(f" {path}"):
            return line[len(key) + 1 : len(key) + 65]
    return ""


def _remember(store: str, key: str, path: str, found: str) -> None:
    """Add a line; without a place to write, the file is read again next time."""
    if "\n" in path:
        return
    try:
        os.makedirs(os.path.dirname(store), mode=0o700, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(store, flags, 0o600)
        try:
            if os.fstat(descriptor).st_size > MAX_STORE:
                os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{key} {found} {path}\n".encode("utf-8", "surrogateescape"))
        finally:
            os.close(descriptor)
    except OSError:  # no place, no rights or no space: not remembered
        return
