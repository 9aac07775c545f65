"""What a run has besides the project: folders that setting `mounts` names, and a home folder that stays.

Imported by runs that have one of these settings.
"""

from __future__ import annotations

import os

from pydock import errors
from pydock.engine.argv import csv_record
from pydock.environments.linked import hides_nothing
from pydock.settings import find_user_home, project_folder
from pydock.trust import is_inside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydock.environments.environment import Environment
    from pydock.settings import Settings

VOLUME_LABEL = "pydock.home"


def data_options(
    settings: Settings, environment: Environment, environ: Mapping[str, str] | None = None
) -> list[str]:
    """Return the options of `docker run` that mount the folders of setting `mounts`, and the home volume.

    Raises `BadSetting` for a folder that does not exist, or that would hide one of the image.
    """
    environ = os.environ if environ is None else environ
    home = f"/home/{environment.caller.name}"
    records = []
    if settings.home_volume == "true":
        volume = f"source={home_volume(environment)}"
        records.append(csv_record("type=volume", volume, f"target={home}", f"volume-label={VOLUME_LABEL}"))
    cache = os.path.join(home, ".cache")
    found = [_read_mount(text, settings, environ) for text in settings.mounts]
    if settings.home_volume != "true" and any(
        is_inside(place, cache) and place != cache for _, place, _ in found
    ):
        # The engine makes the folders above a mount for root, and other programs keep their caches there too.
        records.append(csv_record("type=tmpfs", f"target={cache}", "tmpfs-mode=1777"))
    for source, place, mode in found:
        records.append(csv_record("type=bind", f"source={source}", f"target={place}", *mode))
    return [word for record in records for word in ("--mount", record)]


def home_volume(environment: Environment) -> str:
    """Return the name of the volume for the environment's home folder: one per folder, caller and machine."""
    return f"pydock-{environment.name}-{environment.identity}-home"


def _read_mount(text: str, settings: Settings, environ: Mapping[str, str]) -> tuple[str, str, list[str]]:
    """Return folder, place in the container, and mode of `FOLDER[:PLACE][:ro]`; a place begins with a slash."""
    rest, mode = text, []
    for suffix, fields in ((":ro", ["readonly"]), (":rw", [])):
        if text.endswith(suffix):
            rest, mode = text.removesuffix(suffix), fields
    written, colon, place = rest.partition(":/")
    source = written
    if written.startswith("~/"):
        source = os.path.join(find_user_home(environ), written[2:])
    elif not os.path.isabs(written):
        if settings.home.mode == "global":
            raise errors.BadSetting(
                f"Setting 'mounts' has the relative path {written!r}, and the environments are global. Use an absolute "
                "path, or one that begins with `~/`."
            )
        source = os.path.join(project_folder(settings.home.folder), written)
    source = os.path.normpath(source)
    if not os.path.exists(source):
        raise errors.BadSetting(
            f"Setting 'mounts' has {source}, which does not exist. Correct it or remove it."
        )
    place = f"/{place}" if colon else source
    if not colon and not hides_nothing(place):
        raise errors.BadSetting(
            f"Setting 'mounts' has {source}, which would hide a folder of the image. Name another place in the container: "
            f"'{source}:/mnt/{os.path.basename(source)}'."
        )
    return source, place, mode
