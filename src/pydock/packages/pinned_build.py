"""Building a folder with the pins of its requirements.txt, and what to do if they cannot be installed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pydock import errors
from pydock.environments import files, stored_wheels
from pydock.environments.environment import DOCKERFILE, REQUIREMENTS, REQUIREMENTS_IN

if TYPE_CHECKING:
    from pydock.engine.images import Images
    from pydock.environments.environment import Environment


def build_pinned(
    images: Images, environment: Environment, content: str, *, no_cache: bool = False, pull: bool = False
) -> None:
    """Build the folder as it is. If only other pins could help, the error names `pydock update`.

    Raises `PydockError` if requirements.txt is missing and can be made from requirements.in.
    """
    can_resolve = os.path.exists(environment.path(REQUIREMENTS_IN))
    if can_resolve:
        _refuse_missing_pins(environment)
    pins = files.read_if_exists(environment.path(REQUIREMENTS)).decode(errors="replace")
    missing = stored_wheels.missing_message(environment.folder, pins, environment.name)
    if missing:
        raise errors.PydockError(missing)
    try:
        images.build(environment, content, no_cache=no_cache, pull=pull)
    except errors.VersionsUnavailable as error:
        if can_resolve:
            error.message += (
                f"\nRun `pydock update {environment.name}` to choose versions again from {REQUIREMENTS_IN}."
            )
        raise


def _refuse_missing_pins(environment: Environment) -> None:
    path = environment.path(REQUIREMENTS)
    if os.path.lexists(path):
        return
    if REQUIREMENTS.encode() in files.read_if_exists(environment.path(DOCKERFILE)):
        raise errors.PydockError(
            f"{path} is missing. Run `pydock update {environment.name}`, which makes it again from {REQUIREMENTS_IN}."
        )
