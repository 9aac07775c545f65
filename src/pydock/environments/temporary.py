"""Temporary folders that never stay: what a killed command leaves, the next one removes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from typing import TYPE_CHECKING

from pydock import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "pydock-tmp-"


@contextlib.contextmanager
def temporary_folder() -> Iterator[str]:
    """Yield a new folder that only this user can read, and remove it at the end.

    It is locked (flock(2)) while it is in use, so that others can tell whether its command still runs. Raises
    `PydockError` if there is no place for it.
    """
    try:
        _remove_abandoned()
        folder, handle = _make_locked()
    except OSError as error:
        raise errors.PydockError(
            f"Cannot create a temporary folder in {os.environ.get('TMPDIR') or '/tmp'}: {errors.reason(error)}. Free "
            "space there or check its permissions, or set TMPDIR to another folder."
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _make_locked() -> tuple[str, int]:
    while True:
        folder = tempfile.mkdtemp(prefix=PREFIX)
        with contextlib.suppress(FileNotFoundError, BlockingIOError):
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            if os.fstat(handle).st_nlink:  # 0: another command has just removed it as abandoned
                return folder, handle
            os.close(handle)


def _remove_abandoned() -> None:
    """Remove this user's temporary folders whose command no longer runs."""
    parent = tempfile.gettempdir()
    for name in os.listdir(parent):
        if name.startswith(PREFIX):
            with contextlib.suppress(OSError):
                _remove_if_abandoned(os.path.join(parent, name))


def _remove_if_abandoned(folder: str) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if os.fstat(handle).st_uid == os.geteuid():
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(handle)


@contextlib.contextmanager
def writing(path: str) -> Iterator[None]:
    """Turn a failure to write a temporary file into a `PydockError` that names it."""
    try:
        yield
    except OSError as error:
        raise errors.PydockError(
            f"Cannot write {path}: {errors.reason(error)}. Free space there, or set TMPDIR to another folder."
        ) from error


def write(path: str, content: bytes, mode: int = 0o600) -> None:
    """Write a file that does not exist yet; raises `PydockError`."""
    with writing(path):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        os.chmod(path, mode)
