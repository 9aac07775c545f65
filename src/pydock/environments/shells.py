"""Which shell the caller types in, and how its words are quoted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SHELLS = ("bash", "zsh", "fish")
PROCESSES = "/proc"


def detect_shell(environ: Mapping[str, str], process: int) -> str:
    """Return the shell that runs as `process`, our parent, else the user's login shell; "" if it is none of `SHELLS`."""
    for name in (_name_of(process), os.path.basename(environ.get("SHELL", ""))):
        if name in SHELLS:
            return name
    return ""


def quoted_for_fish(text: str) -> str:
    """Return a word in fish's single quotes, in which only these two characters are special."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _name_of(process: int) -> str:
    try:
        with open(f"{PROCESSES}/{process}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:  # hidden from us, or a system without /proc
        return ""
