"""Which machine this is, so that two machines with the same folders on one engine do not share tags.

Imported by every `pydock run`, so nothing slow is imported here.
"""

from __future__ import annotations

import os

MACHINE_ID = "/etc/machine-id"  # machine-id(5)
CONTAINER_MARKS = ("/.dockerenv", "/run/.containerenv")  # of Docker and of Podman


def machine() -> str:
    """Return a text that is the same on every start of this machine and different on others.

    It is the machine id. Inside a container, where that may be the image's, the hostname is added, which is the
    container's id unless somebody chose another; it also stands in for a missing machine id.
    """
    known = _read(MACHINE_ID)
    if known and not any(os.path.exists(mark) for mark in CONTAINER_MARKS):
        return known
    return f"{known}/{os.uname().nodename}"


def _read(path: str) -> str:
    try:
        with open(path, "rb", buffering=0) as file:
            text = file.read(64).decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return "" if text == "uninitialized" else text
