"""Changing an environment's folder in such a way that no reader ever sees it half changed.

Every folder here is a real path. Nothing is opened, written or removed through a symbolic link.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
from typing import TYPE_CHECKING

from pydock import errors
from pydock.environments import descriptors
from pydock.environments.content import DOCKERFILE, PACKAGE_LISTS, REQUIREMENTS, REQUIREMENTS_IN, digest
from pydock.environments.machine import machine
from pydock.messages import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# The new requirements.in has this name, plus the digest of the new requirements.txt, until that file has been renamed
# into place. So the one rename changes both.
PENDING_PREFIX = f".{REQUIREMENTS_IN}."
# In the same way, a dockerfile changes with the list of system packages that it installs.
PENDING_PREFIXES = {
    REQUIREMENTS: (PENDING_PREFIX, REQUIREMENTS_IN),
    **{name: (f".{name}.", DOCKERFILE) for name in PACKAGE_LISTS},
}
WRITTEN_BY_COMMIT = re.compile(
    "|".join(
        rf"{re.escape(prefix)}[0-9a-f]{{16}}(?:\.new)?|\.{re.escape(first)}\.new"
        for first, (prefix, _) in PENDING_PREFIXES.items()
    )
    + rf"|\.{DOCKERFILE}\.new"
)


@contextlib.contextmanager
def locked(folder: str) -> Iterator[None]:
    """Lock the folder for one command; a second command waits. The lock ends with the process in any case.

    The lock is on the folder itself (flock(2)), so there is no lock file.
    """
    with _lock(folder):
        recover(folder)
        yield


@contextlib.contextmanager
def locked_new(folder: str, *, renamed_from: str = "") -> Iterator[str]:
    """Lock the *name* of a folder that does not exist yet, and yield a hidden folder for its files.

    At the end the hidden folder gets the name, so the environment appears complete. After an error it is removed.
    Raises `EnvironmentExists` if the folder exists, or appears while this waits for the lock; `UnsafePath` if anything
    but a folder of the caller has the hidden name. With `renamed_from`, the folder beside it of that name gets the name, and
    the hidden one only holds it.
    """
    parent_path, name = os.path.split(folder)
    hidden = f".{name}"
    try:
        os.makedirs(parent_path, exist_ok=True)
        with descriptors.opened(parent_path) as parent:
            while True:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(hidden, dir_fd=parent)
                with _lock_new(parent, hidden, folder) as staging:
                    if descriptors.status(parent, name):
                        if staging is not None:
                            _discard(parent, hidden, staging)
                        raise errors.EnvironmentExists(
                            f"{folder} already exists. Choose another name, or run `pydock delete {name}` first."
                        )
                    if staging is None:  # the command that had the lock failed, and removed the hidden folder
                        continue
                    try:
                        descriptors.remove_contents(staging)  # a killed command may have left files
                        yield os.path.join(parent_path, hidden)
                        os.rename(renamed_from or hidden, name, src_dir_fd=parent, dst_dir_fd=parent)
                    finally:
                        _discard(parent, hidden, staging)
                    return
    except OSError as error:
        raise _cannot_write(folder, error) from error


@contextlib.contextmanager
def _lock_new(parent: int, hidden: str, folder: str) -> Iterator[int | None]:
    """Lock the hidden folder and yield its descriptor, or None if it lost its name before the lock was acquired."""
    try:
        staging = descriptors.open_own_folder(parent, hidden, hidden_sibling(folder))
    except FileNotFoundError:
        yield None
        return
    try:
        _flock(staging, folder)
        yield staging if _has_name(staging, parent, hidden) else None
    finally:
        os.close(staging)


def is_locked(folder: str) -> bool:
    """Return whether a command has locked the folder at the moment."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def write_new(folder: str, contents: Mapping[str, str]) -> None:
    """Write files into a folder that no other command uses yet."""
    with descriptors.opened(os.path.realpath(folder)) as handle:
        for name, text in contents.items():
            descriptors.write(handle, name, text)


def replace_file(folder: str, name: str, text: str) -> None:
    """Replace a file, or a symbolic link itself, in a folder that no other command uses."""
    with descriptors.opened(os.path.realpath(folder)) as handle:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=handle)
        descriptors.write(handle, name, text)


