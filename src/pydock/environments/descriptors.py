"""Opening, writing and removing below a folder's descriptor, so that no symbolic link is ever followed.

A path is only a name: between a check and its use, anybody who can write to the project can put a link there. A descriptor
stays the folder that was checked (openat(2)).
"""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING

from pydock import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Passing through a folder needs no right to read it: open(2), O_PATH. Other systems than Linux do not have it.
THROUGH = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextlib.contextmanager
def opened(folder: str) -> Iterator[int]:
    """Yield a descriptor of the folder with this real path.

    Raises `FileNotFoundError`, `UnsafePath` if any part of the path has become a symbolic link or a file, and other
    `OSError`s.
    """
    names = [name for name in folder.split("/") if name]
    descriptor = os.open("/", THROUGH if names else FOLDER)
    try:
        for number, name in enumerate(names, 1):
            try:
                below = os.open(name, FOLDER if number == len(names) else THROUGH, dir_fd=descriptor)
            except OSError as error:
                place = "/" + "/".join(names[:number])
                if isinstance(error, NotADirectoryError) or os.path.islink(place):
                    raise errors.UnsafePath(
                        f"{place} is not a folder, or was replaced by a symbolic link. Nothing was changed."
                    ) from error
                error.filename = place
                raise
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


def status(folder: int, name: str) -> os.stat_result | None:
    """Return what is there, a symbolic link itself and not what it leads to; None if nothing."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def open_own_folder(parent: int, name: str, path: str) -> int:
    """Return a descriptor of the folder; raises `UnsafePath` for anything that is not a real folder of the caller.

    `path` is for the message. Raises `FileNotFoundError`.
    """
    found = status(parent, name)
    if found is None:
        raise FileNotFoundError(path)
    if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid():
        with contextlib.suppress(NotADirectoryError):  # replaced meanwhile
            descriptor = os.open(name, FOLDER, dir_fd=parent)
            if os.path.samestat(found, os.fstat(descriptor)):
                return descriptor
            os.close(descriptor)
    raise errors.UnsafePath(
        f"{path} is in the way. pydock keeps a folder of that name for a moment, but this one was not made by pydock for "
        "you: it is a symbolic link, not a folder, or another user's. Remove it and try again; nothing was changed."
    )


def write(folder: int, name: str, text: str) -> None:
    """Write a new file, to the disk; raises `FileExistsError` if anything has the name."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(name, flags, 0o666, dir_fd=folder), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def remove_contents(folder: int) -> None:
    """Remove everything in the folder. However deep its folders are nested, three descriptors are enough.

    What is in a folder below is removed, or moved up if it is a folder with contents.
    """
    number = 0
    while names := os.listdir(folder):
        for name in names:
            if _removed(folder, name):
                continue
            below = os.open(name, FOLDER, dir_fd=folder)
            try:
                for inner in os.listdir(below):
                    if not _removed(below, inner):
                        number += 1
                        os.rename(
                            inner, f".pydock-{os.getpid()}-{number}", src_dir_fd=below, dst_dir_fd=folder
                        )
            finally:
                os.close(below)
            os.rmdir(name, dir_fd=folder)


def _removed(folder: int, name: str) -> bool:
    """Remove a file, a link, or an empty folder; return whether it is gone."""
    found = status(folder, name)
    if found is None:
        return True
    if not stat.S_ISDIR(found.st_mode):
        os.unlink(name, dir_fd=folder)
        return True
    try:
        os.rmdir(name, dir_fd=folder)
    except OSError:  # not empty, or not ours
        return False
    return True
