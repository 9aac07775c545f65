"""Changing an environment's folder in such a way that no reader ever sees it half changed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from typing import TYPE_CHECKING

from pydock import errors
from pydock.environments.content import REQUIREMENTS, REQUIREMENTS_IN, digest
from pydock.messages import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# The new requirements.in has this name, plus the digest of the new requirements.txt, until that file has been renamed
# into place. So the one rename changes both.
PENDING_PREFIX = f".{REQUIREMENTS_IN}."


@contextlib.contextmanager
def locked(folder: str) -> Iterator[None]:
    """Lock the folder for one command; a second command waits. The lock ends with the process in any case.

    The lock is on the folder itself (flock(2)), so there is no lock file.
    """
    with _lock(folder):
        recover(folder)
        yield


@contextlib.contextmanager
def locked_new(folder: str) -> Iterator[str]:
    """Lock the *name* of a folder that does not exist yet, and yield a hidden folder for its files.

    At the end the hidden folder gets the name, so the environment appears complete. After an error it is removed.
    Raises `EnvironmentExists` if the folder exists, or appears while this waits for the lock.
    """
    staging = _hidden_sibling(folder)
    while True:
        try:
            os.makedirs(staging, exist_ok=True)
        except OSError as error:
            raise _cannot_write(folder, error) from error
        with _lock(staging, may_be_gone=True) as still_there:
            if os.path.lexists(folder):
                _discard(staging)
                raise errors.EnvironmentExists(
                    f"{folder} already exists. Choose another name, or run "
                    f"`pydock delete {os.path.basename(folder)}` first."
                )
            if not still_there:  # the command that had the lock failed, and removed the hidden folder
                continue
            try:
                _empty(staging)  # a killed command may have left files
                yield staging
                os.rename(staging, folder)
            except OSError as error:
                raise _cannot_write(folder, error) from error
            finally:
                _discard(staging)
            return


def write_new(folder: str, contents: Mapping[str, str]) -> None:
    """Write files into a folder that no other command uses yet."""
    for name, text in contents.items():
        _write(os.path.join(folder, name), text)


def commit(folder: str, requirements: str, requirements_in: str) -> None:
    """Replace requirements.txt and requirements.in together; `recover` completes it after a kill at any point.

    Raises `PydockError` if the folder cannot be written.
    """
    try:
        _commit(folder, requirements, requirements_in)
    except OSError as error:
        raise _cannot_write(folder, error) from error


def _commit(folder: str, requirements: str, requirements_in: str) -> None:
    pending = os.path.join(folder, PENDING_PREFIX + _short_digest(requirements.encode()))
    _write(f"{pending}.new", requirements_in)
    os.replace(f"{pending}.new", pending)
    target = os.path.join(folder, REQUIREMENTS)
    replacement = os.path.join(folder, f".{REQUIREMENTS}.new")
    _write(replacement, requirements)
    _copy_mode(target, replacement)
    os.replace(replacement, target)
    _copy_mode(os.path.join(folder, REQUIREMENTS_IN), pending)
    os.replace(pending, os.path.join(folder, REQUIREMENTS_IN))


def recover(folder: str) -> None:
    """Complete the commit of a killed command, or remove what it had only prepared."""
    names = [name for name in os.listdir(folder) if name.startswith((PENDING_PREFIX, f".{REQUIREMENTS}.new"))]
    if not names:
        return
    current = _short_digest(read_if_exists(os.path.join(folder, REQUIREMENTS)))
    for name in names:
        path = os.path.join(folder, name)
        if name == PENDING_PREFIX + current:
            os.replace(path, os.path.join(folder, REQUIREMENTS_IN))
        else:
            os.unlink(path)


def read_if_exists(path: str) -> bytes:
    """Return the file's content, b"" if there is no file; raises `PydockError` if it cannot be read."""
    try:
        return errors.read_file(path)
    except FileNotFoundError:
        return b""


def remove_folder(folder: str) -> None:
    """Remove the folder; its name disappears at once, whatever it contains."""
    try:
        hidden = _hidden_sibling(folder)
        shutil.rmtree(hidden, ignore_errors=True)
        os.rename(folder, hidden)
        shutil.rmtree(hidden)
    except OSError as error:
        raise _cannot_write(folder, error) from error


@contextlib.contextmanager
def _lock(folder: str, *, may_be_gone: bool = False) -> Iterator[bool]:
    """Lock the folder; yield whether it is still the one of that name when the lock is acquired."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        if may_be_gone:
            yield False
            return
        raise errors.EnvironmentNotFound(f"{folder} no longer exists.") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Waiting for another pydock command on {os.path.basename(folder).strip('.')} ...")
            fcntl.flock(handle, fcntl.LOCK_EX)
        still_there = _is_same(handle, folder)
        if not still_there and not may_be_gone:
            raise errors.EnvironmentNotFound(f"{folder} was removed by another command.")
        yield still_there
    finally:
        os.close(handle)


def _is_same(handle: int, folder: str) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(folder))
    except FileNotFoundError:
        return False


def _hidden_sibling(folder: str) -> str:
    """Return the hidden folder beside this one; no environment's name begins with a dot."""
    return os.path.join(os.path.dirname(folder), f".{os.path.basename(folder)}")


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _copy_mode(original: str, replacement: str) -> None:
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


def _short_digest(content: bytes) -> str:
    return digest([content])[:16]


def _cannot_write(folder: str, error: OSError) -> errors.PydockError:
    return errors.PydockError(
        f"Cannot write {error.filename or folder}: {error.strerror}. Check its permissions and the free space, or "
        "choose another home folder (`pydock config` shows it)."
    )