def replace_in_one_step(folder: str, name: str, text: str) -> None:
    """Replace a file that no build reads, so that it always has the old or the new content; its mode stays.

    Raises `PydockError` if the folder cannot be written.
    """
    try:
        with descriptors.opened(os.path.realpath(folder)) as handle:
            with contextlib.suppress(FileNotFoundError):  # of a killed command
                os.unlink(_new(name), dir_fd=handle)
            try:
                descriptors.write(handle, _new(name), text)
                _copy_mode(handle, name, _new(name))
                _replace(handle, _new(name), name)
            except OSError:
                with contextlib.suppress(OSError):
                    os.unlink(_new(name), dir_fd=handle)
                raise
    except OSError as error:
        raise _cannot_write(folder, error) from error


def check_can_write(folder: str, names: Sequence[str] = (REQUIREMENTS, REQUIREMENTS_IN)) -> None:
    """Raise `UnsafePath` if a file that a change of packages replaces is a symbolic link, or not a file.

    A rename would replace the link, and not what it leads to. Docker does not follow it out of the folder either.
    """
    with _opened(folder) as handle:
        for name in (*names, _new(names[0])):
            found = descriptors.status(handle, name)
            if found and not stat.S_ISREG(found.st_mode):
                kind = "a symbolic link" if stat.S_ISLNK(found.st_mode) else "not a regular file"
                path = os.path.join(folder, name)
                raise errors.UnsafePath(
                    f"{path} is {kind}, and pydock would have to write it. Nothing was changed. Replace it by a file "
                    f'(`cp --remove-destination "$(readlink -f {path})" {path}`), or remove it.'
                    if kind == "a symbolic link" and os.path.isfile(path)
                    else f"{path} is {kind}, and pydock would have to write it. Nothing was changed. Remove it."
                )


def commit(folder: str, requirements: str, requirements_in: str) -> None:
    """Replace requirements.txt and requirements.in together; `recover` completes it after a kill at any point.

    Raises `PydockError` if the folder cannot be written.
    """
    _commit(folder, REQUIREMENTS, requirements, requirements_in)


def commit_package_list(folder: str, name: str, text: str, dockerfile: str | None) -> None:
    """Replace a list of system packages and the dockerfile together, as `commit` does.

    None: the dockerfile stays. It keeps its inode and time then, and so the environment keeps its caches.
    """
    _commit(folder, name, text, dockerfile)


def commit_dockerfile(folder: str, text: str) -> None:
    """Replace the dockerfile alone; the rename of it is the commit."""
    try:
        with descriptors.opened(folder) as handle:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(_new(DOCKERFILE), dir_fd=handle)
            descriptors.write(handle, _new(DOCKERFILE), text)
            _copy_mode(handle, DOCKERFILE, _new(DOCKERFILE))
            _replace(handle, _new(DOCKERFILE), DOCKERFILE)
    except OSError as error:
        raise _cannot_write(folder, error) from error


def _commit(folder: str, first: str, text: str, second_text: str | None) -> None:
    _, second = PENDING_PREFIXES[first]
    try:
        with descriptors.opened(folder) as handle:
            pending = _pending_name(handle, first, text.encode())
            if second_text is not None:
                descriptors.write(handle, f"{pending}.new", second_text)
                _replace(handle, f"{pending}.new", pending)
            descriptors.write(handle, _new(first), text)
            _copy_mode(handle, first, _new(first))
            _replace(handle, _new(first), first)
            if second_text is not None:
                _copy_mode(handle, second, pending)
                _replace(handle, pending, second)
    except OSError as error:
        raise _cannot_write(folder, error) from error


def recover(folder: str) -> None:
    """Complete the commit of a killed command, or remove what it had only prepared.

    Only regular files are touched, whose names are exactly those that a commit writes.
    """
    with _opened(folder) as handle:
        names = [name for name in os.listdir(handle) if WRITTEN_BY_COMMIT.fullmatch(name)]
        if not names:
            return
        complete = {
            _pending_name(handle, first, read_if_exists(os.path.join(folder, first))): second
            for first, (_, second) in PENDING_PREFIXES.items()
        }
        try:
            for name in names:
                found = descriptors.status(handle, name)
                if not found or not stat.S_ISREG(found.st_mode):
                    continue
                if name in complete:
                    _replace(handle, name, complete[name])
                else:
                    os.unlink(name, dir_fd=handle)
        except OSError as error:
            raise _cannot_write(folder, error) from error


def _pending_name(folder: int, first: str, text: bytes) -> str:
    """Return the name that the second file has until the first, with this text, has been renamed into place.

    No repository can bring a file of that name to replace a dockerfile of the user's own: it does not know the folder's
    inode, and this machine.
    """
    parts: list[str | bytes] = [text]
    if first in PACKAGE_LISTS:
        parts += [str(os.fstat(folder).st_ino), machine()]
    return PENDING_PREFIXES[first][0] + digest(parts)[:16]


