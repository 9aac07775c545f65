"""Temporary folders, on a disk that may be full and in a TMPDIR that may not be usable."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from typing import TYPE_CHECKING

from pydock import errors

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def temporary_folder() -> Iterator[str]:
    """Yield a private folder (mode 0700), and remove it at the end.

    Raises `PydockError` if there is no place for one.
    """
    try:
        folder = tempfile.mkdtemp(prefix="pydock-")
    except OSError as error:
        place = os.environ.get("TMPDIR") or "/tmp"
        raise errors.PydockError(
            f"Cannot create a temporary folder in {place}: {errors.reason(error)}. Free space there or check its permissions, "
            "or set TMPDIR to another folder."
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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
