"""Containers of an environment that run while its packages change: what they have mounted is the old image."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pydock.engine import argv as docker
from pydock.engine.warm import warm_containers

if TYPE_CHECKING:
    from pydock.engine.client import Engine
    from pydock.environments.environment import Environment

SECONDS_TO_END = 1  # for a warm container in which nothing runs; one in which a program runs does not end


def containers_before(engine: Engine, environment: Environment) -> list[str]:
    """Return the names of the running containers that have an older image of the environment.

    The engine shows an image by its tag, or by its id if the tag has another image now. An environment of the same name in
    another project still has its tag.
    """
    end = time.monotonic() + SECONDS_TO_END
    while True:
        found = _running(engine, environment)
        if not any("-warm-" in name for name in found) or time.monotonic() > end:
            return found
        time.sleep(0.1)


def _running(engine: Engine, environment: Environment) -> list[str]:
    current = environment.content_tag()
    fresh = {container.name for container in warm_containers(environment.name, environment.identity)}
    rows = engine.query(docker.list_running(engine.client, environment.name)).splitlines()
    pairs = [row.partition(" ")[::2] for row in rows]
    return sorted(
        name
        for image, name in pairs
        if name not in fresh
        and image not in {current, environment.alias}
        and (
            ":" not in image.removeprefix("sha256:")
            or image.startswith(f"{environment.image_name}:{environment.identity}-")
        )
    )
