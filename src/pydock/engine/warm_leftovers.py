"""What `clean` ends and removes of warm containers: those of environments that are gone, and folders of dead ones."""

from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING

from pydock.engine import argv as docker
from pydock.engine.warm import LABEL, SECONDS_TO_END, UNUSABLE, WarmContainer, warm_containers, warm_folder

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from pydock.engine.client import Engine

SECONDS_TO_START = 60  # in which a folder belongs to a container that may not listen yet


def containers_of(folders: Mapping[str, str]) -> list[WarmContainer]:
    """Return the warm containers that run of environments; `folders` are theirs by identity."""
    return [
        container
        for identity, folder in folders.items()
        for container in warm_containers(os.path.basename(folder), identity)
    ]


def end(engine: Engine, containers: Iterable[WarmContainer]) -> None:
    """End containers in which no program runs, and wait a moment for that; the others end with their last program."""
    for container in containers:
        container.retire()
        listing = docker.list_labelled_containers(engine.client, f"{LABEL}={container.identity}")
        limit = time.monotonic() + SECONDS_TO_END
        while time.monotonic() < limit and container.name in engine.query(listing).split():
            time.sleep(0.05)


def remove_folders(gone: Collection[str]) -> None:
    """Remove the folders in which no keeper listens, and all files of environments with these identities."""
    folder = warm_folder()
    for entry in os.listdir(folder) if os.path.isdir(folder) else []:
        path = os.path.join(folder, entry)
        is_gone = entry.partition("-")[0] in gone
        try:
            status = os.lstat(path)
            if stat.S_ISREG(status.st_mode) and is_gone:  # `up` was asked for
                os.unlink(path)
            elif stat.S_ISDIR(status.st_mode) and _is_dead(path, status, is_gone=is_gone):
                for name in os.listdir(path):
                    os.unlink(os.path.join(path, name))
                os.rmdir(path)
        except OSError:  # another command has removed it, or is using it
            continue


def _is_dead(path: str, status: os.stat_result, *, is_gone: bool) -> bool:
    if WarmContainer("", (), "", path).is_running() or time.time() - status.st_mtime < SECONDS_TO_START:
        return False
    return is_gone or not os.path.exists(os.path.join(path, UNUSABLE))
