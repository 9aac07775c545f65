"""The logs of builds that failed: private files in the user's state folder, of which the newest few are kept."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from pydock.messages import printable
from pydock.trust import state_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

KEPT = 10
PREFIX = "build-"


def keep_log(lines: Sequence[str]) -> str:
    """Write a log; return its path, "" if that is not possible (a full disk does not turn into another error).

    Secrets are masked, and control characters are written as escapes, because the file is read on a terminal.
    """
    folder = os.path.join(os.path.dirname(state_folder()), "logs")
    path = os.path.join(folder, f"{PREFIX}{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log")
    text = printable("".join(f"{line}\n" for line in lines if line))
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(path, flags, 0o600), "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
    except OSError:
        with contextlib.suppress(OSError):  # half of it
            os.unlink(path)
        return ""
    _remove_oldest(folder)
    return path


def _remove_oldest(folder: str) -> None:
    with contextlib.suppress(OSError):
        logs = sorted(
            name for name in os.listdir(folder) if name.startswith(PREFIX) and name.endswith(".log")
        )
        for name in logs[:-KEPT]:
            os.unlink(os.path.join(folder, name))
