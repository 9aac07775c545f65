"""What there is to know of one image, for `pydock info`: its base, its layers, and how much each package takes."""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from pydock.engine import argv as docker
from pydock.engine.build_context import read_program
from pydock.engine.sizes import parse_size

if TYPE_CHECKING:
    from pydock.engine.client import Engine

PROGRAM = "package_sizes.py"
SECONDS = 30  # that measuring packages may take


class ImageDetails(NamedTuple):
    """An image as the engine describes it; `layers` are sizes in bytes, lowest first."""

    id: str
    created: str
    size: int
    version: str  # of the pydock that built it
    layers: list[int]


class Measured(NamedTuple):
    """The version of an image's Python, and the bytes of each package by its name."""

    python: str
    sizes: dict[str, int]


def describe_image(engine: Engine, tag: str, container: str) -> tuple[ImageDetails | None, Measured | None]:
    """Return what the engine knows of the image, and what its Python tells; each None if that failed.

    A container without network and without any folder of this machine is started.
    """
    client = engine.client
    argv = docker.measuring_container(client, tag, container, read_program(PROGRAM))
    with contextlib.ExitStack() as stack:
        wait = None
        if not engine.dry:
            stdin = stack.enter_context(open(os.devnull, "rb"))
            wait = stack.enter_context(engine.container_beside(argv, container, stdin, SECONDS))
        inspected, history = engine.query_all_found(
            [docker.inspect_images(client, [tag]), docker.image_history(client, tag)]
        )
        return read_details(inspected, history), read_measured(wait().stdout) if wait else None


def local_digest(engine: Engine, image: str) -> str:
    """Return the digest that this machine's image of that name has in its registry, "" if there is none."""
    if not image:
        return ""
    text = engine.query_found(docker.inspect_images(engine.client, [image]))
    try:
        digests = json.loads(text or "[]")[0].get("RepoDigests") or []
        return str(digests[0]).partition("@")[2]
    except (ValueError, LookupError, AttributeError, TypeError):
        return ""


def read_details(inspected: str, history: str) -> ImageDetails | None:
    """Return what `docker image inspect` and `docker history` printed, None if it is not that."""
    try:
        raw: dict[str, Any] = json.loads(inspected)[0]
        rows = [json.loads(line) for line in history.splitlines() if line.strip()]
        layers = [parse_size(str(row["Size"])) for row in reversed(rows)]
        labels = raw["Config"].get("Labels") or {}
        version = str(labels.get(docker.VERSION_LABEL, ""))
        created, size = str(raw["Created"]), int(raw["Size"])
        return ImageDetails(str(raw["Id"]), created, size, version, [int(one) for one in layers if one])
    except (ValueError, LookupError, AttributeError, TypeError):
        return None


def read_measured(text: str) -> Measured | None:
    """Return what the program in the container printed, None if it is not that: an image may print anything."""
    try:
        found = json.loads(text.strip().splitlines()[-1])
        sizes = {str(name): int(size) for name, size in found["sizes"].items()}
        return Measured(str(found["python"]), sizes)
    except (ValueError, LookupError, AttributeError, TypeError):
        return None
