"""Changing an environment's folder so that it is never half changed."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pydock import errors
from pydock.environments.environment import ASKED, REQUIREMENTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# `requirements.in` waits under this name, with the digest of the requirements.txt that it belongs to, until
# that file has been renamed into place: the rename is the one moment at which both change.
WAITING = f".{ASKED}."


@contextlib.contextmanager
def locked(folder: str) -> Iterator[None]:
    """Hold the folder for one command; a second one waits. The lock ends with the process, however it ends.

    The lock is on the folder itself (flock(2)), so that nothing of it is ever seen in there.
    """
    with _lock(folder):
        recover(folder)
        yield


@contextlib.contextmanager
def locked_new(folder: str) -> Iterator[str]:
    """Hold the *name* of a folder that does not exist yet; yield a hidden folder to put its files into.

    On leaving, the hidden folder takes the name, so that the environment appears at once and whole; after an
    error it is removed. Raises `EnvironmentExists` if the folder is there, or comes to be while we wait.
    """
    place = _place(folder)
    while True:
        try:
            os.makedirs(place, exist_ok=True)
        except OSError as error:
            raise _cannot_write(folder, error) from error
        with _lock(place, gone_is_fine=True) as ours:
            if os.path.lexists(folder):
                _discard(place)
                raise errors.EnvironmentExists(
                    f"{folder} exists already. Choose another name, or run "
                    f"`pydock delete {os.path.basename(folder)}` first."
                )
            if not ours:  # whoever we waited for has failed and taken the hidden folder away
                continue
            try:
                _empty(place)  # a killed command may have left something there
                yield place
                os.rename(place, folder)
            except OSError as error:
                raise _cannot_write(folder, error) from error
            finally:
                _discard(place)
            return


def write_new(folder: str, contents: Mapping[str, str]) -> None:
    """Write files into a folder that nobody else sees yet."""
    for name, text in contents.items():
        _write(os.path.join(folder, name), text)


def commit(folder: str, requirements: str, asked: str) -> None:
    """Replace `requirements.txt` and `requirements.in` together; killed at any point, `recover` completes it.

    Raises `PydockError` if the folder cannot be written.
    """
    try:
        _commit(folder, requirements, asked)
    except OSError as error:
        raise _cannot_write(folder, error) from error


def _commit(folder: str, requirements: str, asked: str) -> None:
    waiting = os.path.join(folder, WAITING + _digest(requirements.encode()))
    _write(f"{waiting}.new", asked)
    os.replace(f"{waiting}.new", waiting)
    target = os.path.join(folder, REQUIREMENTS)
    replacement = os.path.join(folder, f".{REQUIREMENTS}.new")
    _write(replacement, requirements)
    _keep_mode(target, replacement)
    os.replace(replacement, target)
    _keep_mode(os.path.join(folder, ASKED), waiting)
    os.replace(waiting, os.path.join(folder, ASKED))


def recover(folder: str) -> None:
    """Complete the commit that a killed command began, or undo what it had only prepared."""
    names = [name for name in os.listdir(folder) if name.startswith((WAITING, f".{REQUIREMENTS}.new"))]
    if not names:
        return
    current = _digest(read_bytes(os.path.join(folder, REQUIREMENTS)))
    for name in names:
        path = os.path.join(folder, name)
        if name == WAITING + current:
            os.replace(path, os.path.join(folder, ASKED))
        else:
            os.unlink(path)


def read_bytes(path: str) -> bytes:
    """Return the file's content, nothing where there is no file; raises `PydockError` if it cannot be read."""
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise errors.PydockError(
            f"{path} cannot be read: {error.strerror}. Mend it and try again."
        ) from error


def remove_folder(folder: str) -> None:
    """Remove the folder; it disappears at once, whatever it holds."""
    try:
        gone = _place(folder)
        shutil.rmtree(gone, ignore_errors=True)
        os.rename(folder, gone)
        shutil.rmtree(gone)
    except OSError as error:
        raise _cannot_write(folder, error) from error


@contextlib.contextmanager
def _lock(folder: str, *, gone_is_fine: bool = False) -> Iterator[bool]:
    """Lock the folder; yield whether it is still the one of that name once the lock is ours."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        if gone_is_fine:
            yield False
            return
        raise errors.UnknownEnvironment(f"{folder} does not exist any more.") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(
                f"Waiting for another pydock command on {os.path.basename(folder).strip('.')} …",
                file=sys.stderr,
            )
            fcntl.flock(handle, fcntl.LOCK_EX)
        still_there = _same(handle, folder)
        if not still_there and not gone_is_fine:
            raise errors.UnknownEnvironment(f"{folder} was removed by another command.")
        yield still_there
    finally:
        os.close(handle)


def _same(handle: int, folder: str) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(folder))
    except FileNotFoundError:
        return False


def _place(folder: str) -> str:
    """Return the hidden sibling in which a folder is put together; no environment's name begins with a dot."""
    return os.path.join(os.path.dirname(folder), f".{os.path.basename(folder)}")


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _keep_mode(original: str, replacement: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.chmod(replacement, os.stat(original).st_mode & 0o777)


def _empty(folder: str) -> None:
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)


def _discard(folder: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _cannot_write(folder: str, error: OSError) -> errors.PydockError:
    return errors.PydockError(
        f"{error.filename or folder} cannot be written: {error.strerror}. Mend its permissions, free some space, "
        "or choose another home folder (`pydock config` shows it)."
    )
