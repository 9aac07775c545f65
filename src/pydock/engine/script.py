"""Where a script is in its container, and how it gets there.

Imported by `pydock run script.py`, so nothing slow is imported here.
"""

from __future__ import annotations

import os

from pydock import trust
from pydock.engine.argv import csv_record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydock.environments.workspace import Workspace

# The folder of a script that is not in the project. Only the script is in it.
SCRIPT_FOLDER = "/run/pydock/script"


def script_command(
    path: str, folder: str, arguments: Sequence[str], workspace: Workspace
) -> tuple[list[str], list[str]]:
    """Return the command that runs a script, and the options of `docker run` that mount it.

    `folder` is the working directory. It and its project, the `workspace`, are mounted anyway. A script from elsewhere is mounted alone and read-only,
    because its folder may have files that are nobody else's business, such as a home folder's.
    """
    full = os.path.normpath(os.path.join(folder, path))
    real = os.path.realpath(full)
    if not trust.is_inside(real, workspace.root):
        place = f"{SCRIPT_FOLDER}/{os.path.basename(full)}"
        mount = csv_record("type=bind", f"source={real}", f"target={place}", "readonly")
        return ["python", place, *arguments], ["--mount", mount]
    written = os.path.relpath(real, workspace.folder)
    if path != written and (os.path.isabs(path) or os.path.normpath(path) != written):
        path = written
    return ["python", path if path[:1] != "-" else f"./{path}", *arguments], []
