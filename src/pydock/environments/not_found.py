"""The message for an environment that does not exist where it was looked for."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from pydock import errors
from pydock.environments.content import DOCKERFILE
from pydock.settings import find_home, find_user_home, working_directory

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydock.settings import Home, Settings


def not_found(settings: Settings, name: str, names: Sequence[str]) -> errors.EnvironmentNotFound:
    """Return the error for a name that none of the environments there (`names`) has; it says what may be meant."""
    start = f"Environment '{name}' not found in {settings.home.folder} ({settings.home.mode} mode)."
    elsewhere = place_of(settings, name)
    if elsewhere:
        return errors.EnvironmentNotFound(f"{start} {elsewhere}")
    hint = errors.did_you_mean(name, names)
    if not hint:
        hint = f" Environments there: {', '.join(names)}." if names else " No environments exist there yet."
    return errors.EnvironmentNotFound(f"{start}{hint} `pydock create {name} VERSION` creates it.")


def place_of(settings: Settings, name: str) -> str:
    """Return the sentence that names the flag with which an environment of that name is found, "" if none does."""
    with contextlib.suppress(errors.PydockError, OSError):
        for flag, home in _other_homes(settings):
            path = os.path.join(home.folder, "envs", name, DOCKERFILE)
            if home.folder != settings.home.folder and os.path.lexists(path):
                return f"There is one in {home.folder} ({home.mode} mode): {flag}."
    return ""


def _other_homes(settings: Settings) -> Iterator[tuple[str, Home]]:
    """Yield the homes of the other modes, and what to type for each."""
    folder, user_home = working_directory(), find_user_home(os.environ)
    for mode in ("local", "global"):
        if mode != settings.mode:
            home = find_home(mode, "", folder, user_home, settings.safe_folders)
            yield f"use --{mode}, or set PYDOCK_MODE={mode}", home
    if settings.sources["mode"] == "command line":
        yield f"leave out --{settings.mode}", find_home("", "", folder, user_home, settings.safe_folders)