def _new(name: str) -> str:
    return f".{name}.new"


def read_if_exists(path: str) -> bytes:
    """Return the file's content, b"" if there is no file; raises `PydockError` if it cannot be read."""
    try:
        return errors.read_file(path)
    except FileNotFoundError:
        return b""


def check_can_remove(folder: str) -> None:
    """Raise `UnsafePath` if anything but a folder of the caller has the hidden name that `remove_folder` uses."""
    parent_path, name = os.path.split(folder)
    with _opened(parent_path) as parent, contextlib.suppress(FileNotFoundError):
        os.close(descriptors.open_own_folder(parent, f".{name}", hidden_sibling(folder)))


def remove_folder(folder: str) -> None:
    """Remove the folder; its name disappears at once, whatever it contains."""
    parent_path, name = os.path.split(folder)
    hidden = f".{name}"
    try:
        with descriptors.opened(parent_path) as parent:
            _remove_hidden(parent, hidden, folder)  # a killed command may have left it
            handle = os.open(name, descriptors.FOLDER, dir_fd=parent)
            try:
                os.rename(name, hidden, src_dir_fd=parent, dst_dir_fd=parent)
                descriptors.remove_contents(handle)
                os.rmdir(hidden, dir_fd=parent)
            finally:
                os.close(handle)
    except OSError as error:
        raise _cannot_write(folder, error) from error


def remove_link(path: str) -> None:
    """Remove a symbolic link, and not what it leads to."""
    try:
        if os.path.islink(path):
            os.unlink(path)
    except OSError as error:
        raise _cannot_write(path, error) from error


def _remove_hidden(parent: int, hidden: str, folder: str) -> None:
    try:
        handle = descriptors.open_own_folder(parent, hidden, hidden_sibling(folder))
    except FileNotFoundError:
        return
    try:
        descriptors.remove_contents(handle)
        os.rmdir(hidden, dir_fd=parent)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _lock(folder: str) -> Iterator[None]:
    """Lock the folder; raises `EnvironmentNotFound` if another command removes it meanwhile."""
    with _opened(folder) as handle:
        _flock(handle, folder)
        try:
            same = os.path.samestat(os.fstat(handle), os.stat(folder, follow_symlinks=False))
        except FileNotFoundError:
            same = False
        if not same:
            raise errors.EnvironmentNotFound(f"{folder} was removed by another command.")
        yield


def _flock(handle: int, folder: str) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say(f"Waiting for another pydock command on {os.path.basename(folder)} …")
        fcntl.flock(handle, fcntl.LOCK_EX)


@contextlib.contextmanager
def _opened(folder: str) -> Iterator[int]:
    """Yield the folder's descriptor; raises `EnvironmentNotFound`, or `PydockError` if it cannot be read."""
    with contextlib.ExitStack() as stack:
        try:
            handle = stack.enter_context(descriptors.opened(folder))
        except FileNotFoundError as error:
            raise errors.EnvironmentNotFound(f"{folder} no longer exists.") from error
        except OSError as error:
            raise errors.PydockError(
                f"Cannot read {error.filename or folder}: {error.strerror}. Check its permissions."
            ) from error
        yield handle


def _has_name(handle: int, parent: int, name: str) -> bool:
    found = descriptors.status(parent, name)
    return found is not None and os.path.samestat(os.fstat(handle), found)


def hidden_sibling(folder: str) -> str:
    """Return the hidden folder beside this one; no environment's name begins with a dot."""
    return os.path.join(os.path.dirname(folder), f".{os.path.basename(folder)}")


def _replace(folder: int, old: str, new: str) -> None:
    os.replace(old, new, src_dir_fd=folder, dst_dir_fd=folder)


def _copy_mode(folder: int, original: str, replacement: str) -> None:
    found = descriptors.status(folder, original)
    if found and stat.S_ISREG(found.st_mode):
        os.chmod(replacement, found.st_mode & 0o777, dir_fd=folder)


def _discard(parent: int, hidden: str, staging: int) -> None:
    """Remove the hidden folder, if it still has its name, as far as possible."""
    with contextlib.suppress(OSError):
        if _has_name(staging, parent, hidden):
            descriptors.remove_contents(staging)
            os.rmdir(hidden, dir_fd=parent)


def _cannot_write(folder: str, error: OSError) -> errors.PydockError:
    return errors.PydockError(
        f"Cannot write {error.filename or folder}: {error.strerror}. Check its permissions and the free space, or "
        "choose another home folder (`pydock config` shows it)."
    )
