"""Copying an environment's folder, to build what it will be."""

from __future__ import annotations

import errno
import os
import shutil
import stat

from pydock import errors


def copy_folder(folder: str, copy: str) -> None:
    """Copy what a build can read: files, folders, and symbolic links as they are; no FIFOs, sockets and devices."""

    def special(parent: str, names: list[str]) -> list[str]:
        modes = {name: os.lstat(os.path.join(parent, name)).st_mode for name in names}
        return [
            name
            for name, mode in modes.items()
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode))
        ]

    try:
        shutil.copytree(
            folder, copy, symlinks=True, ignore=special, dirs_exist_ok=True, copy_function=_copy_file
        )
    except OSError as error:  # shutil.Error is one: a list of (file, copy, reason)
        first = error.args[0][0] if isinstance(error, shutil.Error) else (error.filename, "", error.strerror)
        raise errors.PydockError(
            f"Cannot read {first[0]}: {first[2]}. The image is built from it; check its permissions."
        ) from error


def _copy_file(source: str, copy: str) -> None:
    try:
        shutil.copy2(source, copy)
    except OSError as error:
        # The copy's fault, which `shutil.Error` does not tell.
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise errors.from_system(OSError(error.errno, error.strerror, copy)) from error
        raise
